//! What `export` wrote into a folder, so that it never overwrites or removes what somebody else wrote.
//!
//! The list is a file of its own in the format of `sha256sum`, so that `sha256sum --check` reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The list's name in the folder.
const NAME: &str = ".msdesign-export.sha256";

/// What is there under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing.
    Free,
    /// A file as it was written.
    Ours,
    /// A file that was written by `export` and changed since.
    Changed,
    /// Something that `export` did not write.
    Foreign,
}

/// A folder that files are exported to.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Digest of every file that was written, by path.
    written: BTreeMap<String, String>,
}

/// What [`write`] did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) changed: usize,
    pub(super) removed: usize,
}

impl Folder {
    /// The folder `root`, which need not exist.
    ///
    /// # Errors
    ///
    /// It is no folder, or its list cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        if root.exists() && !root.is_dir() {
            bail!("`{}` is not a folder", super::shown(root));
        }
        let list = root.join(NAME);
        let text = match std::fs::read_to_string(&list) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => {
                return Err(e).with_context(|| format!("`{}` cannot be read", super::shown(&list)));
            }
        };
        let mut written = BTreeMap::new();
        for line in text.lines() {
            match line.split_once("  ") {
                // A list that was tampered with must not lead out of the folder.
                Some((digest, path)) if inside(path) => {
                    written.insert(path.to_owned(), digest.to_owned());
                }
                _ => bail!(
                    "`{}` is not a list that `export` wrote",
                    super::shown(&list)
                ),
            }
        }
        Ok(Self {
            root: root.to_path_buf(),
            written,
        })
    }

    /// What is there under `path`.
    pub(super) fn held(&self, path: &str) -> Held {
        let file = self.root.join(path);
        // A link is never followed: what it points at is somewhere else.
        let folders = Path::new(path).ancestors().skip(1);
        if folders
            .filter(|f| !f.as_os_str().is_empty())
            .any(|f| self.root.join(f).is_symlink())
        {
            return Held::Foreign;
        }
        let Ok(meta) = file.symlink_metadata() else {
            return Held::Free;
        };
        match self.written.get(path) {
            Some(digest) if meta.is_file() => {
                if std::fs::read(&file).is_ok_and(|bytes| digest_of(&bytes) == *digest) {
                    Held::Ours
                } else {
                    Held::Changed
                }
            }
            _ => Held::Foreign,
        }
    }

    /// Written files that are not among `all` any more and stand there unchanged.
    pub(super) fn gone(&self, all: &BTreeSet<String>) -> Vec<String> {
        self.written
            .keys()
            .filter(|p| !all.contains(*p) && self.held(p) == Held::Ours)
            .cloned()
            .collect()
    }

    /// The text of the file at `path`, if there is one.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>> {
        let file = self.root.join(path);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| format!("`{}` cannot be read", super::shown(&file))),
        }
    }
}

/// Writes `files`, removes `gone`, and writes the list anew. Each file is whole or as it was before.
///
/// # Errors
///
/// A file cannot be written; the list then names what was.
pub(super) fn write(
    folder: &Folder,
    files: &BTreeMap<String, &str>,
    gone: &[String],
) -> Result<Written> {
    let mut done = Written::default();
    let mut list = folder.written.clone();
    let result = change(folder, files, gone, &mut list, &mut done);
    let text: String = list
        .iter()
        .map(|(path, digest)| format!("{digest}  {path}\n"))
        .collect();
    put(&folder.root.join(NAME), &text)?;
    result.map(|()| done)
}

fn change(
    folder: &Folder,
    files: &BTreeMap<String, &str>,
    gone: &[String],
    list: &mut BTreeMap<String, String>,
    done: &mut Written,
) -> Result<()> {
    for (path, text) in files {
        let digest = digest_of(text.as_bytes());
        let same = folder.held(path) == Held::Ours && folder.written.get(path) == Some(&digest);
        if !same {
            put(&folder.root.join(path), text)?;
            done.changed += 1;
        }
        list.insert(path.clone(), digest);
    }
    for path in gone {
        let file = folder.root.join(path);
        std::fs::remove_file(&file)
            .with_context(|| format!("`{}` cannot be removed", super::shown(&file)))?;
        list.remove(path);
        done.removed += 1;
    }
    Ok(())
}

/// Writes a whole file beside its place and moves it there.
pub(super) fn put(file: &Path, text: &str) -> Result<()> {
    place(file, text, None)
}

/// The same for a file that is there and keeps who may read and write it.
pub(super) fn replace(file: &Path, text: &str) -> Result<()> {
    let permissions = std::fs::metadata(file).map(|m| m.permissions()).ok();
    place(file, text, permissions)
}

fn place(file: &Path, text: &str, permissions: Option<std::fs::Permissions>) -> Result<()> {
    let why = || format!("`{}` cannot be written", super::shown(file));
    let parent = super::folder_of(file);
    std::fs::create_dir_all(&parent).with_context(why)?;
    let mut beside = tempfile::NamedTempFile::new_in(&parent).with_context(why)?;
    beside.write_all(text.as_bytes()).with_context(why)?;
    match permissions {
        Some(own) => beside.as_file().set_permissions(own),
        None => readable(beside.as_file()),
    }
    .with_context(why)?;
    beside.persist(file).with_context(why)?;
    Ok(())
}

/// A temporary file is its owner's alone; these are for everybody who may read the folder.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Whether a path of the list stays in the folder.
fn inside(path: &str) -> bool {
    !path.is_empty()
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\\'))
}
