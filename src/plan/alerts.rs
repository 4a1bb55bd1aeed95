//! Alerts with expressions over metrics that exist, and the recording rules they use.

use std::collections::HashSet;

use super::calls::CallPlan;
use super::events::EventPlan;
use super::proof::Proof;
use super::sagas::SagaPlan;
use super::services::ServicePlan;
use super::slug::slug;
use super::streams::StreamPlan;
use crate::catalog::numbers;
use crate::model::units::{Ratio, Time, float};
use crate::model::{CallId, EventId, Model, Party, Protocol, ServiceId, StreamId, TeamId};

/// Who is told, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertSeverity {
    /// Somebody is woken.
    Page,
    /// Somebody looks at it on a working day.
    Ticket,
}

impl AlertSeverity {
    /// The label's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// What a service level indicator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliKind {
    /// HTTP requests.
    Http,
    /// gRPC calls.
    Grpc,
    /// Both.
    Both,
}

/// A recording rule.
#[derive(Clone, Debug)]
pub struct RecordingRule {
    /// Name of the recorded series.
    pub record: String,
    /// The `service` label on it.
    pub service: String,
    /// The expression.
    pub expr: String,
}

/// An alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Name in the rules file and in the table.
    pub name: String,
    /// Expression.
    pub expr: String,
    /// How long it must hold.
    pub hold: Time,
    /// Who is told.
    pub severity: AlertSeverity,
    /// The service it is about.
    pub service: ServiceId,
    /// The teams it goes to.
    pub teams: Vec<TeamId>,
    /// What it means, in a sentence about this system.
    pub meaning: String,
    /// First thing to do.
    pub action: String,
    /// How the threshold came about.
    pub why: String,
    /// Id of its runbook section.
    pub anchor: String,
    /// The metric must be exported by the service itself; no library has it.
    pub custom_metric: bool,
    /// A history that must not trip it and then must.
    pub proof: Proof,
}

/// A service whose requests are too few for some burn-rate alerts.
#[derive(Clone, Debug)]
pub struct QuietService {
    /// The service.
    pub service: ServiceId,
    /// Why, with its numbers.
    pub why: String,
}

/// Everything that is alerted on.
#[derive(Clone, Debug)]
pub struct Alerting {
    /// Recording rules that the alerts use.
    pub rules: Vec<RecordingRule>,
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// Services with too few requests for some burn-rate alerts.
    pub quiet: Vec<QuietService>,
}

/// Everything that alerts are about.
pub(super) struct Input<'a> {
    pub(super) model: &'a Model,
    /// Calls by the service that makes them.
    pub(super) outbound: &'a [Vec<CallId>],
    pub(super) services: &'a [ServicePlan],
    pub(super) calls: &'a [CallPlan],
    pub(super) events: &'a [EventPlan],
    pub(super) streams: &'a [StreamPlan],
    pub(super) sagas: &'a [SagaPlan],
}

/// One burn-rate alert: windows, factor, share of the monthly budget, and how long it must hold.
struct Burn {
    name: &'static str,
    long: &'static str,
    short: &'static str,
    /// Long window in hours.
    hours: f64,
    factor: f64,
    budget: f64,
    hold_min: u64,
    severity: AlertSeverity,
}

/// The Site Reliability Workbook, table 5-8, and the third window of kubernetes-mixin.
const BURNS: [Burn; 4] = [
    Burn {
        name: "ErrorBudgetBurnFast",
        long: "1h",
        short: "5m",
        hours: 1.0,
        factor: 14.4,
        budget: 0.02,
        hold_min: 2,
        severity: AlertSeverity::Page,
    },
    Burn {
        name: "ErrorBudgetBurnMedium",
        long: "6h",
        short: "30m",
        hours: 6.0,
        factor: 6.0,
        budget: 0.05,
        hold_min: 15,
        severity: AlertSeverity::Page,
    },
    Burn {
        name: "ErrorBudgetBurnSlow",
        long: "1d",
        short: "2h",
        hours: 24.0,
        factor: 3.0,
        budget: 0.1,
        hold_min: 60,
        severity: AlertSeverity::Ticket,
    },
    Burn {
        name: "ErrorBudgetBurnCreeping",
        long: "3d",
        short: "6h",
        hours: 72.0,
        factor: 1.0,
        budget: 0.1,
        hold_min: 180,
        severity: AlertSeverity::Ticket,
    },
];

