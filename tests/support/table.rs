//! The table of what real tools have read: kind, tool, version, files, result. Every conformance test adds its
//! rows to `target/conformance.txt`; `just conformance` empties it before and shows it after.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// A row that says `FAILED` unless it is told otherwise, whatever becomes of the test.
#[must_use]
pub(crate) struct Row {
    kind: &'static str,
    tool: String,
    version: String,
    files: usize,
    result: &'static str,
}

/// A version, however it is known. A tool that is not there is `missing`.
pub(crate) struct Version(String);

impl From<String> for Version {
    fn from(version: String) -> Self {
        Self(version)
    }
}

/// The first that the command prints.
impl From<&mut Command> for Version {
    fn from(asked: &mut Command) -> Self {
        let Ok(out) = asked.output() else {
            return Self("missing".to_owned());
        };
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let numbers = said.split(|c: char| !c.is_ascii_digit() && c != '.');
        let found = numbers
            .map(|w| w.trim_matches('.'))
            .find(|w| w.contains('.') && w.len() > 2);
        Self(found.unwrap_or("?").to_owned())
    }
}

/// That of a package of npm: where the packages are, and its name.
impl From<(&Path, &str)> for Version {
    fn from((node_modules, package): (&Path, &str)) -> Self {
        let file = node_modules.join(package).join("package.json");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        Self(value["version"].as_str().unwrap_or("missing").to_owned())
    }
}

/// Begins a row.
pub(crate) fn row(kind: &'static str, tool: &str, version: impl Into<Version>) -> Row {
    Row {
        kind,
        tool: tool.to_owned(),
        version: version.into().0,
        files: 0,
        result: "FAILED",
    }
}

impl Row {
    /// The tool has read this many files, with this result: `accepted` once what had to run has run.
    pub(crate) fn ends(mut self, files: usize, result: &'static str) {
        self.files = files;
        self.result = result;
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        let line = format!(
            "{:<16} {:<30} {:<14} {:>6}  {}\n",
            self.kind, self.tool, self.version, self.files, self.result
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let path = folder.unwrap_or(Path::new(".")).join("conformance.txt");
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        // In one piece: other tests write at the same time.
        let written = file.and_then(|mut f| f.write_all(line.as_bytes()));
        assert!(written.is_ok() || std::thread::panicking(), "{written:?}");
    }
}
