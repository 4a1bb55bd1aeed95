//! The root of a spec: TOML errors, then every key.

use toml::de::DeTable;

use super::table::{Context, Table, shorten};
use super::{Spec, declare, interactions, journeys, lint, secrets};
use crate::diag::{Diagnostic, SourceId, Span};

/// Reads the spec text `content` of `source`. What can be read is returned even where there are errors.
pub fn parse(source: SourceId, content: &str, out: &mut Vec<Diagnostic>) -> Spec {
    let root = toml_table(source, content, out);
    let mut faults = Vec::new();
    let mut cx = Context {
        source,
        content,
        out: &mut faults,
    };
    let mut t = Table::new(&cx, "a design", &root.table);
    let cx = &mut cx;
    let services = declare::read_services(cx, &mut t);
    let services_unreadable = services.is_empty() && !cx.out.is_empty();
    let spec = Spec {
        title: t.text(cx, "title"),
        description: t.text(cx, "description"),
        architecture: t.text(cx, "architecture"),
        infrastructure: t.texts(cx, "infrastructure").unwrap_or_default(),
        language: t.texts(cx, "language").unwrap_or_default(),
        sections: t.texts(cx, "sections"),
        include: t.texts(cx, "include").unwrap_or_default(),
        depth: t.number(cx, "depth", 1..=4),
        services,
        services_unreadable,
        actors: t.names(cx, "actors").unwrap_or_default(),
        sync: interactions::read_sync(cx, &mut t),
        events: interactions::read_async(cx, &mut t),
        realtime: interactions::read_realtime(cx, &mut t),
        teams: declare::read_teams(cx, &mut t),
        stores: declare::read_stores(cx, &mut t),
        brokers: declare::read_brokers(cx, &mut t),
        sagas: journeys::read_sagas(cx, &mut t),
        flows: journeys::read_flows(cx, &mut t),
        platform: declare::read_platform(cx, &mut t),
        diagram: declare::read_diagram(cx, &mut t),
        defaults: declare::read_defaults(cx, &mut t),
        lint: lint::read_lint(cx, &mut t),
        secrets: secrets::find(source, content),
    };
    t.finish(cx);
    if root.sound {
        out.append(&mut faults);
    }
    spec
}

/// Reads what a book sets for all its blocks: `infrastructure`, `language`, `[defaults]`
/// and `[lint]`.
pub fn parse_book(source: SourceId, content: &str, out: &mut Vec<Diagnostic>) -> Spec {
    let root = toml_table(source, content, out);
    let mut faults = Vec::new();
    let mut cx = Context {
        source,
        content,
        out: &mut faults,
    };
    let mut t = Table::new(&cx, "the book's configuration", &root.table);
    let cx = &mut cx;
    let spec = Spec {
        infrastructure: t.texts(cx, "infrastructure").unwrap_or_default(),
        language: t.texts(cx, "language").unwrap_or_default(),
        defaults: declare::read_defaults(cx, &mut t),
        lint: lint::read_book_lint(cx, &mut t),
        ..Spec::default()
    };
    t.finish(cx);
    if root.sound {
        out.append(&mut faults);
    }
    spec
}

/// What a TOML parser made of a text.
struct Root<'c> {
    table: toml::Spanned<DeTable<'c>>,
    /// Whether it is TOML. What else is wrong in a text that is not is mostly an echo of that.
    sound: bool,
}

/// The TOML of `content`, with every TOML error reported.
fn toml_table<'c>(source: SourceId, content: &'c str, out: &mut Vec<Diagnostic>) -> Root<'c> {
    let (root, errors) = DeTable::parse_recoverable(content);
    let sound = errors.is_empty();
    for error in errors {
        let range = error.span().unwrap_or(0..content.len());
        let mut message = error.message().trim().to_owned();
        if let Some(i) = message.find('\n') {
            message.truncate(i);
        }
        let written = content.get(range.clone()).unwrap_or_default();
        let mut help = None;
        if message == "duplicate key" {
            message = format!("the key `{}` is given twice", shorten(written));
            help = Some(
                "a key is written once; the items of a list stand either all in `[…]` or all in `[[…]]` tables",
            );
        } else if message.starts_with("string values must be quoted") {
            help = Some("text stands in quotes: `title = \"Shop\"`");
        }
        out.push(
            Diagnostic::error(
                "syntax",
                Span::new(source, range),
                format!("this is not valid TOML: {message}"),
            )
            .at("here")
            .maybe_help(help.map(str::to_owned)),
        );
    }
    Root { table: root, sound }
}