/// gRPC status codes that are the server's fault, as a PromQL pattern.
pub const GRPC_FAULTS: &str =
    "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS";

pub(super) fn plan(input: &Input<'_>) -> Alerting {
    let mut rules = Vec::new();
    let mut alerts = Vec::new();
    let mut quiet = Vec::new();
    for id in input.model.service_ids() {
        service(input, id, &mut rules, &mut alerts, &mut quiet);
    }
    // One alert a pair and protocol: the metric's labels know the address, not the operation.
    let mut told = HashSet::new();
    for id in input.model.call_ids() {
        let c = input.model.call(id);
        if told.insert((c.from, c.to, std::mem::discriminant(&c.protocol))) {
            call(input, id, &mut alerts);
        }
    }
    for id in input.model.event_ids() {
        event(input, id, &mut alerts);
    }
    for id in input.model.stream_ids() {
        stream(input, id, &mut alerts);
    }
    for i in 0..input.model.sagas.len() {
        saga(input, i, &mut alerts);
    }
    // Two names that fold to the same identifier must still be two alerts.
    let mut seen = std::collections::BTreeMap::new();
    for a in &mut alerts {
        let n: &mut u32 = seen.entry(a.name.clone()).or_default();
        *n += 1;
        if *n > 1 {
            a.name = format!("{}{n}", a.name);
        }
        a.anchor = format!("alert-{}", slug(&a.name));
    }
    Alerting {
        rules,
        alerts,
        quiet,
    }
}

/// `payment-service` as part of an alert's name: `PaymentService`.
fn camel(name: &str) -> String {
    slug(name)
        .split('-')
        .map(|w| {
            let mut c = w.chars();
            c.next().map_or_else(String::new, |f| {
                f.to_ascii_uppercase().to_string() + c.as_str()
            })
        })
        .collect()
}

fn service(
    input: &Input<'_>,
    id: ServiceId,
    rules: &mut Vec<RecordingRule>,
    alerts: &mut Vec<Alert>,
    quiet: &mut Vec<QuietService>,
) {
    let s = input.model.service(id);
    let plan = &input.services[id.0];
    if s.external {
        return;
    }
    let sli = match (
        plan.serves_http || (plan.entry && !plan.serves_grpc),
        plan.serves_grpc,
    ) {
        (true, true) => SliKind::Both,
        (true, false) => SliKind::Http,
        (false, true) => SliKind::Grpc,
        (false, false) => return,
    };
    let slo = s.slo.and_then(|x| x.availability);
    // Only what somebody outside waits for, or what promises something, has an objective of its own.
    if let Some(objective) = slo
        .map(|a| a.value)
        .or_else(|| plan.entry.then(|| Ratio(numbers().slo_availability.value)))
    {
        for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
            rules.push(RecordingRule {
                record: format!("slo:sli_error:ratio_rate{window}"),
                service: plan.slug.clone(),
                expr: error_ratio(&plan.slug, sli, window),
            });
        }
        let mut left_out = Vec::new();
        for burn in &BURNS {
            match burn_alert(input, id, objective, slo.is_none(), burn) {
                Ok(alert) => alerts.push(alert),
                Err(why) => left_out.push(why),
            }
        }
        if !left_out.is_empty() {
            quiet.push(QuietService {
                service: id,
                why: left_out.join("; "),
            });
        }
    }
    if let Some(p99) = s.slo.and_then(|x| x.p99) {
        let metric = match sli {
            SliKind::Grpc => "rpc_server_call_duration_seconds_bucket",
            _ => "http_server_request_duration_seconds_bucket",
        };
        alerts.push(Alert {
            name: format!("{}LatencyHigh", camel(&s.name)),
            expr: format!(
                "histogram_quantile(0.99, sum by (le) (rate({metric}{{job=\"{}\"}}[5m]))) > {}",
                plan.slug,
                p99.value.as_s()
            ),
            hold: Time::s(600),
            severity: AlertSeverity::Ticket,
            service: id,
            teams: s.teams.clone(),
            meaning: format!(
                "one in a hundred answers of {} takes longer than the {} it promises",
                s.name, p99.value
            ),
            action: latency_action(input, id),
            why: format!("SLO p99 {}", p99.value),
            anchor: String::new(),
            custom_metric: false,
            proof: Proof::quantile(
                &format!("{metric}{{job=\"{}\"", plan.slug),
                p99.value.as_s(),
            ),
        });
    }
}

