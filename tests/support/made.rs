//! Designs with their files.

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Model};
use msdesign::{Artefact, NoFiles, Options, compile, spec};
use serde::Deserialize as _;
use serde_json::Value;

/// The model of the spec `text`, and its files.
pub(crate) fn made(text: &str) -> (Model, Vec<Artefact>) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("design", text));
    let mut out = Vec::new();
    let model = model::resolve(&spec::parse(id, text, &mut out), id, &mut out);
    let options = Options {
        artefacts: true,
        sections: Some(vec!["overview".to_owned()]),
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let chapter = done
        .chapter
        .unwrap_or_else(|| panic!("{:#?}", done.diagnostics));
    (model, chapter.artefacts)
}

/// Every document of every file below `folder`.
pub(crate) fn documents(files: &[Artefact], folder: &str) -> Vec<Value> {
    let of = files.iter().filter(|f| f.path.starts_with(folder));
    of.flat_map(|f| serde_yaml_ng::Deserializer::from_str(&f.text))
        .map(|d| Value::deserialize(d).unwrap())
        .collect()
}
