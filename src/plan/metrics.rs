//! The metrics of a design and the expressions over them: by OpenTelemetry's names where it has one, by
//! those of the platform's and the broker's exporters where not. Alerts, recording rules, dashboards and
//! the chapter's tables all read them here.

use super::events::{EventPlan, GroupPlan};
use super::proof::{Proof, ProofSeries, Shape};
use super::services::ServicePlan;
use crate::catalog::{Broker, numbers};
use crate::model::Protocol;
use crate::model::units::float;

/// gRPC status codes that are the server's fault, as a PromQL pattern.
const GRPC_FAULTS: &str = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS";

/// A histogram of requests: its count is the rate, its count with `errors` the failures, its buckets the
/// duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Name without `_count`, `_sum` and `_bucket`.
    pub metric: &'static str,
    /// What picks the series: `job="orders"`.
    pub labels: String,
    /// What picks the failures among them.
    pub errors: String,
}

impl Requests {
    /// The name with its labels, for tables.
    #[must_use]
    pub fn series(&self) -> String {
        format!("{}{{{}}}", self.metric, self.labels)
    }

    /// Requests a second over `window`.
    #[must_use]
    pub fn rate(&self, window: &str) -> String {
        format!(
            "sum(rate({}_count{{{}}}[{window}]))",
            self.metric, self.labels
        )
    }

    /// Failed requests a second over `window`.
    #[must_use]
    pub fn failed(&self, window: &str) -> String {
        format!(
            "sum(rate({}_count{{{},{}}}[{window}]))",
            self.metric, self.labels, self.errors
        )
    }

    /// The share of failed requests over `window`.
    #[must_use]
    pub fn error_ratio(&self, window: &str) -> String {
        error_ratio(std::slice::from_ref(self), window)
    }

    /// A percentile of the duration over `window`, in seconds.
    #[must_use]
    pub fn quantile(&self, q: f64, window: &str) -> String {
        quantile(std::slice::from_ref(self), q, window)
    }

    /// Those of them that `labels` picks, too.
    #[must_use]
    pub fn of(&self, labels: &str) -> Self {
        Self {
            labels: format!("{},{labels}", self.labels),
            ..self.clone()
        }
    }

    /// Its buckets by upper bound, over `window`.
    fn buckets(&self, window: &str) -> String {
        format!("rate({}_bucket{{{}}}[{window}])", self.metric, self.labels)
    }
}

/// Requests a second of all `protocols` of one service; nothing where there are none.
pub(super) fn rate(protocols: &[Requests], window: &str) -> String {
    if let [one] = protocols {
        return one.rate(window);
    }
    let rates: Vec<String> = protocols
        .iter()
        .map(|r| format!("({} or vector(0))", r.rate(window)))
        .collect();
    format!("({}) > 0", rates.join(" + "))
}

/// The share of failed requests of all `protocols` of one service. Without a request there is no share,
/// rather than one that is no number.
pub(super) fn error_ratio(protocols: &[Requests], window: &str) -> String {
    let failed: Vec<String> = protocols
        .iter()
        .map(|r| format!("({} or vector(0))", r.failed(window)))
        .collect();
    match protocols {
        [one] => format!("{} / {}", failed.join(""), one.rate(window)),
        _ => format!("({}) / ({})", failed.join(" + "), rate(protocols, window)),
    }
}

/// A percentile of the duration of all `protocols` of one service, in seconds.
pub(super) fn quantile(protocols: &[Requests], q: f64, window: &str) -> String {
    let buckets: Vec<String> = protocols.iter().map(|r| r.buckets(window)).collect();
    format!(
        "histogram_quantile({q}, sum by (le) ({}))",
        buckets.join(" or ")
    )
}

/// What `service` answers, a histogram a protocol; empty where nobody calls it.
#[must_use]
pub fn answered(service: &ServicePlan) -> Vec<Requests> {
    let http = service.serves_http || (service.behind_gateway() && !service.serves_grpc);
    let labels = format!("job=\"{}\"", service.slug);
    let mut out = Vec::new();
    if http {
        out.push(Requests {
            metric: "http_server_request_duration_seconds",
            labels: labels.clone(),
            errors: "http_response_status_code=~\"5..\"".to_owned(),
        });
    }
    if service.serves_grpc {
        out.push(Requests {
            metric: "rpc_server_call_duration_seconds",
            labels,
            errors: format!("rpc_response_status_code=~\"{GRPC_FAULTS}\""),
        });
    }
    out
}