fn latency_action(input: &Input<'_>, id: ServiceId) -> String {
    let slowest = input.outbound[id.0]
        .iter()
        .copied()
        .max_by_key(|c| (input.calls[c.0].p99.value, std::cmp::Reverse(c.0)));
    match slowest {
        Some(c) => format!(
            "compare with the p99 of its slowest call, {} ({} expected)",
            input.model.call_name(c),
            input.calls[c.0].p99.value
        ),
        None => "compare CPU and store latency with the hour before; it calls no other service"
            .to_owned(),
    }
}

/// The share of failed requests of `job` over `window`.
fn error_ratio(job: &str, sli: SliKind, window: &str) -> String {
    let http = |filter: &str| {
        format!(
            "sum(rate(http_server_request_duration_seconds_count{{job=\"{job}\"{filter}}}[{window}]))"
        )
    };
    let grpc = |filter: &str| {
        format!(
            "sum(rate(rpc_server_call_duration_seconds_count{{job=\"{job}\"{filter}}}[{window}]))"
        )
    };
    let http_bad = http(",http_response_status_code=~\"5..\"");
    let grpc_bad = grpc(&format!(",rpc_response_status_code=~\"{GRPC_FAULTS}\""));
    match sli {
        SliKind::Http => format!("({http_bad} or vector(0)) / {}", http("")),
        SliKind::Grpc => format!("({grpc_bad} or vector(0)) / {}", grpc("")),
        // Without a request there is no ratio, rather than one that is no number.
        SliKind::Both => format!(
            "(({http_bad} or vector(0)) + ({grpc_bad} or vector(0))) / ((({} or vector(0)) + ({} or vector(0))) > 0)",
            http(""),
            grpc("")
        ),
    }
}

fn burn_alert(
    input: &Input<'_>,
    id: ServiceId,
    objective: Ratio,
    assumed: bool,
    burn: &Burn,
) -> Result<Alert, String> {
    let s = input.model.service(id);
    let plan = &input.services[id.0];
    let budget = 1.0 - objective.0;
    // At low traffic a handful of failures would look like a burning budget: the window must hold
    // enough requests for `k` failures to reach the factor (SRE Workbook, chapter 5).
    let k = numbers().low_traffic_errors.value;
    let least = k / (burn.factor * budget);
    let expected = plan.rate.value.0 * burn.hours * 3600.0;
    if expected < least {
        return Err(format!(
            "`{}{}`: {} requests expected in {} ({}), {} needed ({} failures ÷ ({} × {}))",
            camel(&s.name),
            burn.name,
            float(expected),
            burn.long,
            plan.rate.value,
            float(least.ceil()),
            float(k),
            float(burn.factor),
            budget_text(budget)
        ));
    }
    let threshold = format!("{} * {}", float(burn.factor), budget_text(budget));
    let series = |w: &str| format!("slo:sli_error:ratio_rate{w}{{service=\"{}\"}}", plan.slug);
    let basis = if assumed {
        format!("{objective} assumed, no SLO is stated")
    } else {
        format!("SLO {objective}")
    };
    Ok(Alert {
        name: format!("{}{}", camel(&s.name), burn.name),
        expr: format!(
            "{} > {threshold} and {} > {threshold}",
            series(burn.long),
            series(burn.short)
        ),
        hold: Time::s(burn.hold_min * 60),
        severity: burn.severity,
        service: id,
        teams: s.teams.clone(),
        meaning: format!(
            "{} spends {} of its 30-day error budget in {}",
            s.name,
            Ratio(burn.budget),
            burn.long
        ),
        action: burn_action(input, id),
        why: format!(
            "{basis}; {}× the rate that lasts 30 d = {} × 720 h ÷ {} h",
            float(burn.factor),
            Ratio(burn.budget),
            float(burn.hours)
        ),
        anchor: String::new(),
        custom_metric: false,
        proof: Proof::burn(series(burn.long), series(burn.short), burn.factor * budget),
    })
}

