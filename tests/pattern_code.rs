//! The pattern code of every language is written for any input; the Rust code compiles and behaves.
#![allow(clippy::unwrap_used, clippy::panic)]

mod code;

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use msdesign::render::code::{LANGUAGES, Pattern, language, sample};

/// Runs `command` and shows what it printed if it fails.
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_language_has_every_pattern() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/code");
    let mut folders: Vec<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut ids: Vec<&str> = LANGUAGES.iter().map(|language| language.id).collect();
    folders.sort_unstable();
    ids.sort_unstable();
    let own: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| *id != "javascript")
        .collect();
    assert_eq!(
        folders, own,
        "one folder and one entry a language; JavaScript is TypeScript without types"
    );
    for known in msdesign::model::LANGUAGES {
        assert!(ids.contains(&known.id), "no code in {}", known.name);
    }
    for language in &LANGUAGES {
        let partial = code::partial().map(|(_, call)| call);
        for (pattern, call) in [code::PAYMENT]
            .iter()
            .chain(&partial)
            .flat_map(|call| Pattern::ALL.map(|pattern| (pattern, call)))
            .filter(|(pattern, call)| pattern.of(call))
        {
            let text = sample(language, pattern, call);
            assert!(
                !text.contains("could not be written"),
                "{} {pattern:?}: {text}",
                language.id
            );
            assert!(
                text.contains("payment") && text.ends_with('\n') && !text.ends_with("\n\n"),
                "{text}"
            );
            for (number, line) in text.lines().enumerate() {
                assert!(
                    line.chars().count() <= 100,
                    "{} {pattern:?} {}: {line}",
                    language.id,
                    number + 1
                );
                assert_eq!(
                    line,
                    line.trim_end(),
                    "{} {pattern:?} {}",
                    language.id,
                    number + 1
                );
            }
        }
    }
}

#[test]
fn every_value_and_reason_of_a_call_is_shown() {
    let (call, breaker) = (code::PAYMENT, code::PAYMENT_BREAKER);
    let reasons = [
        (Pattern::CircuitBreaker, breaker.failure_ratio.why),
        (Pattern::CircuitBreaker, breaker.window_s.why),
        (Pattern::CircuitBreaker, breaker.minimum_calls.why),
        (Pattern::CircuitBreaker, breaker.open_ms.why),
        (Pattern::CircuitBreaker, breaker.half_open_calls.why),
        (Pattern::CircuitBreaker, breaker.slow_call_ms.why),
        (Pattern::Retry, call.attempts.why),
        (Pattern::Retry, call.attempt_timeout_ms.why),
        (Pattern::Retry, call.deadline_ms.why),
        (Pattern::Retry, call.backoff_base_ms.why),
        (Pattern::Retry, call.backoff_cap_ms.why),
        (Pattern::Retry, call.idempotent.why),
        (Pattern::Retry, call.retry_budget_ratio.why),
        (Pattern::Bulkhead, call.slots.why),
        (
            Pattern::GuardedCall,
            "the order stays unpaid and is charged later",
        ),
    ];
    for language in &LANGUAGES {
        for (pattern, why) in reasons {
            // Joins the comment's lines again.
            let text = sample(language, pattern, &call).replace(language.comment, " ");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                text.contains(why),
                "{} {pattern:?} lacks: {why}\n{text}",
                language.id
            );
        }
    }
}

#[test]
fn no_string_of_a_spec_leaves_its_line() {
    for language in &LANGUAGES {
        for pattern in Pattern::ALL {
            for name in code::NAMES {
                let text = sample(language, pattern, &code::hostile(name));
                assert!(!text.contains("could not be written"), "{text}");
                assert!(
                    !text.contains("{{") && !text.contains("\\u"),
                    "{} {pattern:?}: {text}",
                    language.id
                );
                assert!(
                    text.chars()
                        .all(|c| c == '\n' || c == '\t' || !c.is_control()),
                    "{text}"
                );
                for line in text.lines().filter(|line| line.contains("evil()")) {
                    let at = line.find("evil()").unwrap();
                    let before = &line[..at];
                    assert!(
                        before.contains(language.comment) || before.contains("\\\""),
                        "{line}"
                    );
                }
            }
        }
    }
}

#[test]
fn rust_compiles_without_a_warning_and_behaves() {
    let rust = language("rust").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut main = include_str!("code/rust/driver.rs").to_owned();
    code::write(rust, &code::PAYMENT, dir.path());
    for (index, name) in code::NAMES.into_iter().enumerate() {
        let module = format!("hostile{index}");
        code::write(rust, &code::hostile(name), &dir.path().join(&module));
        writeln!(
            main,
            "mod {module} {{ mod bulkhead; mod circuit_breaker; mod guarded_call; mod retry; }}"
        )
        .unwrap();
    }
    let mut once = code::PAYMENT;
    once.idempotent.value = false;
    code::write(rust, &once, &dir.path().join("once"));
    for (folder, call) in code::partial() {
        code::write(rust, &call, &dir.path().join(folder));
    }
    std::fs::write(
        dir.path().join("replay.rs"),
        include_str!("code/rust/replay.rs"),
    )
    .unwrap();
    let source = dir.path().join("main.rs");
    std::fs::write(&source, main).unwrap();
    let program = dir
        .path()
        .join(format!("driver{}", env::consts::EXE_SUFFIX));
    run(
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args([
                "--edition",
                "2024",
                "--crate-name",
                "driver",
                "-D",
                "warnings",
                "-o",
            ])
            .arg(&program)
            .arg(&source),
    );
    run(&mut Command::new(&program));
    let table = dir.path().join("table.txt");
    code::replays(&table, || {
        let output = Command::new(&program).arg(&table).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(said)
        }
    });
}
