//! Runs the workflow with every activity failing in turn, and prints what it did.
mod odd;
mod trips;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use trips::{BookATripActivities, Failure, SagaError, book_a_trip};

const COMMANDS: [&str; 8] = [
    "create_trip", "check_rider", "lock_fare", "log_entry",
    "assign_driver", "confirm_trip", "cancel_trip", "release_fare",
];

/// Fails the command with an error, so many times, and refuses another.
struct Script {
    error: &'static str,
    command: &'static str,
    times: u32,
    refusing: &'static str,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    done: Vec<&'static str>,
    keys: BTreeMap<String, &'static str>,
    tries: u32,
}

impl Script {
    fn act(&self, name: &'static str, key: &str) -> Result<(), Failure> {
        let mut seen = self.seen.lock().unwrap();
        if *seen.keys.entry(key.to_owned()).or_insert(name) != name {
            eprintln!("{key} for {name} as well");
            std::process::abort();
        }
        if seen.done.last() != Some(&name) {
            seen.done.push(name);
        }
        let tried = name == self.command;
        seen.tries += u32::from(tried);
        let fails = tried && seen.tries <= self.times;
        drop(seen);
        if name == self.refusing {
            return Err(Failure::Refused(name.to_owned()));
        }
        if !fails {
            return Ok(());
        }
        match self.error {
            "refused" => Err(Failure::Refused(name.to_owned())),
            "unavailable" => Err(Failure::Failed("connection".into())),
            "timeout" => panic!("as lost as one that does not answer"),
            _ => {
                thread::sleep(Duration::from_secs(60));
                Ok(())
            }
        }
    }
}

macro_rules! activities {
    ($($name:ident)*) => {
        impl BookATripActivities for Script {
            $(fn $name(&self, key: &str) -> Result<(), Failure> {
                self.act(stringify!($name), key)
            })*
        }
    };
}

activities!(create_trip cancel_trip check_rider lock_fare release_fare log_entry assign_driver confirm_trip);

fn run(error: &'static str, command: &'static str, times: u32, refusing: &'static str) {
    let seen = Mutex::default();
    let script = Arc::new(Script { error, command, times, refusing, seen });
    let start = Instant::now();
    let result = book_a_trip(&script, "trip-1", |pause| {
        assert!(pause <= Duration::from_secs(100));
    });
    let end = match &result {
        Ok(()) => "done",
        Err(SagaError::TakenBack(..)) => "TakenBack",
        Err(SagaError::Stuck(..)) => "Stuck",
        Err(SagaError::Unknown(..)) => "Unknown",
    };
    if let Err(error) = result {
        use std::error::Error;
        assert!(!error.to_string().is_empty());
        // What came of `Failed` is at the end of the chain.
        let mut last: &dyn Error = &error;
        while let Some(source) = last.source() {
            last = source;
        }
        let lost = script.error == "unavailable" && refusing.is_empty() && end != "Stuck";
        assert!(!lost || last.to_string() == "connection", "{last}");
    }
    let took = start.elapsed().as_secs_f64();
    assert!(took < 5.0 && (error != "slow" || took > 0.9), "{error} took {took}");
    let seen = script.seen.lock().unwrap();
    println!("{error} {command} {times} > {} {end} {}", seen.done.join(" "), seen.tries);
}

fn main() {
    std::panic::set_hook(Box::new(|info| {
        // Only those of activities are meant.
        if thread::current().name() == Some("main") {
            eprintln!("{info}");
        }
    }));
    for error in ["refused", "unavailable", "timeout"] {
        for command in COMMANDS {
            run(error, command, 3, "");
            run(error, command, 1000, "assign_driver");
        }
    }
    run("slow", "lock_fare", 1, "");
}
