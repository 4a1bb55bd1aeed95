//! Pictures of the plan in the form that the page takes: SVG, text or the notation of another tool.

mod breaker;
mod cast;
mod charts;
mod flows;
mod gallery;
mod large;
mod matrix;
mod parts;
mod sagas;
mod scene;

pub(super) use breaker::breakers;
pub(super) use charts::{amplification, availability, budget, capacity};
pub(super) use flows::flow;
pub(super) use gallery::draw;
pub(super) use sagas::{saga_failure, saga_states};

use super::Cx;
use super::doc::{Doc, Inline, say};
use crate::DiagramForm;
use crate::diagram::layout::Wish;
use crate::diagram::svg::{self, Frame};
use crate::diagram::{Form, Picture, Refusal, Scene, views};
use crate::model::{CallId, Party, Section, ServiceId, View};

/// The form of pictures on this page.
fn form(cx: &Cx<'_>, doc: &Doc) -> Form {
    match (cx.options.diagram, doc.html()) {
        (None, true) => Form::Svg,
        (None, false) => Form::Mermaid,
        (Some(DiagramForm::Svg), true) => Form::Svg,
        (Some(DiagramForm::Svg), false) => Form::Text,
        (Some(DiagramForm::Mermaid), _) => Form::Mermaid,
        (Some(DiagramForm::Text), _) => Form::Text,
        (Some(DiagramForm::Dot), _) => Form::Dot,
        (Some(DiagramForm::D2), _) => Form::D2,
        (Some(DiagramForm::PlantUml), _) => Form::PlantUml,
    }
}

/// Puts `picture` in the page; `name` ends its ids.
fn show(cx: &Cx<'_>, doc: &mut Doc, name: &str, picture: &Picture) {
    match written(doc, name, picture, form(cx, doc)) {
        Ok(text) => place(cx, doc, picture, text),
        Err(why) => {
            doc.para(say!("The picture is left out: {}. The same as text:", why));
            if let Ok(text) = written(doc, name, picture, Form::Text) {
                doc.code(Form::Text.name(), &text);
            }
        }
    }
}

/// `picture` for the page; `name` ends its ids.
fn written(doc: &Doc, name: &str, picture: &Picture, form: Form) -> Result<String, Refusal> {
    let options = svg::Options {
        scope: &doc.id(name),
        frame: Frame::Page,
        wish: Wish::default(),
    };
    picture.write(form, &options)
}

/// Puts what was [written] in the page.
fn place(cx: &Cx<'_>, doc: &mut Doc, picture: &Picture, written: String) {
    let form = form(cx, doc);
    if form != Form::Svg {
        doc.code(form.name(), &written);
        return;
    }
    doc.figure(written);
    let title = match picture {
        Picture::Interactions(_) => "The diagram",
        _ => picture.title(),
    };
    doc.details(&format!("{title} in words"), |d| {
        d.list(picture.words().into_iter().map(Inline::text));
    });
}

/// What stands for the whole design.
enum Shown {
    /// Every service and interaction.
    Whole,
    /// The teams; there is too much for one picture.
    Overview(Scene),
    /// Nothing but the matrix: there is too much for one picture, and no teams or too much between them.
    Pairs,
}

/// What is shown of `scene`: as much as is readable, unless the author wants more or less.
fn shown(cx: &Cx<'_>, scene: &Scene) -> Shown {
    match cx.plan.model.view {
        View::Full => return Shown::Whole,
        View::Auto if views::is_readable(&scene.canonical()) => return Shown::Whole,
        View::Auto | View::Overview => {}
    }
    overview(scene).map_or(Shown::Pairs, Shown::Overview)
}

/// The teams of `scene`, if that makes a readable picture.
fn overview(scene: &Scene) -> Option<Scene> {
    views::overview(scene).filter(views::is_readable)
}

/// Who talks to whom.
pub(super) fn interactions(cx: &Cx<'_>, doc: &mut Doc) {
    let scene = scene::scene(cx, Some(doc));
    match shown(cx, &scene) {
        Shown::Whole => {
            let picture = Picture::Interactions(scene.clone());
            match written(doc, "all", &picture, form(cx, doc)) {
                Ok(text) => place(cx, doc, &picture, text),
                Err(why) => large::write(cx, doc, &scene, overview(&scene), Some(why)),
            }
        }
        Shown::Overview(overview) => large::write(cx, doc, &scene, Some(overview), None),
        Shown::Pairs => large::write(cx, doc, &scene, None, None),
    }
}

/// Where the picture of a service leads: its row in the services table, if the page has one.
fn service_link(cx: &Cx<'_>, doc: Option<&Doc>, id: ServiceId) -> Option<String> {
    section_link(cx, doc, Section::Interactions, &service_anchor(cx, id))
}

/// A link to `name` in `section`, if there is a page that has both ids and the section.
fn section_link(cx: &Cx<'_>, doc: Option<&Doc>, section: Section, name: &str) -> Option<String> {
    let there = cx.plan.model.sections.contains(&section);
    doc.filter(|d| there && d.html())
        .map(|d| format!("#{}", d.id(name)))
}

/// The anchor of a call's own row in the contracts table.
pub(super) fn call_anchor(id: CallId) -> String {
    format!("call-{}", id.0)
}

/// The anchor of the first call of `caller` in the contracts table, whose rows go by caller.
pub(super) fn calls_anchor(cx: &Cx<'_>, caller: Party) -> String {
    match caller {
        Party::Service(id) => format!("calls-{}", cx.plan.service(id).slug),
        Party::Actor(id) => format!("calls-of-actor-{}", id.0),
    }
}

/// The anchor of a service in the services table.
pub(super) fn service_anchor(cx: &Cx<'_>, id: ServiceId) -> String {
    format!("service-{}", cx.plan.service(id).slug)
}