/// What `from` asks of `to` over `protocol`; `None` where OpenTelemetry defines no metric for it. Labels
/// know the address, not the operation.
#[must_use]
pub fn asked(from: &ServicePlan, to: &ServicePlan, protocol: &Protocol) -> Option<Requests> {
    let metric = match protocol {
        Protocol::Grpc => "rpc_client_call_duration_seconds",
        Protocol::Rest(_) | Protocol::GraphQl => "http_client_request_duration_seconds",
        Protocol::Other(_) => return None,
    };
    Some(Requests {
        metric,
        labels: format!(
            "job=\"{}\",server_address=\"{}\"",
            from.slug,
            // Somebody else's service has its author's name for an address.
            to.address.replace(['\\', '"'], "")
        ),
        errors: "error_type!=\"\"".to_owned(),
    })
}

/// What a service would count whose protocol has no metrics of its own, as soon as its code records them.
#[must_use]
pub fn to_record(service: &ServicePlan) -> Requests {
    Requests {
        metric: "rpc_server_call_duration_seconds",
        labels: format!("job=\"{}\"", service.slug),
        errors: "error_type!=\"\"".to_owned(),
    }
}

/// Utilisation, saturation and errors of a service's instances, as series of the platform's exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Processor use.
    pub usage: String,
    /// What says that there is not enough of something.
    pub saturation: String,
    /// Restarts, where the exporter counts them.
    pub errors: Option<String>,
    /// Where the series come from.
    pub exporter: &'static str,
    /// Processor use in per cent of what the instances were given, as an expression.
    pub percent: String,
}

/// The series of the service `slug` in `namespace`.
#[must_use]
pub fn resources(infrastructure: &str, namespace: &str, slug: &str) -> Resources {
    match infrastructure {
        "aws" => {
            let at = format!(
                "{{dimension_ClusterName=\"{namespace}\",dimension_ServiceName=\"{slug}\"}}"
            );
            let usage = format!("aws_ecs_cpuutilization_average{at}");
            Resources {
                percent: format!("max({usage})"),
                usage,
                saturation: format!("aws_ecs_memory_utilization_maximum{at}"),
                errors: None,
                exporter: "yet-another-cloudwatch-exporter, reading AWS/ECS; it has no restart count",
            }
        }
        "gcp" => {
            let name = "stackdriver_cloud_run_revision_run_googleapis_com_container";
            let at = format!("{{service_name=\"{slug}\"}}");
            let usage = format!("{name}_cpu_utilizations_bucket{at}");
            Resources {
                // The exporter hands on what each minute adds, so that there is nothing to take a rate of.
                percent: format!("100 * histogram_quantile(0.5, sum by (le) ({usage}))"),
                usage,
                saturation: format!("{name}_memory_utilizations_bucket{at}"),
                errors: None,
                exporter: "stackdriver_exporter, reading run.googleapis.com; it has no restart count",
            }
        }
        "azure" => {
            let metric = |m: &str| {
                format!("azurerm_resource_metric{{metric=\"{m}\",resourceName=\"{slug}\"}}")
            };
            Resources {
                percent: format!("max({})", metric("CpuPercentage")),
                usage: metric("UsageNanoCores"),
                saturation: metric("WorkingSetBytes"),
                errors: Some(metric("RestartCount")),
                exporter: "azure-metrics-exporter, reading Microsoft.App/containerApps",
            }
        }
        _ => {
            let at = format!("{{namespace=\"{namespace}\",container=\"{slug}\"}}");
            let usage = format!("container_cpu_usage_seconds_total{at}");
            let given = given(namespace, slug);
            Resources {
                percent: format!("100 * sum(rate({usage}[5m])) / sum({given})"),
                usage,
                saturation: format!("container_cpu_cfs_throttled_periods_total{at}"),
                errors: Some(format!("kube_pod_container_status_restarts_total{at}")),
                exporter: "cAdvisor and kube-state-metrics",
            }
        }
    }
}

