//! For each alert a made-up history that must not trip it and then must: the input of its unit test.
//!
//! A history is quiet right below the alert's limit and then loud right above it, so that a test with it
//! proves the limit itself, not only that some disaster is noticed.

/// What a made-up series does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Stands at a value.
    Gauge {
        /// While the alert must keep quiet.
        quiet: f64,
        /// While it must fire.
        loud: f64,
    },
    /// Grows by so much a minute.
    Counter {
        /// While the alert must keep quiet.
        quiet: f64,
        /// While it must fire.
        loud: f64,
    },
}

/// A made-up series.
#[derive(Clone, Debug, PartialEq)]
pub struct ProofSeries {
    /// Name and labels, as Prometheus writes them.
    pub series: String,
    /// Its values.
    pub shape: Shape,
}

/// The history that an alert is tested with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// The series that it reads.
    pub series: Vec<ProofSeries>,
    /// Labels that the alert then carries beside those of its rule, by name.
    pub labels: Vec<(String, String)>,
}

impl Proof {
    /// The recorded error ratios of both windows, a tenth below and above the limit, at the recorded rate of
    /// `requests`.
    pub(super) fn burn(long: String, short: String, limit: f64, requests: (String, f64)) -> Self {
        let shape = Shape::Gauge {
            quiet: limit * 0.9,
            loud: (limit * 1.1).min(1.0),
        };
        let (series, rate) = requests;
        let steady = Shape::Gauge {
            quiet: rate,
            loud: rate,
        };
        Self {
            series: vec![
                ProofSeries {
                    series: long,
                    shape,
                },
                ProofSeries {
                    series: short,
                    shape,
                },
                ProofSeries {
                    series,
                    shape: steady,
                },
            ],
            labels: Vec::new(),
        }
    }

    /// A target that answers, and then does not.
    pub(super) fn gone(series: String) -> Self {
        let shape = Shape::Gauge {
            quiet: 1.0,
            loud: 0.0,
        };
        Self {
            series: vec![ProofSeries { series, shape }],
            labels: Vec::new(),
        }
    }

    /// Calls of which a share fails, a tenth below and above the limit. `metric` with its labels still
    /// open: `name{job="a"`.
    pub(super) fn share(metric: &str, failed: &str, limit: f64) -> Self {
        // So many calls a minute that the shares are whole numbers of calls.
        let calls = 10_000.0;
        let bad = (limit * 1.1).min(1.0);
        let good = limit * 0.9;
        let split = |label: &str, quiet: f64, loud: f64| ProofSeries {
            series: format!("{metric}{label}}}"),
            shape: Shape::Counter {
                quiet: (quiet * calls).round(),
                loud: (loud * calls).round(),
            },
        };
        Self {
            series: vec![split("", 1.0 - good, 1.0 - bad), split(failed, good, bad)],
            labels: Vec::new(),
        }
    }

    /// A histogram of which 99.5 % and then 98 % lie below the limit, in seconds.
    pub(super) fn quantile(metric: &str, limit_s: f64) -> Self {
        let bucket = |le: &str, quiet: f64, loud: f64| ProofSeries {
            series: format!("{metric},le=\"{le}\"}}"),
            shape: Shape::Counter { quiet, loud },
        };
        Self {
            series: vec![
                bucket(&limit_s.to_string(), 1990.0, 1960.0),
                bucket(&(limit_s * 2.0).to_string(), 2000.0, 2000.0),
                bucket("+Inf", 2000.0, 2000.0),
            ],
            labels: Vec::new(),
        }
    }

