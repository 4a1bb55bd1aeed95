//! Designs out of the text of their spec.

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Model};
use msdesign::spec;

/// The model of `text`, in which nothing may be wrong.
#[track_caller]
pub(crate) fn model(text: &str) -> Model {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml".to_owned(), text.to_owned()));
    let mut out = Vec::new();
    let spec = spec::parse(id, text, &mut out);
    let model = model::resolve(&spec, id, &mut out);
    assert!(out.is_empty(), "{out:#?}\n{text}");
    model
}
