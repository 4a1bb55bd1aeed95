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
    /// `PaymentURL`: as `Pascal`, with the initials that Go writes in capitals
    Exported,
    /// `paymentgateway`
    Package,
}

/// A language that pattern code is written in.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// Name in specs and folder under `templates/code/`; JavaScript has that of TypeScript.
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
    /// Words that cannot be names, with a space between them.
    pub reserved: &'static str,
    /// The name of each pattern's file as the language's community writes it, in the order of
    /// [`Pattern::ALL`](super::Pattern::ALL).
    pub files: [&'static str; 4],
    /// The template of each pattern, in the same order.
    pub(super) templates: [&'static str; 4],
}

/// The language with this id.
#[must_use]
pub fn language(id: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.id == id)
}

/// The templates of a folder.
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
            include_str!(concat!(
                "../../../templates/code/",
                $folder,
                "/guarded_call.jinja"
            )),
        ]
    };
}

/// Every language, in the order in which a chapter shows them.
pub static LANGUAGES: [Language; 8] = [
    Language {
        id: "rust",
        name: "Rust",
        fence: "rust,ignore",
        comment: "//",
        indent: "        ",
        case: Case::Snake,
        reserved: RUST,
        files: [
            "circuit_breaker.rs",
            "retry.rs",
            "bulkhead.rs",
            "guarded_call.rs",
        ],
        templates: templates!("rust"),
    },
    Language {
        id: "go",
        name: "Go",
        fence: "go",
        comment: "//",
        indent: "\t\t",
        case: Case::Exported,
        reserved: GO,
        files: [
            "circuit_breaker.go",
            "retry.go",
            "bulkhead.go",
            "guarded_call.go",
        ],
        templates: templates!("go"),
    },
    Language {
        id: "java",
        name: "Java",
        fence: "java",
        comment: "//",
        indent: "            ",
        case: Case::Pascal,
        reserved: JAVA,
        files: [
            "CircuitBreaker.java",
            "Retry.java",
            "Bulkhead.java",
            "GuardedCall.java",
        ],
        templates: templates!("java"),
    },
    Language {
        id: "kotlin",
        name: "Kotlin",
        fence: "kotlin",
        comment: "//",
        indent: "        ",
        case: Case::Camel,
        reserved: KOTLIN,
        files: [
            "CircuitBreaker.kt",
            "Retry.kt",
            "Bulkhead.kt",
            "GuardedCall.kt",
        ],
        templates: templates!("kotlin"),
    },
    Language {
        id: "csharp",
        name: "C#",
        fence: "csharp",
        comment: "//",
        indent: "            ",
        case: Case::Pascal,
        reserved: "", // every name starts with `For` and a capital
        files: [
            "CircuitBreaker.cs",
            "Retry.cs",
            "Bulkhead.cs",
            "GuardedCall.cs",
        ],
        templates: templates!("csharp"),
    },
    Language {
        id: "python",
        name: "Python",
        fence: "python",
        comment: "#",
        indent: "        ",
        case: Case::Snake,
        reserved: PYTHON,
        files: [
            "circuit_breaker.py",
            "retry.py",
            "bulkhead.py",
            "guarded_call.py",
        ],
        templates: templates!("python"),
    },
    Language {
        id: "typescript",
        name: "TypeScript",
        fence: "typescript",
        comment: "//",
        indent: "  ",
        case: Case::Camel,
        reserved: TYPESCRIPT,
        files: [
            "circuit-breaker.ts",
            "retry.ts",
            "bulkhead.ts",
            "guarded-call.ts",
        ],
        templates: templates!("typescript"),
    },
    Language {
        id: "javascript",
        name: "JavaScript",
        fence: "javascript",
        comment: "//",
        indent: "  ",
        case: Case::Camel,
        reserved: TYPESCRIPT,
        files: [
            "circuit-breaker.js",
            "retry.js",
            "bulkhead.js",
            "guarded-call.js",
        ],
        // TypeScript without its types: see the filter `ts`.
        templates: templates!("typescript"),
    },
];

const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum extern false \
    final fn for gen if impl in let loop macro match mod move mut override priv pub ref return \
    self static struct super trait true try type typeof unsafe unsized use virtual where while \
    yield";

// `main` would be a program, and the go command leaves a package `documentation` out.
const GO: &str = "break case chan const continue default defer documentation else fallthrough for func go goto \
    if import interface main map package range return select struct switch type var";

const JAVA: &str = "abstract assert boolean break byte case catch char class const continue default do double \
    else enum extends false final finally float for goto if implements import instanceof int \
    interface long native new null package private protected public return short static strictfp \
    super switch synchronized this throw throws transient true try void volatile while";

const KOTLIN: &str = "as break class continue do else false for fun if in interface is null object package return \
    super this throw true try typealias typeof val var when while";

const PYTHON: &str = "False None True and as assert async await break case class continue def del elif else except \
    finally for from global if import in is lambda match nonlocal not or pass raise return try \
    type while with yield";

const TYPESCRIPT: &str = "arguments as async await break case catch class const continue debugger default delete do \
    else enum eval export extends false finally for function if implements import in instanceof \
    interface let new null package private protected public return static super switch this \
    throw true try typeof undefined var void while with yield";
