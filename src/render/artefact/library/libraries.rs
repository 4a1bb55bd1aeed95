//! The libraries: who uses each, and what it cannot say.

use super::{FileName, Form, Library, files};
use crate::plan::CallPlan;

use super::super::Kind;

macro_rules! template {
    ($path:literal) => {
        (
            $path,
            include_str!(concat!("../../../../templates/library/", $path, ".jinja")),
        )
    };
}

/// The templates by their paths.
pub(super) const TEMPLATES: [(&str, &str); 10] = [
    template!("polly/Guard.cs"),
    template!("polly/limits.cs"),
    template!("cockatiel/guard.ts"),
    template!("cockatiel/limits.ts"),
    template!("tenacity/guard.py"),
    template!("tenacity/limits.py"),
    template!("tower/guard.rs"),
    template!("tower/limits.rs"),
    template!("failsafe/guard.go"),
    template!("failsafe/limits.go"),
];

pub(in super::super) const POLLY: Kind = Kind {
    id: "polly",
    what: "the limits of the calls of a C# service, for Polly 8",
    files: |cx| {
        files(
            cx,
            &Library {
                id: "polly",
                name: "Polly",
                forms: &[Form {
                    language: "csharp",
                    fence: "csharp",
                    guard: "Guard.cs",
                    ending: "cs",
                    case: FileName::Pascal,
                    templates: ["polly/Guard.cs", "polly/limits.cs"],
                }],
                checked_by: None,
                note: "Written after Polly's published interface; the library itself could not be had for our tests, so \
               this was compiled against a stand-in of that interface and not run.",
                gaps: |p| gaps(p, &[Gap::Budget, Gap::OneProbe, Gap::Slow]),
            },
        )
    },
};

pub(in super::super) const COCKATIEL: Kind = Kind {
    id: "cockatiel",
    what: "the limits of the calls of a TypeScript or JavaScript service, for cockatiel",
    files: |cx| {
        files(
            cx,
            &Library {
                id: "cockatiel",
                name: "cockatiel",
                forms: &[
                    Form {
                        language: "typescript",
                        fence: "typescript",
                        guard: "guard.ts",
                        ending: "ts",
                        case: FileName::Kebab,
                        templates: ["cockatiel/guard.ts", "cockatiel/limits.ts"],
                    },
                    Form {
                        language: "javascript",
                        fence: "javascript",
                        guard: "guard.mjs",
                        ending: "mjs",
                        case: FileName::Kebab,
                        templates: ["cockatiel/guard.ts", "cockatiel/limits.ts"],
                    },
                ],
                checked_by: Some("cockatiel 3.2.1"),
                note: "While one probe is under way, other calls wait for its end.",
                gaps: |p| gaps(p, &[Gap::Budget, Gap::OneProbe, Gap::Slow]),
            },
        )
    },
};

pub(in super::super) const TENACITY: Kind = Kind {
    id: "tenacity",
    what: "the limits of the calls of a Python service, for tenacity and circuitbreaker",
    files: |cx| {
        files(
            cx,
            &Library {
                id: "tenacity",
                name: "tenacity and circuitbreaker",
                forms: &[Form {
                    language: "python",
                    fence: "python",
                    guard: "guard.py",
                    ending: "py",
                    case: FileName::Snake,
                    templates: ["tenacity/guard.py", "tenacity/limits.py"],
                }],
                checked_by: Some("tenacity 9.2.1 and circuitbreaker 2.1.3"),
                note: "The breaker counts failures in a row: it opens after as many as the design wants calls before it \
               judges, which a dead callee reaches and one that fails now and then does not. It guards calls that block \
               a thread; for asyncio, `AsyncRetrying` and `asyncio.Semaphore` take the same limits.",
                gaps: |p| gaps(p, &[Gap::Share, Gap::Budget, Gap::AllProbes, Gap::Slow]),
            },
        )
    },
};

pub(in super::super) const TOWER: Kind = Kind {
    id: "tower",
    what: "the limits of the calls of a Rust service, for tower",
    files: |cx| {
        files(
            cx,
            &Library {
                id: "tower",
                name: "tower",
                forms: &[Form {
                    language: "rust",
                    fence: "rust,ignore",
                    guard: "guard.rs",
                    ending: "rs",
                    case: FileName::Snake,
                    templates: ["tower/guard.rs", "tower/limits.rs"],
                }],
                checked_by: Some("tower 0.5 and tower-resilience-circuitbreaker 0.14"),
                note: "Slow calls have a share of their own: each share alone opens the breaker later than both together \
               would. The retry budget is earned by calls that succeed.",
                gaps: |_| Vec::new(),
            },
        )
    },
};

pub(in super::super) const FAILSAFE: Kind = Kind {
    id: "failsafe",
    what: "the limits of the calls of a Go service, for failsafe-go",
    files: |cx| {
        files(
            cx,
            &Library {
                id: "failsafe",
                name: "failsafe-go",
                forms: &[Form {
                    language: "go",
                    fence: "go",
                    guard: "guard.go",
                    ending: "go",
                    case: FileName::Snake,
                    templates: ["failsafe/guard.go", "failsafe/limits.go"],
                }],
                checked_by: None,
                note: "The retry budget is a share of the calls that are in flight. Written after failsafe-go's published \
               interface; the library itself could not be had for our tests, so this was compiled against a stand-in \
               of that interface and not run.",
                gaps: |p| gaps(p, &[Gap::Slow]),
            },
        )
    },
};

/// A value of the design that some library cannot take.
#[derive(Clone, Copy)]
enum Gap {
    /// Retries as a share of calls.
    Budget,
    /// It sends one probe at a time.
    OneProbe,
    /// It lets every call through once the wait is over.
    AllProbes,
    /// Slow calls count as failed.
    Slow,
    /// A share of the calls in a window.
    Share,
}

/// Those of `all` that the design sets for a call, with its values.
fn gaps(p: &CallPlan, all: &[Gap]) -> Vec<(&'static str, String)> {
    let breaker = p.breaker.as_ref().ok();
    all.iter()
        .filter_map(|gap| match gap {
            Gap::Budget => {
                (p.attempts.value > 1).then(|| ("retry budget", p.retry_budget.value.to_string()))
            }
            Gap::OneProbe => breaker
                .filter(|b| b.half_open.value > 1)
                .map(|b| ("probes", format!("{}; it sends one", b.half_open.value))),
            Gap::AllProbes => breaker.map(|b| {
                (
                    "probes",
                    format!("{}; it lets every call through", b.half_open.value),
                )
            }),
            Gap::Slow => {
                breaker.map(|b| ("slow calls as failures", format!("from {}", b.slow.value)))
            }
            Gap::Share => breaker.map(|b| {
                let window = b.window.value;
                (
                    "share of a window",
                    format!("{} in {window}", b.ratio.value),
                )
            }),
        })
        .collect()
}
