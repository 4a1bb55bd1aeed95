//! Service level objectives: what is recorded for each, and its alerts by the rate at which the error
//! budget burns, in several windows.

use super::alerts::{Alert, AlertSeverity, Input, QuietService, RecordingRule};
use super::metrics::{self, Requests};
use super::proof::Proof;
use super::wire::camel;
use crate::catalog::numbers;
use crate::model::ServiceId;
use crate::model::units::{Ratio, Time, float};

/// What a service is held to.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// The service.
    pub service: ServiceId,
    /// The share of its requests that must not fail.
    pub target: Ratio,
    /// The share that may: its error budget.
    pub budget: Ratio,
    /// No SLO is stated; the service is reached from outside, so it needs one.
    pub assumed: bool,
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

/// Windows of the recorded error ratios.
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// The objective of `id`. Only what somebody outside waits for, or what promises something, has one.
pub(super) fn objective(input: &Input<'_>, id: ServiceId) -> Option<Objective> {
    let stated = input.model.service(id).slo.and_then(|x| x.availability);
    let assumed = || {
        input.services[id.0]
            .entry
            .then(|| Ratio(numbers().slo_availability.value))
    };
    let target = stated.map(|a| a.value).or_else(assumed)?;
    Some(Objective {
        service: id,
        target,
        budget: Ratio(1.0 - target.0),
        assumed: stated.is_none(),
    })
}

/// The recorded series of an objective, by the names that Sloth gave them.
pub(super) fn record(
    input: &Input<'_>,
    objective: Objective,
    protocols: &[Requests],
    rules: &mut Vec<RecordingRule>,
) {
    let slug = &input.services[objective.service.0].slug;
    let mut rule = |record: &str, expr: String| {
        rules.push(RecordingRule::of_service(record, slug, expr));
    };
    for window in WINDOWS {
        let record = format!("slo:sli_error:ratio_rate{window}");
        rule(&record, metrics::error_ratio(protocols, window));
    }
    for burn in &BURNS {
        let record = format!("service:requests:rate{}", burn.long);
        rule(&record, metrics::rate(protocols, burn.long));
    }
    let of = |record: &str| format!("{record}{{service=\"{slug}\"}}");
    let ratio = of("slo:sli_error:ratio_rate5m");
    rule(
        "slo:sli_error:ratio_rate30d",
        format!("sum_over_time({ratio}[30d]) / count_over_time({ratio}[30d])"),
    );
    rule(
        "slo:objective:ratio",
        format!("vector({})", budget_text(objective.target.0)),
    );
    rule(
        "slo:error_budget:ratio",
        format!("vector({})", budget_text(objective.budget.0)),
    );
    let budget = of("slo:error_budget:ratio");
    rule("slo:current_burn_rate:ratio", format!("{ratio} / {budget}"));
    rule(
        "slo:period_error_budget_remaining:ratio",
        format!("1 - {} / {budget}", of("slo:sli_error:ratio_rate30d")),
    );
}

/// Its alerts, and why some are left out.
pub(super) fn alerts(
    input: &Input<'_>,
    objective: Objective,
    alerts: &mut Vec<Alert>,
    quiet: &mut Vec<QuietService>,
) {
    let service = objective.service;
    let mut left_out = Vec::new();
    for burn in &BURNS {
        match burn_alert(input, objective, burn) {
            Ok(alert) => alerts.push(alert),
            Err(why) => left_out.push(why),
        }
    }
    if !left_out.is_empty() {
        quiet.push(QuietService {
            service,
            why: left_out.join("; "),
        });
    }
}

fn burn_alert(input: &Input<'_>, objective: Objective, burn: &Burn) -> Result<Alert, String> {
    let id = objective.service;
    let s = input.model.service(id);
    let plan = &input.services[id.0];
    let (target, budget) = (objective.target, objective.budget.0);
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
    // The peak is enough for this alert; the nights must be, too.
    let requests = format!(
        "service:requests:rate{}{{service=\"{}\"}}",
        burn.long, plan.slug
    );
    let least_rate = budget_text(least / (burn.hours * 3600.0));
    let basis = if objective.assumed {
        format!("{target} assumed, no SLO is stated")
    } else {
        format!("SLO {target}")
    };
    Ok(Alert {
        name: format!("{}{}", camel(&s.name), burn.name),
        expr: format!(
            "{} > {threshold} and {} > {threshold} and {requests} > {least_rate}",
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
            "{basis}; {}× the rate that lasts 30 d = {} × 720 h ÷ {} h; at least {} requests in {}: {} failures ÷ ({} × {})",
            float(burn.factor),
            Ratio(burn.budget),
            float(burn.hours),
            float(least.ceil()),
            burn.long,
            float(k),
            float(burn.factor),
            budget_text(budget)
        ),
        anchor: String::new(),
        towards: None,
        custom_metric: false,
        held: None,
        proof: Proof::burn(
            series(burn.long),
            series(burn.short),
            burn.factor * budget,
            (requests, plan.rate.value.0),
        ),
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
