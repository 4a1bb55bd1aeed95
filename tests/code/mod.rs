//! The calls that the tests of the pattern code render, and where they put the result.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub(crate) mod reference;
pub(crate) mod saga;
pub(crate) mod tools;

use std::path::Path;

use msdesign::render::code::{
    BreakerValues, CallSample, Fallback, Language, Pattern, Reasoned, sample,
};

/// The call whose samples the drivers exercise; they know these values.
pub(crate) const PAYMENT: CallSample = CallSample {
    caller: "orders",
    callee: "payment",
    operation: "POST /charges",
    protocol: "REST",
    attempt_timeout_ms: Reasoned::new(300, "1.5 × the p99 of payment (200 ms)"),
    attempts: Reasoned::new(
        4,
        "three attempts more than one; this is the only layer on the path that retries",
    ),
    backoff_base_ms: Reasoned::new(50, "about the median latency of payment"),
    backoff_cap_ms: Reasoned::new(150, "half of the attempt timeout"),
    retry_budget_ratio: Reasoned::new(0.1, "retries add at most 10 % to the load of payment"),
    deadline_ms: Reasoned::new(
        1000,
        "what the flow checkout leaves for this call, of its 2 s",
    ),
    idempotent: Reasoned::new(true, "payment keeps the Idempotency-Key for 24 h"),
    keyed: true,
    breaker: Some(PAYMENT_BREAKER),
    slots: Reasoned::new(4, "30 calls/s × 0.1 s × 1.3 headroom, rounded up"),
    fallback: Fallback::Answers("the order stays unpaid and is charged later"),
};

pub(crate) const PAYMENT_BREAKER: BreakerValues = BreakerValues {
    failure_ratio: Reasoned::new(
        0.5,
        "at an error rate of 5 % half of 10 calls fail by chance in 6 of 100,000 windows",
    ),
    window_s: Reasoned::new(10, "30 calls/s fill it with 300 calls"),
    minimum_calls: Reasoned::new(10, "fewer say nothing about the ratio"),
    open_ms: Reasoned::new(5000, "a replica of payment restarts in about 5 s"),
    half_open_calls: Reasoned::new(3, "enough to tell luck from recovery, no load to speak of"),
    slow_call_ms: Reasoned::new(240, "80 % of the attempt timeout"),
};

/// A call whose every string tries to break out and whose numbers sit at the edges.
pub(crate) fn hostile(name: &'static str) -> CallSample<'static> {
    let mut breaker = PAYMENT_BREAKER;
    let why = "*/ /* \\u002a\\u002f \\u000a x(); {{#include /etc/passwd}} ``` \"\"\" ''' \u{202e}\u{2028}\n@ts-ignore\n+build x\n# head \\";
    let mut call = PAYMENT;
    (call.caller, call.callee, call.operation, call.protocol) = (name, name, why, name);
    call.fallback = Fallback::Fails(why);
    call.attempts = Reasoned::new(u32::MAX, "");
    call.attempt_timeout_ms = Reasoned::new(0, why);
    call.deadline_ms = Reasoned::new(u32::MAX, "@ts-nocheck");
    call.backoff_base_ms = Reasoned::new(0, "#[deny(everything)]");
    call.backoff_cap_ms = Reasoned::new(u32::MAX, "//go:build ignore");
    call.retry_budget_ratio = Reasoned::new(f64::NAN, "- list\n- list");
    call.idempotent = Reasoned::new(false, name);
    breaker.failure_ratio = Reasoned::new(1.0, "`` quotes ''");
    breaker.window_s = Reasoned::new(u32::MAX, why);
    breaker.minimum_calls = Reasoned::new(u32::MAX, "-*- coding: utf-7 -*-");
    breaker.open_ms = Reasoned::new(0, "type: ignore");
    breaker.half_open_calls = Reasoned::new(0, "\0\u{7f}\u{85}\u{feff}");
    breaker.slow_call_ms = Reasoned::new(0, "${process.exit(1)} %s {} #{x}");
    call.breaker = Some(breaker);
    call.slots = Reasoned::new(0, "SAFETY: \\");
    call
}

/// Names that have gone wrong somewhere before.
pub(crate) const NAMES: [&str; 13] = [
    "type",
    "main",
    "3ds",
    "",
    "配送",
    "Größe/Straße",
    "a\"; evil(); \"",
    "\\u0022; x()",
    "circuit",
    "*/ x /*",
    "coding: latin-1",
    "a$b ${x()} #{x()} {x}",
    "a\u{301}-b_c D",
];

/// Writes the samples of `call` into `dir`.
pub(crate) fn write(language: &Language, call: &CallSample, dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    for (pattern, file) in Pattern::ALL.into_iter().zip(language.files) {
        if pattern.of(call) {
            std::fs::write(dir.join(file), sample(language, pattern, call)).unwrap();
        }
    }
}

/// The call with a breaker that is not retried, the one that is retried and has none, and each of them without a
/// fallback: their folders and values.
pub(crate) fn partial() -> [(&'static str, CallSample<'static>); 4] {
    let (mut tried_once, mut no_breaker) = (PAYMENT, PAYMENT);
    tried_once.attempts.value = 1;
    no_breaker.breaker = None;
    no_breaker.keyed = false;
    let fails = |mut call: CallSample<'static>| {
        call.fallback = Fallback::Fails("fails fast with 503 and Retry-After");
        call
    };
    [
        ("tried_once", tried_once),
        ("no_breaker", no_breaker),
        ("tried_once_fails", fails(tried_once)),
        ("no_breaker_fails", fails(no_breaker)),
    ]
}