/// How many runs of the function `slug` were turned away, as an expression; `None` where no exporter is known to
/// count them. A function has no instances that anybody scrapes or that fill up.
#[must_use]
pub fn throttled(runtime: &str, slug: &str) -> Option<String> {
    let of = format!("{{dimension_FunctionName=\"{slug}\"}}");
    (runtime == "lambda").then(|| format!("sum(aws_lambda_throttles_sum{of})"))
}

/// The processor time that Kubernetes gave each instance, in cores.
fn given(namespace: &str, slug: &str) -> String {
    format!(
        "kube_pod_container_resource_requests{{namespace=\"{namespace}\",container=\"{slug}\",resource=\"cpu\"}}"
    )
}

/// The template `lag` over all partitions of a reader.
fn lanes(broker: &Broker, group: &GroupPlan, lag: &str) -> String {
    let first = group.lane(broker, 0);
    let stem = first.strip_suffix('0').unwrap_or(&first);
    let pattern = format!("=~\"{}[0-9]+\"", stem.replace('.', "[.]"));
    let lag = lag
        .replace("=\"{group}\"", &pattern)
        .replace("=\"{queue}\"", &pattern);
    if lag.starts_with("sum(") {
        lag
    } else {
        format!("sum({lag})")
    }
}

/// A history of processor use right below and right above `limit` per cent, for an alert on
/// [`Resources::percent`].
pub(super) fn busy(infrastructure: &str, namespace: &str, slug: &str, limit: f64) -> Proof {
    let r = resources(infrastructure, namespace, slug);
    let (below, above) = (limit - 5.0, limit + 5.0);
    let series = |series: String, shape| ProofSeries { series, shape };
    let list = match infrastructure {
        "aws" | "azure" => {
            let inner = r.percent.trim_start_matches("max(").trim_end_matches(')');
            let shape = Shape::Gauge {
                quiet: below,
                loud: above,
            };
            vec![series(inner.to_owned(), shape)]
        }
        "gcp" => {
            // Half of the instances lie below the first bound at first, and below the second then.
            let bucket = |le: &str, quiet: f64, loud: f64| {
                let open = r.usage.trim_end_matches('}');
                series(
                    format!("{open},le=\"{le}\"}}"),
                    Shape::Gauge { quiet, loud },
                )
            };
            let limit = (limit / 100.0).to_string();
            vec![
                bucket(&limit, 60.0, 40.0),
                bucket("1", 100.0, 100.0),
                bucket("+Inf", 100.0, 100.0),
            ]
        }
        _ => vec![
            // Seconds of processor time a minute, of one core.
            series(
                r.usage,
                Shape::Counter {
                    quiet: below * 0.6,
                    loud: above * 0.6,
                },
            ),
            series(
                given(namespace, slug),
                Shape::Gauge {
                    quiet: 1.0,
                    loud: 1.0,
                },
            ),
        ],
    };
    Proof {
        series: list,
        labels: Vec::new(),
    }
}

/// How far a consumer is behind, and what it gave up on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The broker's own measure of how far it is behind.
    pub lag: String,
    /// Whether `lag` is the age of the oldest message in seconds; else it is how many wait.
    pub age: bool,
    /// Above it messages are late, as PromQL writes numbers.
    pub limit: String,
    /// What it gave up on.
    pub dead_letters: String,
}

/// The series of one group that reads the event of `plan` over `broker`.
#[must_use]
pub fn backlog(broker: &Broker, plan: &EventPlan, group: &GroupPlan) -> Backlog {
    let fill = |template: &str| {
        template
            .replace("{{", "{")
            .replace("}}", "}")
            .replace("{group}", &group.group)
            .replace("{channel}", &plan.channel)
            .replace("{queue}", &group.queue)
            .replace("{dead_letter}", &group.dead_letter)
            .replace("{stream}", &plan.store)
    };
    // Some brokers tell the age of the oldest message, others only how many wait.
    let age = broker.lag.contains("oldest");
    let lag = if group.lanes > 0 {
        lanes(broker, group, &broker.lag)
    } else {
        broker.lag.clone()
    };
    Backlog {
        lag: fill(&lag),
        age,
        limit: if age {
            float(numbers().lag_seconds.value)
        } else {
            group.lag_limit.value.to_string()
        },
        dead_letters: fill(&broker.dead_letters),
    }
}
