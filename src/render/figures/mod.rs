//! Pictures of the plan in the form that the page takes: SVG, Mermaid, DOT or text.

mod cast;
mod flows;
mod sagas;
mod scene;

pub(super) use flows::flow;
pub(super) use sagas::{saga_failure, saga_states};

use super::Cx;
use super::doc::{Doc, say};
use crate::DiagramForm;
use crate::diagram::layout::Wish;
use crate::diagram::svg::{self, Frame};
use crate::diagram::{Sequence, States, TooLarge, dot, mermaid, text_form};
use crate::model::ServiceId;

/// The form of pictures on this page.
fn form(cx: &Cx<'_>, doc: &Doc) -> DiagramForm {
    match (cx.options.diagram, doc.html()) {
        (None, true) => DiagramForm::Svg,
        (None, false) => DiagramForm::Mermaid,
        (Some(DiagramForm::Svg), false) => DiagramForm::Text,
        (Some(form), _) => form,
    }
}

/// One picture in all the forms it has.
struct Forms<'p> {
    /// Ends the picture's ids.
    name: &'p str,
    title: &'p str,
    svg: &'p dyn Fn(&svg::Options<'_>) -> Result<String, TooLarge>,
    mermaid: &'p dyn Fn() -> String,
    dot: Option<&'p dyn Fn() -> String>,
    text: &'p dyn Fn() -> String,
}

fn show(cx: &Cx<'_>, doc: &mut Doc, forms: &Forms<'_>) {
    match form(cx, doc) {
        DiagramForm::Svg => {
            let scope = doc.id(forms.name);
            let options = svg::Options {
                scope: &scope,
                frame: Frame::Page,
                wish: Wish::default(),
            };
            match (forms.svg)(&options) {
                Ok(picture) => {
                    doc.figure(picture);
                    doc.details(&format!("{} as text", forms.title), |d| {
                        d.code("text", &(forms.text)());
                    });
                }
                Err(why) => {
                    doc.para(say!("The picture is left out: {}. The same as text:", why));
                    doc.code("text", &(forms.text)());
                }
            }
        }
        DiagramForm::Mermaid => doc.code("mermaid", &(forms.mermaid)()),
        DiagramForm::Text => doc.code("text", &(forms.text)()),
        DiagramForm::Dot => match forms.dot {
            Some(dot) => doc.code("dot", &dot()),
            None => doc.code("text", &(forms.text)()),
        },
    }
}

/// Who talks to whom.
pub(super) fn interactions(cx: &Cx<'_>, doc: &mut Doc) {
    let scene = scene::scene(cx, doc);
    show(
        cx,
        doc,
        &Forms {
            name: "picture-interactions",
            title: "The diagram",
            svg: &|o| svg::interactions(&scene, o),
            mermaid: &|| mermaid::interactions(&scene),
            dot: Some(&|| dot::interactions(&scene)),
            text: &|| text_form::interactions(&scene),
        },
    );
}

fn sequence_picture(cx: &Cx<'_>, doc: &mut Doc, name: &str, sequence: &Sequence) {
    show(
        cx,
        doc,
        &Forms {
            name,
            title: &sequence.title,
            svg: &|o| svg::sequence(sequence, o),
            mermaid: &|| mermaid::sequence(sequence),
            dot: None,
            text: &|| text_form::sequence(sequence),
        },
    );
}

fn states_picture(cx: &Cx<'_>, doc: &mut Doc, name: &str, states: &States) {
    show(
        cx,
        doc,
        &Forms {
            name,
            title: &states.title,
            svg: &|o| svg::states(states, o),
            mermaid: &|| mermaid::states(states),
            dot: Some(&|| dot::states(states)),
            text: &|| text_form::states(states),
        },
    );
}

/// The anchor of a service in the services table.
pub(super) fn service_anchor(cx: &Cx<'_>, id: ServiceId) -> String {
    format!("service-{}", cx.plan.service(id).slug)
}
