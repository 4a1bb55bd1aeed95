//! Makes calls with the limits of every call, and counts what tower and its breaker do.

mod guard;
mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use guard::{Limits, Verdict, guard};
use tower::{BoxError, Service, ServiceExt, service_fn};

const PATIENCE: Duration = Duration::from_secs(600);

fn judge(error: &BoxError) -> Verdict {
    match error.to_string().as_str() {
        "refused" => Verdict::Refused,
        "failed" => Verdict::Failed,
        _ => Verdict::Final,
    }
}

/// What states of servers ask of their members.
fn shared<T: Clone + Send + Sync + 'static>(service: T) -> T {
    service
}

/// Makes `calls` calls that all end as `outcome` says; how often one was sent.
async fn sent(limits: Limits, outcome: &'static str, calls: usize) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let send = service_fn(move |(): ()| {
        counted.fetch_add(1, Relaxed);
        async move { Err::<(), BoxError>(outcome.into()) }
    });
    let mut service = guard(&limits, judge, send);
    for _ in 0..calls {
        let _ = service.ready().await.expect("it sheds").call(()).await;
    }
    count.load(Relaxed)
}

/// The pauses before the second attempts of ten calls.
async fn pauses(limits: Limits) -> Vec<Duration> {
    let start = tokio::time::Instant::now();
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let send = service_fn(move |(): ()| {
        seen.lock().expect("no panic").push(start.elapsed());
        async { Err::<(), BoxError>("refused".into()) }
    });
    let service = guard(&limits, judge, send);
    for _ in 0..10 {
        let _ = service.clone().oneshot(()).await;
    }
    let times = times.lock().expect("no panic");
    times.chunks(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Whether a call beyond the slots is refused, and one in a free slot is made.
async fn bulkhead(limits: Limits) -> bool {
    let (open, gate) = tokio::sync::watch::channel(false);
    let entered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&entered);
    let send = service_fn(move |(): ()| {
        counted.fetch_add(1, Relaxed);
        let mut gate = gate.clone();
        async move { gate.wait_for(|open| *open).await.map(|_| ()).map_err(BoxError::from) }
    });
    let service = guard(&limits, judge, send);
    let service = shared(service);
    let inside: Vec<_> = (0..limits.slots)
        .map(|_| tokio::spawn(service.clone().oneshot(())))
        .collect();
    while entered.load(Relaxed) < limits.slots {
        tokio::task::yield_now().await;
    }
    let beyond = service.clone().oneshot(()).await;
    open.send(true).expect("calls wait");
    for call in inside {
        call.await.expect("no panic").expect("a slot");
    }
    beyond.is_err_and(|e| e.is::<tower::load_shed::error::Overloaded>()) && service.oneshot(()).await.is_ok()
}

/// How long a call takes that never ends by itself.
async fn late(limits: Limits) -> Duration {
    let send = service_fn(|(): ()| std::future::pending::<Result<(), BoxError>>());
    let start = tokio::time::Instant::now();
    let _ = guard(&limits, judge, send).oneshot(()).await;
    start.elapsed()
}

async fn check(name: &str, limits: Limits, faults: &mut Vec<String>) {
    let mut must = |what: &str, want: usize, got: usize| {
        if want != got {
            faults.push(format!("{name}: {what} {got}, not {want}"));
        }
    };
    let patient = Limits { timeout: PATIENCE, deadline: PATIENCE, breaker: None, ..limits };
    let attempts = limits.retry.map_or(1, |r| r.attempts as usize);
    must("attempts of refused calls", attempts, sent(patient, "refused", 1).await);
    let safe = limits.retry.is_none_or(|r| r.idempotent);
    let again = if safe { attempts } else { 1 };
    must("attempts of failed calls", again, sent(patient, "failed", 1).await);
    must("attempts of wrong calls", 1, sent(patient, "final", 1).await);
    if let Some(retry) = limits.retry {
        let unsafe_ = Limits { retry: Some(guard::Retry { idempotent: false, ..retry }), ..patient };
        must("attempts of failed calls that are not idempotent", 1, sent(unsafe_, "failed", 1).await);
        let twice = Limits { retry: Some(guard::Retry { attempts: 2, ..retry }), ..patient };
        let pauses = pauses(twice).await;
        let most = retry.base.min(retry.cap) + Duration::from_millis(1); // timers round up
        must("pauses above the bound", 0, pauses.iter().filter(|p| **p > most).count());
        if most > Duration::from_millis(8) {
            let differ = pauses.iter().any(|p| *p != pauses[0]);
            must("calls that pause alike with jitter", usize::from(!retry.jitter), usize::from(!differ));
        }
        // Ten retries are kept in reserve, and calls that fail earn none.
        must("attempts of 40 calls with a budget", 40 + 10, sent(patient, "refused", 40).await);
    }
    if let Some(breaker) = limits.breaker {
        let once = Limits { retry: None, breaker: Some(breaker), ..patient };
        must("failures until the breaker opens", breaker.minimum_calls, sent(once, "failed", 200).await);
        must("refusals do not open it", 200, sent(once, "refused", 200).await);
    }
    must("a call beyond the slots", 1, usize::from(bulkhead(patient).await));
    let alone = Limits { retry: None, breaker: None, ..limits };
    let most = limits.timeout.min(limits.deadline);
    let took = late(alone).await;
    // Timers tick in milliseconds and round up.
    let exact = (most..most + Duration::from_millis(2)).contains(&took);
    must("a call that never ends is ended in time", 1, usize::from(exact));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::time::pause(); // waits take no time and are told exactly
    let mut faults = Vec::new();
    for (name, limits) in limits::all() {
        check(name, limits, &mut faults).await;
    }
    if faults.is_empty() {
        println!("{} calls", limits::all().len());
    } else {
        eprintln!("{}", faults.join("\n"));
        std::process::exit(1);
    }
}
