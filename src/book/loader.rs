//! Reads the files that a spec names, and no file outside the folder it may read.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::Loader;

/// The largest file that is read, in bytes.
pub const LIMIT: u64 = 1024 * 1024;

/// A [`Loader`] that never leaves one folder, symbolic links followed.
#[derive(Clone, Debug)]
pub struct Guarded {
    base: PathBuf,
    root: PathBuf,
}

impl Guarded {
    /// Reads below `root` only; the names of chapters and specs are paths relative to `base`.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>, root: impl Into<PathBuf>) -> Self {
        Self {
            base: base.into(),
            root: root.into(),
        }
    }
}

impl Loader for Guarded {
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), String> {
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        if Path::new(path).is_absolute() || path.starts_with(['/', '\\']) {
            return Err(format!(
                "`{path}` is absolute; paths are relative to the file that names them"
            ));
        }
        let name = normal(&Path::new(from).parent().unwrap_or(Path::new("")).join(path));
        let file = self.base.join(&name);
        let name = name.to_string_lossy().replace('\\', "/");
        let root = self
            .root
            .canonicalize()
            .map_err(|e| format!("the folder of `{from}` cannot be read: {}", plain(&e)))?;
        let real = file
            .canonicalize()
            .map_err(|e| format!("`{name}` cannot be read: {}", plain(&e)))?;
        if !real.starts_with(&root) {
            return Err(format!("`{name}` lies outside the folder that may be read"));
        }
        let meta = real
            .metadata()
            .map_err(|e| format!("`{name}` cannot be read: {}", plain(&e)))?;
        // A pipe or a device would never end.
        if !meta.is_file() {
            return Err(format!("`{name}` is not a file"));
        }
        let text = read_text(&real).map_err(|e| format!("`{name}` {e}"))?;
        Ok((name, text))
    }
}

/// The text of a file of at most [`LIMIT`] bytes.
///
/// # Errors
///
/// The rest of a sentence that starts with the file's name.
pub fn read_text(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|e| format!("cannot be read: {}", plain(&e)))?;
    if bytes.len() as u64 > LIMIT {
        return Err("is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
            + 1;
        format!("is not UTF-8 (line {line})")
    })
}

/// An operating system's error without its number.
fn plain(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        kind => kind.to_string(),
    }
}

/// `a/../b` as `b`. Leading `..` stay; the guard refuses them where they lead outside.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