fn burn_action(input: &Input<'_>, id: ServiceId) -> String {
    let mut names: Vec<&str> = input.services[id.0]
        .depends_on
        .iter()
        .map(|d| input.model.service(*d).name.as_str())
        .collect();
    names.truncate(4);
    let own = "roll back the last deployment if the errors began with it";
    if names.is_empty() {
        format!("{own}; it calls nobody, so the cause is in it or its store")
    } else {
        format!(
            "look at failed spans towards {} first; {own}",
            names.join(", ")
        )
    }
}

/// An error budget with the digits it needs: `0.001`, not `0.0010000000000000009`.
fn budget_text(budget: f64) -> String {
    let text = format!("{budget:.7}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Half of the calls over one edge fail: the breaker's own condition, from the caller's metrics.
fn call(input: &Input<'_>, id: CallId, alerts: &mut Vec<Alert>) {
    let c = input.model.call(id);
    let plan = &input.calls[id.0];
    let (Party::Service(from), Ok(breaker)) = (c.from, &plan.breaker) else {
        return;
    };
    let metric = match c.protocol {
        Protocol::Grpc => "rpc_client_call_duration_seconds_count",
        Protocol::Rest(_) | Protocol::GraphQl => "http_client_request_duration_seconds_count",
        Protocol::Other(_) => return,
    };
    let (a, b) = (input.model.service(from), input.model.service(c.to));
    let filter = format!(
        "job=\"{}\",server_address=\"{}\"",
        input.services[from.0].slug,
        // Somebody else's service has its author's name for an address.
        input.services[c.to.0].address.replace(['\\', '"'], "")
    );
    let failed = format!("sum(rate({metric}{{{filter},error_type!=\"\"}}[5m]))");
    alerts.push(Alert {
        name: format!("{}To{}Failing", camel(&a.name), camel(&b.name)),
        expr: format!(
            "{failed} / sum(rate({metric}{{{filter}}}[5m])) > {}",
            float(breaker.ratio.value.0)
        ),
        hold: Time::s(120),
        severity: if c.optional {
            AlertSeverity::Ticket
        } else {
            AlertSeverity::Page
        },
        service: from,
        teams: a.teams.clone(),
        meaning: format!(
            "the breakers of {} towards {} are open: it {}",
            a.name, b.name, plan.fallback.value
        ),
        action: if b.external {
            format!(
                "ask {} whether it fails; it is not ours, so until then the fallback has to hold",
                b.name
            )
        } else {
            format!(
                "check whether {} itself alerts; if not, the network or its address is at fault",
                b.name
            )
        },
        why: format!("the breaker's failure ratio of {}", breaker.ratio.value),
        anchor: String::new(),
        custom_metric: false,
        proof: Proof::share(
            &format!("{metric}{{{filter}"),
            ",error_type=\"timeout\"",
            breaker.ratio.value.0,
        ),
    });
}

fn event(input: &Input<'_>, id: EventId, alerts: &mut Vec<Alert>) {
    let e = input.model.event(id);
    let plan = &input.events[id.0];
    let broker = input.model.broker(e.broker).kind;
    let label = camel(&plan.channel);
    for group in &plan.groups {
        let Party::Service(service) = group.consumer else {
            continue;
        };
        let s = input.model.service(service);
        let fill = |template: &str| {
            template
                .replace("{{", "{")
                .replace("}}", "}")
                .replace("{group}", &group.group)
                .replace("{channel}", &plan.channel)
                .replace("{queue}", &group.queue)
                .replace("{dead_letter_stream}", &slug(&group.dead_letter))
                .replace("{dead_letter}", &group.dead_letter)
                .replace("{stream}", &slug(&plan.channel))
        };
        // Some brokers tell the age of the oldest message, others only how many wait.
        let age = ["sqs", "pubsub"].iter().any(|k| broker.lag.contains(k));
        let limit = if age {
            float(numbers().lag_seconds.value)
        } else {
            group.lag_limit.value.to_string()
        };
        let (lag, dead) = (fill(&broker.lag), fill(&broker.dead_letters));
        alerts.push(Alert {
            name: format!("{}{label}Lag", camel(&s.name)),
            proof: Proof::limit(&lag, limit.parse().unwrap_or_default()),
            expr: format!("{lag} > {limit}"),
            hold: Time::s(300),
            severity: AlertSeverity::Ticket,
            service,
            teams: s.teams.clone(),
            meaning: format!(
                "{} handles {} more than {} s late",
                s.name,
                e.name,
                float(numbers().lag_seconds.value)
            ),
            action: format!(
                "compare the rate of {} with the {} it was planned for; then look for a failing handler in {}",
                e.name, plan.rate.value, s.name
            ),
            why: if age {
                "age of the oldest message".to_owned()
            } else {
                format!("{} = {}", group.lag_limit.why, group.lag_limit.value)
            },
            anchor: String::new(),
            custom_metric: false,
        });
        alerts.push(Alert {
            name: format!("{}{label}DeadLetters", camel(&s.name)),
            proof: Proof::limit(&dead, 0.0),
            expr: format!("{dead} > 0"),
            hold: Time::s(60),
            severity: AlertSeverity::Ticket,
            service,
            teams: s.teams.clone(),
            meaning: format!(
                "{} gave up on one {} after {} deliveries",
                s.name, e.name, plan.attempts.value
            ),
            action: format!(
                "read the message in {}, mend the cause, publish it again within {}",
                group.dead_letter, plan.dead_letter_retention.value
            ),
            why: "one is one too many".to_owned(),
            anchor: String::new(),
            custom_metric: false,
        });
    }
}

fn stream(input: &Input<'_>, id: StreamId, alerts: &mut Vec<Alert>) {
    let s = input.model.stream(id);
    let plan = &input.streams[id.0];
    let Some(server) = plan.server else { return };
    let service = input.model.service(server);
    #[allow(clippy::cast_precision_loss, reason = "connections are few")]
    let limit = (plan.per_replica.value as f64 * 0.8).ceil();
    let active = format!(
        "max by (instance) (http_server_active_requests{{job=\"{}\",url_scheme=~\"https?|wss?\"}})",
        input.services[server.0].slug
    );
    alerts.push(Alert {
        name: format!(
            "{}{}ConnectionsHigh",
            camel(&service.name),
            camel(&s.label())
        ),
        proof: Proof::limit(&active, limit),
        expr: format!("{active} > {limit}"),
        hold: Time::s(600),
        severity: AlertSeverity::Ticket,
        service: server,
        teams: service.teams.clone(),
        meaning: format!(
            "one instance of {} holds more than 80% of the connections planned for it",
            service.name
        ),
        action: format!(
            "add an instance to the {} planned for {} connections",
            input.services[server.0].replicas.value, plan.connections.value
        ),
        why: format!(
            "80% of {} an instance ({})",
            plan.per_replica.value, plan.per_replica.why
        ),
        anchor: String::new(),
        custom_metric: false,
    });
}

fn saga(input: &Input<'_>, i: usize, alerts: &mut Vec<Alert>) {
    let saga = &input.model.sagas[i];
    let plan = &input.sagas[i];
    let Some(service) = plan
        .coordinator
        .as_ref()
        .map(|c| c.value)
        .or_else(|| saga.steps.first().map(|s| s.service))
    else {
        return;
    };
    let s = input.model.service(service);
    let oldest = format!("max(saga_oldest_pending_seconds{{saga=\"{}\"}})", plan.slug);
    alerts.push(Alert {
        name: format!("Saga{}Stuck", camel(&saga.name)),
        proof: Proof::limit(&oldest, plan.deadline.value.as_s()),
        expr: format!("{oldest} > {}", plan.deadline.value.as_s()),
        hold: Time::s(60),
        severity: AlertSeverity::Page,
        service,
        teams: s.teams.clone(),
        meaning: format!("a run of {} has neither finished nor been taken back within {}", saga.name, plan.deadline.value),
        action: format!(
            "find its last finished step in the saga log of {}; finish it by hand after the pivot, take it back before",
            s.name
        ),
        why: format!("deadline: {}", plan.deadline.why),
        anchor: String::new(),
        custom_metric: true,
    });
}
