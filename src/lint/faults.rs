//! What can be wrong with a spec before the linter sees it, and with `[lint]` itself: the pages of these ids.

/// A fault of the language.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Stable id.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// When it is reported.
    pub what: &'static str,
    /// What to do.
    pub instead: &'static str,
    /// A spec with it, or empty where no short one shows it.
    pub example: &'static str,
}

/// Every fault, by id.
pub(super) static ALL: &[Fault] = &[
    Fault {
        id: "bad-arrow",
        summary: "an arrow that cannot be read",
        what: "A statement that is not `source --LABEL--> target`, such as one with a single dash, an empty label or an empty target.",
        instead: "Write `\"orders --gRPC Authorize--> payments\"`. Several targets are separated by commas; in `async` a broker may stand between: `\"orders --order.placed--> kafka --> email\"`.",
        example: "services = [\"orders\", \"payments\"]\nsync = [\"orders -> payments\"]\n",
    },
    Fault {
        id: "bad-name",
        summary: "a name with characters that names do not have",
        what: "A name that is empty, too long, or has other characters than letters, digits, `-`, `_`, `.` and inner spaces.",
        instead: "Use those characters only; what else is to be said fits in `description`.",
        example: "services = [\"orders/v2\"]\n",
    },
    Fault {
        id: "duplicate-call",
        summary: "the same interaction is stated twice",
        what: "Two statements of the same call or stream: same ends, protocol and operation.",
        instead: "Keep one of them, with the attributes of both.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\", { call = \"a --gRPC Pay--> b\", rate = \"5/s\" }]\n",
    },
    Fault {
        id: "duplicate-name",
        summary: "two things have the same name",
        what: "A service, team, saga or flow that is declared twice, or two statements about an event that contradict each other.",
        instead: "Rename one, or put what is said of it in one place.",
        example: "services = [\"a\", \"b\", \"a\"]\nsync = [\"a --gRPC Pay--> b\"]\n",
    },
    Fault {
        id: "flow-unknown-step",
        summary: "a flow takes a step that does not exist",
        what: "A step of a flow, or a member of `parallel`, that is none of the stated interactions.",
        instead: "State the interaction in `sync` or `async`, or correct the step: `\"orders -> payments\"`.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n[[flows]]\nname = \"Pay\"\nsteps = [\"b -> a\"]\n",
    },
    Fault {
        id: "include-failed",
        summary: "a file cannot be included",
        what: "A file that is missing, too large, not UTF-8, or outside of the folder that may be read; or too many of them.",
        instead: "Name a file inside the book, by a path relative to the file that names it.",
        example: "",
    },
    Fault {
        id: "invalid-value",
        summary: "a value that this key cannot have",
        what: "A quantity without its unit, a number out of range, or a word that is not one of those allowed.",
        instead: "The report names the range, or the words; quantities are text with a unit: `\"120ms\"`, `\"50/s\"`, `\"2KiB\"`, `\"99.9%\"`.",
        example: "services = [\"a\", \"b\"]\nsync = [{ call = \"a --gRPC Pay--> b\", timeout = \"fast\" }]\n",
    },
    Fault {
        id: "missing-key",
        summary: "a key that must be there is not",
        what: "A table that lacks what its meaning depends on, such as a call without its ends.",
        instead: "Add the key; the report shows an example.",
        example: "services = [\"a\", \"b\"]\n[[sync]]\nfrom = \"a\"\nto = \"b\"\n",
    },
    Fault {
        id: "missing-reason",
        summary: "a finding is allowed without a reason",
        what: "An entry of `allow` whose `reason` is missing or empty.",
        instead: "Say why the finding may stay: the next reader cannot know. To switch a rule off for the whole design, write `[lint.rules] RULE = \"off\"`.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n[lint]\nallow = [{ rule = \"missing-owner\" }]\n",
    },
    Fault {
        id: "no-chapter",
        summary: "a block leaves nothing to show",
        what: "A block from which no chapter comes although nothing else is wrong with it.",
        instead: "Declare at least one service.",
        example: "",
    },
    Fault {
        id: "syntax",
        summary: "the spec is not TOML",
        what: "A text that a TOML parser refuses. Nothing else is said about such a block, since what else seems wrong is mostly an echo.",
        instead: "Correct the place that is underlined: a missing quote or bracket, or a key given twice.",
        example: "services = [\"a\", \"b\"\n",
    },
    Fault {
        id: "unknown-event",
        summary: "an event that nobody publishes or reads",
        what: "A name of an event that no statement in `async` has.",
        instead: "Correct the name, or state the event.",
        example: "services = [\"a\", \"b\"]\nasync = [\"a --order.placed--> b\"]\n[[flows]]\nname = \"Order\"\nsteps = [\"a -> order.plced\"]\n",
    },
    Fault {
        id: "unknown-key",
        summary: "a key that does not exist here",
        what: "A key that the language does not have at this place. Nothing is silently ignored, since a slip would change the design.",
        instead: "Use the key that the report proposes, or remove it.",
        example: "titel = \"Shop\"\nservices = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n",
    },
    Fault {
        id: "unknown-name",
        summary: "a name that nothing has",
        what: "A name in what a health check asks that no service, store or broker has.",
        instead: "Correct the name, or declare what it stands for.",
        example: "",
    },
    Fault {
        id: "unknown-rule",
        summary: "there is no rule of this id",
        what: "An id in `[lint]` that is none of the linter's rules.",
        instead: "`mdbook-msdesign rules` lists them.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n[lint]\ndeny = [\"missing-ownr\"]\n",
    },
    Fault {
        id: "unknown-section",
        summary: "there is no section of this id",
        what: "An id in `sections` that no section of the chapter has.",
        instead: "Use one of the ids that the report names.",
        example: "sections = [\"allerts\"]\nservices = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n",
    },
    Fault {
        id: "unknown-service",
        summary: "a service or actor that is not declared",
        what: "A source, a target, a saga's step or a team's member that no declaration has.",
        instead: "Correct the name, or add it to `services` or `actors`.",
        example: "services = [\"orders\", \"payments\"]\nsync = [\"orders --gRPC Authorize--> paymnets\"]\n",
    },
    Fault {
        id: "unknown-team",
        summary: "a team that is not declared",
        what: "A `team` of a service that `teams` does not have, while `teams` is there.",
        instead: "Correct the name, or add the team.",
        example: "",
    },
    Fault {
        id: "unknown-threshold",
        summary: "a rule has no such threshold",
        what: "A key under `[lint.rules]` that is neither `severity` nor a threshold of the rule.",
        instead: "`mdbook-msdesign explain RULE` names the thresholds.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n[lint.rules]\nchain-too-deep = { depth = 4 }\n",
    },
    Fault {
        id: "unused-allow",
        summary: "an `allow` allows nothing",
        what: "An entry of `allow` whose rule finds nothing at that place. A warning; `[lint.rules] unused-allow` sets its severity.",
        instead: "Remove the entry. If the finding is still there, correct `at`: it matches a service, `caller -> callee`, an event, or the whole subject of a finding.",
        example: "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n[lint]\nallow = [{ rule = \"sync-cycle\", reason = \"to be cut in spring\" }]\n",
    },
    Fault {
        id: "wrong-type",
        summary: "a value of another type than its key takes",
        what: "A number where text is expected, a text where a table is, and the like. A quantity is text, with its unit.",
        instead: "Write what the report shows.",
        example: "title = 5\nservices = [\"a\", \"b\"]\nsync = [\"a --gRPC Pay--> b\"]\n",
    },
];
