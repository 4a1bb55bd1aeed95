//! Files that other programs read: each is complete and is accepted by its reader as it is.
//!
//! A [`Kind`] is one file of this folder. It makes all files of its kind for a design; `export` writes
//! them, and the chapter shows the same bytes through [`show`].

mod alert_tests;
mod alertmanager;
mod apply;
mod asyncapi;
mod broker;
mod cloudformation;
mod codeowners;
mod envoy;
pub(crate) mod events;
pub(crate) mod gateway;
mod grafana;
mod grpc;
mod kubernetes;
mod library;
#[cfg(all(test, feature = "conformance"))]
mod live;
mod mesh;
mod openapi;
pub(crate) mod path;
mod prometheus;
mod proto;
mod resilience4j;
mod runbooks;
mod saga;
mod yaml;

use std::collections::BTreeSet;

use super::Cx;
use super::doc::{Doc, Inline};
use crate::Artefact;

pub(crate) use prometheus::hold;
pub(crate) use yaml::{documents, yaml};

/// One kind of artefact.
#[derive(Debug)]
pub struct Kind {
    /// What `export --only` takes.
    pub id: &'static str,
    /// What its files are, for lists.
    pub what: &'static str,
    /// Makes them; no file where the design has nothing to say.
    pub(crate) files: fn(&Cx<'_>) -> Vec<File>,
}

/// A file as its kind makes it.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Where a repository keeps it: folders and a name of slugs, never from the author's words as they
    /// stand.
    pub(crate) path: String,
    /// Language of its fence in the chapter.
    pub(crate) fence: &'static str,
    /// The whole text.
    pub(crate) text: String,
    /// The program that reads this kind of file in production and has accepted it in the project's
    /// tests; `None` where none could be run.
    pub(crate) checked_by: Option<&'static str>,
    /// What to know beside the file.
    pub(crate) notes: Vec<String>,
}

/// Every kind, in the order of lists.
pub static KINDS: &[Kind] = &[
    openapi::KIND,
    proto::KIND,
    grpc::KIND,
    events::KIND,
    asyncapi::KIND,
    broker::KIND,
    saga::KIND,
    gateway::KIND,
    mesh::KIND,
    kubernetes::KIND,
    resilience4j::KIND,
    library::POLLY,
    library::COCKATIEL,
    library::TENACITY,
    library::TOWER,
    library::FAILSAFE,
    prometheus::KIND,
    alertmanager::KIND,
    grafana::KIND,
    runbooks::KIND,
    codeowners::KIND,
    apply::KIND,
];

/// The files of all kinds, by path; no two have the same one, even where a file system sees no difference
/// between large and small letters.
pub(crate) fn all(cx: &Cx<'_>) -> Vec<Artefact> {
    let mut taken = BTreeSet::new();
    let mut out = Vec::new();
    for kind in KINDS {
        for file in (kind.files)(cx) {
            let mut path = file.path.clone();
            let mut n = 2;
            while !taken.insert(path.to_lowercase()) {
                path = numbered(&file.path, n);
                n += 1;
            }
            out.push(Artefact {
                kind: kind.id,
                path,
                text: file.text,
            });
        }
    }
    out.extend(apply::about(cx, &out));
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// `a/orders.yaml` with a number: `a/orders-2.yaml`.
fn numbered(path: &str, n: u32) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(f, n)| (f, n));
    let (stem, ending) = name.split_once('.').map_or((name, ""), |(s, e)| (s, e));
    let dot = if ending.is_empty() { "" } else { "." };
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}{stem}-{n}{dot}{ending}")
}

/// Whether the design has files of the kind `id`.
pub(crate) fn any(cx: &Cx<'_>, id: &str) -> bool {
    let kinds = KINDS.iter().filter(|k| k.id == id);
    kinds.into_iter().any(|k| !(k.files)(cx).is_empty())
}

/// The files of the kind `id` in the chapter, each folded under its path.
pub(crate) fn show(cx: &Cx<'_>, doc: &mut Doc, id: &str) {
    show_files(doc, &of_kind(cx, id));
}

/// The files of the kind `id`.
pub(crate) fn of_kind(cx: &Cx<'_>, id: &str) -> Vec<File> {
    let kind = KINDS.iter().find(|k| k.id == id);
    kind.map_or_else(Vec::new, |k| (k.files)(cx))
}

/// Whether the file is one of those that differ from another by the number of a partition alone.
pub(crate) fn of_another_partition(path: &str) -> bool {
    broker::of_another_partition(path)
}

/// Files in the chapter, each folded under its path.
pub(crate) fn show_files(doc: &mut Doc, files: &[File]) {
    for file in files {
        let summary = match file.checked_by {
            Some(tool) => format!("{} (read by {})", file.path, tool.replace('`', "")),
            None => format!("{} (read by no program in our tests)", file.path),
        };
        doc.details(&summary, |doc| {
            if !file.notes.is_empty() {
                doc.list(file.notes.iter().map(|n| Inline::quoted(n)));
            }
            doc.code(file.fence, &file.text);
        });
    }
}

/// `text` as one comment line of any format whose comments start with `mark` and end with the line.
pub(super) fn comment_line(mark: &str, text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    format!("{mark} {}\n", text.chars().map(clean).collect::<String>())
}
