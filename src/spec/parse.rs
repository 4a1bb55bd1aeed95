//! The root of a spec: TOML errors, then every key.

use toml::de::DeTable;

use super::table::{Context, Table};
use super::{Spec, declare, interactions, journeys};
use crate::diag::{Diagnostic, SourceId, Span};

/// Reads the spec text `content` of `source`. What can be read is returned even where there are errors.
pub fn parse(source: SourceId, content: &str, out: &mut Vec<Diagnostic>) -> Spec {
    let root = toml_table(source, content, out);
    let mut cx = Context {
        source,
        content,
        out,
    };
    let mut t = Table::new(&cx, "a design", &root);
    let cx = &mut cx;
    let spec = Spec {
        title: t.text(cx, "title"),
        description: t.text(cx, "description"),
        architecture: t.text(cx, "architecture"),
        infrastructure: t.texts(cx, "infrastructure").unwrap_or_default(),
        language: t.texts(cx, "language").unwrap_or_default(),
        sections: t.texts(cx, "sections"),
        include: t.texts(cx, "include").unwrap_or_default(),
        depth: t.number(cx, "depth", 1..=4),
        services: declare::read_services(cx, &mut t),
        actors: t.texts(cx, "actors").unwrap_or_default(),
        sync: interactions::read_sync(cx, &mut t),
        events: interactions::read_async(cx, &mut t),
        realtime: interactions::read_realtime(cx, &mut t),
        teams: declare::read_teams(cx, &mut t),
        stores: declare::read_stores(cx, &mut t),
        brokers: declare::read_brokers(cx, &mut t),
        sagas: journeys::read_sagas(cx, &mut t),
        flows: journeys::read_flows(cx, &mut t),
        platform: declare::read_platform(cx, &mut t),
        defaults: declare::read_defaults(cx, &mut t),
        lint: declare::read_lint(cx, &mut t),
    };
    t.finish(cx);
    spec
}

/// Reads what a book sets for all its blocks: `infrastructure`, `language` and `[defaults]`.
pub fn parse_book(source: SourceId, content: &str, out: &mut Vec<Diagnostic>) -> Spec {
    let root = toml_table(source, content, out);
    let mut cx = Context {
        source,
        content,
        out,
    };
    let mut t = Table::new(&cx, "the book's configuration", &root);
    let cx = &mut cx;
    let spec = Spec {
        infrastructure: t.texts(cx, "infrastructure").unwrap_or_default(),
        language: t.texts(cx, "language").unwrap_or_default(),
        defaults: declare::read_defaults(cx, &mut t),
        ..Spec::default()
    };
    t.finish(cx);
    spec
}

/// The TOML of `content`, with every TOML error reported.
fn toml_table<'c>(
    source: SourceId,
    content: &'c str,
    out: &mut Vec<Diagnostic>,
) -> toml::Spanned<DeTable<'c>> {
    let (root, errors) = DeTable::parse_recoverable(content);
    for error in errors {
        let range = error.span().unwrap_or(0..content.len());
        let mut message = error.message().trim().to_owned();
        if let Some(i) = message.find('\n') {
            message.truncate(i);
        }
        out.push(
            Diagnostic::error(
                "syntax",
                Span::new(source, range),
                format!("this is not valid TOML: {message}"),
            )
            .at("here"),
        );
    }
    root
}