    /// The one metric of `expr`, at the limit and one above it. A metric inside `increase` or `rate` is a
    /// counter, which stands still and then grows. What an aggregation leaves of the labels stays.
    pub(super) fn limit(expr: &str, limit: f64) -> Self {
        let Some(open) = expr.find('{') else {
            return Self::default();
        };
        let head = &expr[..open];
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let start = head.rfind(|c| !word(c)).map_or(0, |i| i + 1);
        let Some(close) = closing(expr, open) else {
            return Self::default();
        };
        let labels = labels(&expr[open + 1..close]);
        let counter = head.contains("increase(") || head.contains("rate(");
        let kept = match (head.find("by ("), head.contains('(')) {
            (Some(by), _) => {
                let names = head[by + 4..].split(')').next().unwrap_or_default();
                let names: Vec<&str> = names.split(',').map(str::trim).collect();
                labels
                    .iter()
                    .filter(|(name, _)| names.contains(&name.as_str()))
                    .cloned()
                    .collect()
            }
            (None, true) => Vec::new(),
            (None, false) => labels.clone(),
        };
        // A pattern is matched by the first of what it names.
        let series: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let shape = if counter {
            Shape::Counter {
                quiet: 0.0,
                loud: limit + 1.0,
            }
        } else {
            Shape::Gauge {
                quiet: limit,
                loud: limit + 1.0,
            }
        };
        Self {
            series: vec![ProofSeries {
                series: format!("{}{{{}}}", &expr[start..open], series.join(",")),
                shape,
            }],
            labels: kept,
        }
    }

    /// The same in two series, so called by `name`, that make up the one together.
    pub(super) fn halved(mut self, name: impl Fn(&str, u64) -> String) -> Self {
        if let [one] = self.series.as_slice()
            && let Shape::Gauge { quiet, loud } = one.shape
        {
            let half = |of: f64| (of / 2.0).floor();
            let part = |n, quiet, loud| ProofSeries {
                series: name(&one.series, n),
                shape: Shape::Gauge { quiet, loud },
            };
            self.series = vec![
                part(0, half(quiet), half(loud)),
                part(1, quiet - half(quiet), loud - half(loud)),
            ];
        }
        self
    }
}

/// Where the brace that opens at `open` closes, quoted braces aside.
fn closing(expr: &str, open: usize) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, c) in expr[open..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(open + i),
            _ => {}
        }
    }
    None
}

/// The pairs of a label list with quoted values; of `=~` the first alternative without its operators.
fn labels(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let pattern = after.starts_with('~');
        let after = after.trim_start_matches('~');
        let Some(quoted) = after.strip_prefix('"') else {
            break;
        };
        let Some(end) = quoted.find('"') else { break };
        let mut value = quoted[..end].to_owned();
        if pattern {
            let first = value.split('|').next().unwrap_or_default();
            value = first
                .replace('?', "")
                .replace("[0-9]+", "0")
                .replace("[.]", ".");
        }
        out.push((name.trim_matches([',', ' ']).to_owned(), value));
        rest = &quoted[end + 1..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metric_of_an_expression_and_the_labels_that_are_left() {
        let proof = Proof::limit("sum by (a, b) (lag{a=\"x\",b=\"y\",c=\"z\"})", 5.0);
        assert_eq!(proof.series[0].series, "lag{a=\"x\",b=\"y\",c=\"z\"}");
        assert_eq!(
            proof.series[0].shape,
            Shape::Gauge {
                quiet: 5.0,
                loud: 6.0
            }
        );
        let kept = [("a", "x"), ("b", "y")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(proof.labels, kept);
        let proof = Proof::limit("sum(increase(n{t=\"}x\"}[15m]))", 0.0);
        assert_eq!(proof.series[0].series, "n{t=\"}x\"}");
        assert_eq!(
            proof.series[0].shape,
            Shape::Counter {
                quiet: 0.0,
                loud: 1.0
            }
        );
        assert_eq!(proof.labels, []);
        let proof = Proof::limit("max by (instance) (r{s=~\"https?|wss?\"})", 1.0);
        assert_eq!(proof.series[0].series, "r{s=\"https\"}");
        let proof = Proof::limit("sum(lag{a=\"x\"})", 5.0).halved(|s, n| format!("{s}{n}"));
        let gauge = |quiet, loud| Shape::Gauge { quiet, loud };
        let shapes: Vec<Shape> = proof.series.iter().map(|s| s.shape).collect();
        assert_eq!(shapes, [gauge(2.0, 3.0), gauge(3.0, 3.0)]);
        assert_eq!(proof.series[1].series, "lag{a=\"x\"}1");
        let proof = Proof::limit("sum(n{q=~\"a[.]b#[0-9]+\"})", 1.0);
        assert_eq!(proof.series[0].series, "n{q=\"a.b#0\"}");
    }
}
