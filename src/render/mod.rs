//! Plan → chapter. Does no arithmetic and cannot fail on anything an author writes.

mod artefact;
pub mod code;
pub(crate) mod doc;
mod figures;
mod script;
mod sections;
mod style;

use crate::lint::Finding;
use crate::model::Section;
use crate::plan::Plan;
use crate::{Chapter, Drawn, Options, Part, Wanted};
use doc::Doc;

pub use artefact::{KINDS, Kind};

/// What every section is written from.
pub(crate) struct Cx<'a> {
    /// The design.
    pub(crate) plan: &'a Plan<'a>,
    /// What the linter found, worst first.
    pub(crate) findings: &'a [Finding],
    /// What the host decided.
    pub(crate) options: &'a Options,
}

/// The chapter of `plan`.
pub(crate) fn chapter(cx: &Cx<'_>) -> Chapter {
    let model = cx.plan.model;
    let parts: Vec<Part> = model.sections.iter().map(|s| part(cx, *s)).collect();
    let mut preamble = String::new();
    if cx.options.style && cx.options.format == crate::Format::Html {
        preamble.push_str(&style::block());
        if cx.options.remember_tabs {
            preamble.push_str(&script::block());
        }
    }
    Chapter {
        title: model.title.clone(),
        preamble,
        parts,
        artefacts: if cx.options.artefacts {
            artefact::all(cx)
        } else {
            Vec::new()
        },
    }
}

/// The picture of `plan` that is wanted.
pub(crate) fn draw(cx: &Cx<'_>, wanted: &Wanted) -> Drawn {
    figures::draw(cx, wanted)
}

fn part(cx: &Cx<'_>, section: Section) -> Part {
    let info = section.info();
    let depth = cx.options.depth.clamp(1, 4);
    // The overview stands under the title of the block; every other section is one level below it.
    let overview = section == Section::Overview;
    let level = if overview { depth } else { depth + 1 };
    let heading = if overview {
        cx.plan.model.title.clone()
    } else {
        info.heading.to_owned()
    };
    let mut doc = Doc::new(cx.options.format, &cx.options.scope, level);
    doc.heading(0, heading.as_str(), info.id);
    sections::write(section, cx, &mut doc);
    Part {
        id: info.id,
        heading,
        markdown: doc.finish(),
    }
}
