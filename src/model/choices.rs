//! Words that a spec may choose from: the sections of the chapter and the languages of pattern code.

/// A part of the chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "SECTIONS documents each")]
pub enum Section {
    Overview,
    Interactions,
    Sync,
    Async,
    Realtime,
    Discovery,
    Reliability,
    Tracing,
    Gateway,
    Consistency,
    Observability,
    Alerts,
    Migration,
    Ownership,
}

/// Id and heading of a section.
#[derive(Clone, Copy, Debug)]
pub struct SectionInfo {
    /// The section.
    pub section: Section,
    /// What `sections = […]` takes.
    pub id: &'static str,
    /// Its heading in the chapter; the overview stands under the block's title.
    pub heading: &'static str,
}

const fn info(section: Section, id: &'static str, heading: &'static str) -> SectionInfo {
    SectionInfo {
        section,
        id,
        heading,
    }
}

/// Every section, in the order of the chapter.
pub const SECTIONS: [SectionInfo; 14] = [
    info(Section::Overview, "overview", "Overview"),
    info(
        Section::Interactions,
        "interactions",
        "Service Interaction Diagram",
    ),
    info(Section::Sync, "sync", "Synchronous Communication"),
    info(Section::Async, "async", "Asynchronous Communication"),
    info(Section::Realtime, "realtime", "Real-Time Communication"),
    info(Section::Discovery, "discovery", "Service Discovery"),
    info(Section::Reliability, "reliability", "Reliability Patterns"),
    info(Section::Tracing, "tracing", "Distributed Tracing"),
    info(Section::Gateway, "gateway", "API Gateway Configuration"),
    info(Section::Consistency, "consistency", "Data Consistency"),
    info(
        Section::Observability,
        "observability",
        "Monitoring & Observability",
    ),
    info(Section::Alerts, "alerts", "Alert Conditions"),
    info(Section::Migration, "migration", "Migration"),
    info(Section::Ownership, "ownership", "Ownership"),
];

impl Section {
    /// Id and heading.
    #[must_use]
    pub fn info(self) -> &'static SectionInfo {
        SECTIONS
            .iter()
            .find(|i| i.section == self)
            .unwrap_or(&SECTIONS[0])
    }
}

/// A language of pattern code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// What a spec calls it.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// Languages whose names a spec may use for pattern code. Those without templates of their own are
/// told so in the chapter.
pub const LANGUAGES: [Language; 8] = [
    Language {
        id: "go",
        name: "Go",
    },
    Language {
        id: "java",
        name: "Java",
    },
    Language {
        id: "kotlin",
        name: "Kotlin",
    },
    Language {
        id: "typescript",
        name: "TypeScript",
    },
    Language {
        id: "python",
        name: "Python",
    },
    Language {
        id: "rust",
        name: "Rust",
    },
    Language {
        id: "csharp",
        name: "C#",
    },
    Language {
        id: "javascript",
        name: "JavaScript",
    },
];

/// The language that `word` names, in any of its usual spellings.
#[must_use]
pub fn known_language(word: &str) -> Option<&'static Language> {
    let id = spelled(word);
    LANGUAGES.iter().find(|l| l.id == id)
}

/// The id behind the usual spellings of a language, or the word in small letters.
pub(super) fn spelled(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "golang" => "go",
        "c#" | "dotnet" | ".net" => "csharp",
        "ts" => "typescript",
        "js" | "node" | "nodejs" | "node.js" => "javascript",
        "py" => "python",
        other => other,
    }
    .to_owned()
}
