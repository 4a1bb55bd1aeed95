//! The languages of the pattern code: one entry and one folder of templates each.

/// How a language writes a name of several words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `payment_gateway`
    Snake,
    /// `paymentGateway`
    Camel,
    /// `PaymentGateway`
    Pascal,
    /// `paymentgateway`
    Package,
}

/// A language that pattern code is written in.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// Name in specs and folder under `templates/code/`.
    pub id: &'static str,
    /// Name for readers.
    pub name: &'static str,
    /// Info string of the fence. Rust says `ignore`, so that mdBook adds no run button and
    /// `mdbook test` does not compile a part of a program.
    pub fence: &'static str,
    /// What starts a line comment.
    pub comment: &'static str,
    /// What stands before the values and their reasons in the templates.
    pub(super) indent: &'static str,
    /// How the sample writes the callee's name.
    pub case: Case,
    /// Words that cannot be names, sorted.
    pub reserved: &'static [&'static str],
    /// The name of each pattern's file as the language's community writes it, in the order of
    /// [`Pattern::ALL`](super::Pattern::ALL).
    pub files: [&'static str; 3],
    /// The template of each pattern, in the same order.
    pub(super) templates: [&'static str; 3],
}

/// The language with this id.
#[must_use]
pub fn language(id: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.id == id)
}

/// The three templates of a folder.
macro_rules! templates {
    ($folder:literal) => {
        [
            include_str!(concat!(
                "../../../templates/code/",
                $folder,
                "/circuit_breaker.jinja"
            )),
            include_str!(concat!("../../../templates/code/", $folder, "/retry.jinja")),
            include_str!(concat!(
                "../../../templates/code/",
                $folder,
                "/bulkhead.jinja"
            )),
        ]
    };
}

/// Every language, in the order in which a chapter shows them.
pub static LANGUAGES: [Language; 2] = [
    Language {
        id: "rust",
        name: "Rust",
        fence: "rust,ignore",
        comment: "//",
        indent: "        ",
        case: Case::Snake,
        reserved: RUST,
        files: ["circuit_breaker.rs", "retry.rs", "bulkhead.rs"],
        templates: templates!("rust"),
    },
    Language {
        id: "go",
        name: "Go",
        fence: "go",
        comment: "//",
        indent: "\t\t",
        case: Case::Pascal,
        reserved: GO,
        files: ["circuit_breaker.go", "retry.go", "bulkhead.go"],
        templates: templates!("go"),
    },
];

const RUST: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

// `main` would be a program, and the go command leaves a package `documentation` out.
const GO: &[&str] = &[
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "documentation",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "main",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

#[cfg(test)]
mod tests {
    use super::LANGUAGES;

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        for language in &LANGUAGES {
            assert!(language.reserved.is_sorted(), "{}", language.id);
        }
    }
}
