//! A picture of any kind, and all the forms it can be written in.

use super::layout::Wish;
use super::matrix::Matrix;
use super::svg::{self, Frame};
use super::{
    Chart, Scene, Sequence, States, TooLarge, d2, dot, json, mermaid, plantuml, text_form, words,
};

/// Anything that can be drawn.
#[derive(Clone, Debug)]
pub enum Picture {
    /// Who talks to whom.
    Interactions(Scene),
    /// Messages in time.
    Sequence(Sequence),
    /// States and transitions.
    States(States),
    /// Who depends on whom, counted.
    Matrix(Matrix),
    /// Bars on one scale.
    Chart(Chart),
}

/// What a picture is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// SVG, in a page or as a file.
    Svg,
    /// JSON by the schema [`json::SCHEMA`].
    Json,
    /// Mermaid.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
    /// D2.
    D2,
    /// PlantUML.
    PlantUml,
    /// Text of at most [`text_form::COLUMNS`] columns.
    Text,
}

/// Why a picture cannot be had in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is too much in it to be laid out.
    TooLarge(TooLarge),
    /// That form has nothing to show it with.
    NoSuchForm,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 7] = [
        Self::Svg,
        Self::Json,
        Self::Mermaid,
        Self::Dot,
        Self::D2,
        Self::PlantUml,
        Self::Text,
    ];

    /// The form's name on the command line, in configuration, and as the language of a fenced block.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Json => "json",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::D2 => "d2",
            Self::PlantUml => "plantuml",
            Self::Text => "text",
        }
    }
}

impl Picture {
    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Interactions(p) => &p.title,
            Self::Sequence(p) => &p.title,
            Self::States(p) => &p.title,
            Self::Matrix(p) => &p.title,
            Self::Chart(p) => &p.title,
        }
    }

    /// The picture as `form`. An SVG is one line for a page or a file of its own, as `options` say; all
    /// else are lines of text.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the picture is too large to be laid out, or is a table or a chart and the form has
    /// none.
    pub fn write(&self, form: Form, options: &svg::Options<'_>) -> Result<String, Refusal> {
        let drawn = |picture: Result<String, TooLarge>| picture.map_err(Refusal::TooLarge);
        match (self, form) {
            (Self::Interactions(p), Form::Svg) => drawn(svg::interactions(p, options)),
            (Self::Interactions(p), Form::Json) => Ok(json::interactions(p, options.wish)),
            (Self::Interactions(p), Form::Mermaid) => Ok(mermaid::interactions(p)),
            (Self::Interactions(p), Form::Dot) => Ok(dot::interactions(p)),
            (Self::Interactions(p), Form::D2) => Ok(d2::interactions(p)),
            (Self::Interactions(p), Form::PlantUml) => Ok(plantuml::interactions(p)),
            (Self::Interactions(p), Form::Text) => Ok(text_form::interactions(p)),
            (Self::Sequence(p), Form::Svg) => drawn(svg::sequence(p, options)),
            (Self::Sequence(p), Form::Json) => Ok(json::sequence(p, options.wish)),
            (Self::Sequence(p), Form::Mermaid) => Ok(mermaid::sequence(p)),
            (Self::Sequence(p), Form::Dot) => Ok(dot::sequence(p)),
            (Self::Sequence(p), Form::D2) => Ok(d2::sequence(p)),
            (Self::Sequence(p), Form::PlantUml) => Ok(plantuml::sequence(p)),
            (Self::Sequence(p), Form::Text) => Ok(text_form::sequence(p)),
            (Self::States(p), Form::Svg) => drawn(svg::states(p, options)),
            (Self::States(p), Form::Json) => Ok(json::states(p)),
            (Self::States(p), Form::Mermaid) => Ok(mermaid::states(p)),
            (Self::States(p), Form::Dot) => Ok(dot::states(p)),
            (Self::States(p), Form::D2) => Ok(d2::states(p)),
            (Self::States(p), Form::PlantUml) => Ok(plantuml::states(p)),
            (Self::States(p), Form::Text) => Ok(text_form::states(p)),
            (Self::Matrix(p), Form::Svg) => drawn(svg::matrix(p, options)),
            (Self::Matrix(p), Form::Json) => Ok(json::matrix(p)),
            (Self::Matrix(p), Form::Text) => Ok(text_form::matrix(p)),
            (Self::Chart(p), Form::Svg) => drawn(svg::chart(p, options)),
            (Self::Chart(p), Form::Json) => Ok(json::chart(p)),
            (Self::Chart(p), Form::Text) => Ok(text_form::chart(p)),
            (Self::Matrix(_) | Self::Chart(_), _) => Err(Refusal::NoSuchForm),
        }
    }

    /// The picture as a file of its own; see [`Picture::write`].
    ///
    /// # Errors
    ///
    /// As [`Picture::write`].
    pub fn file(&self, form: Form, wish: Wish) -> Result<String, Refusal> {
        self.framed(form, Frame::File, wish)
    }

    /// The picture as an SVG for programs that know little CSS; see [`Picture::write`].
    ///
    /// # Errors
    ///
    /// As [`Picture::write`].
    pub fn plain(&self, wish: Wish) -> Result<String, Refusal> {
        self.framed(Form::Svg, Frame::Plain, wish)
    }

    fn framed(&self, form: Form, frame: Frame, wish: Wish) -> Result<String, Refusal> {
        let options = svg::Options {
            scope: "diagram",
            frame,
            wish,
        };
        let mut text = self.write(form, &options)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }

    /// The picture in words, for readers who cannot see it: one sentence a thing.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Interactions(p) => words::interactions(p),
            Self::Sequence(p) => words::sequence(p),
            Self::States(p) => words::states(p),
            Self::Matrix(p) => words::matrix(p),
            Self::Chart(p) => words::chart(p),
        }
    }

    /// The forms that it can be written in.
    pub fn forms(&self) -> impl Iterator<Item = Form> + use<> {
        let graph = !matches!(self, Self::Matrix(_) | Self::Chart(_));
        Form::ALL.into_iter().filter(move |f| match f {
            Form::Svg | Form::Json | Form::Text => true,
            // They know boxes and lines, no tables and scales.
            Form::Mermaid | Form::Dot | Form::D2 | Form::PlantUml => graph,
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge(why) => why.fmt(f),
            Self::NoSuchForm => f.write_str(
                "a matrix or a chart is written as SVG, JSON or text, and an SVG as PNG",
            ),
        }
    }
}