/// Compiles the TypeScript of `dir` into its folder `built`, strictly.
pub(crate) fn tsc(dir: &Path, run: impl FnOnce(&[&str])) {
    // Where npm put the types of Node.js.
    let types =
        std::env::var("MSDESIGN_NODE_TYPES").unwrap_or_else(|_| "node_modules/@types".to_owned());
    let types = std::path::absolute(types).unwrap();
    let config = serde_json::json!({
        "compilerOptions": {
            "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true,
            "noImplicitOverride": true, "noUnusedLocals": true, "noUnusedParameters": true,
            "noImplicitReturns": true, "noFallthroughCasesInSwitch": true, "erasableSyntaxOnly": true,
            "target": "es2022", "module": "nodenext", "rootDir": ".", "outDir": "built",
            "typeRoots": [types], "types": ["node"],
        },
        "include": ["**/*.ts"],
        "exclude": ["built"],
    });
    std::fs::write(dir.join("tsconfig.json"), config.to_string()).unwrap();
    std::fs::write(dir.join("package.json"), "{ \"type\": \"module\" }").unwrap();
    run(&["--project", "."]);
}

/// Copies of the trace table with one wrong row each, and that row's number: a decision, a state, a time, a
/// result and whether the fallback was asked.
fn spoiled(table: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = table.lines().collect();
    let change = |op: &str, column: usize, change: fn(&str) -> String| {
        // The last such row but a few, so that the driver has got far.
        let of_op = |(_, line): &(usize, &&str)| line.split('\t').nth(2) == Some(op);
        let rows: Vec<usize> = lines
            .iter()
            .enumerate()
            .filter(of_op)
            .map(|(at, _)| at)
            .collect();
        let row = rows[rows.len() - rows.len() / 10 - 1];
        let mut columns: Vec<String> = lines[row].split('\t').map(str::to_owned).collect();
        columns[column] = change(&columns[column]);
        let mut copy: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        copy[row] = columns.join("\t");
        (row, copy.join("\n") + "\n")
    };
    let other_state = |state: &str| if state == "open" { "closed" } else { "open" }.to_owned();
    let later = |time: &str| (time.parse::<u64>().unwrap() + 1000).to_string();
    let other_decision = |decision: &str| {
        if decision == "admitted" {
            "refused"
        } else {
            "admitted"
        }
        .to_owned()
    };
    let other_result = |result: &str| if result == "ok" { "timeout" } else { "ok" }.to_owned();
    let other_asked = |asked: &str| if asked == "-" { "asked" } else { "-" }.to_owned();
    vec![
        change("begin", 10, other_decision),
        change("end", 9, other_state),
        change("attempt", 1, later),
        change("done", 10, other_result),
        change("done", 3, other_asked),
    ]
}

/// Has a language's program replay the table, and then copies with one wrong row each: it must name that row.
pub(crate) fn replays(file: &Path, replay: impl Fn() -> Result<String, String>) {
    let table = reference::table();
    std::fs::write(file, &table).unwrap();
    replay().unwrap_or_else(|printed| panic!("{printed}"));
    for (row, wrong) in spoiled(&table) {
        std::fs::write(file, wrong).unwrap();
        let printed = replay().expect_err("a table with a wrong row passes");
        assert!(
            printed.contains(&format!("row {row}:")),
            "not row {row}: {printed}"
        );
    }
    std::fs::write(file, &table).unwrap();
}
