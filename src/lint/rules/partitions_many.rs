//! `partitions-many`: more partitions than queues or consumers can be kept for.

use super::prelude::*;
use crate::catalog::numbers;

rule! {
    id: "partitions-many",
    severity: Error,
    section: Async,
    summary: "more partitions than queues or consumers can be kept for",
    what: "More partitions stated than queues or consumers are written out for, on a broker that keeps the order by one for each: RabbitMQ and NATS.",
    why: "Every reader has one for each partition, replicated over the cluster and with an election of its own. The configuration holds only as many as the finding says, and keys are spread over those alone.",
    limits: "Brokers whose channels have partitions of their own are left out, and so are events without `ordered = true`.",
    source: "reasoned in this tool's documentation, chapter How the numbers are derived",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let most = &numbers().lanes_kept;
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let kind = facts.model.broker(e.broker).kind;
        let ordered = e.terms.ordered.filter(|o| o.value && !kind.lanes.is_empty());
        let (Some(ordered), Some(partitions)) = (ordered, e.partitions) else {
            continue;
        };
        if as_float(partitions.value) <= most.value {
            continue;
        }
        let d = report
            .at(
                partitions.span,
                format!(
                    "`{}` has {}, each of them a {} of every reader on {}",
                    e.name,
                    plural(count(partitions.value), "partition"),
                    kind.lanes,
                    kind.name
                ),
            )
            .at(format!("the configuration holds {}", float(most.value)))
            .label(ordered.span, format!("asks for a {} a partition", kind.lanes))
            .help(format!(
                "make it `partitions = {}` or less, or carry `{}` over a log whose topics have partitions, such as Kafka",
                float(numbers().ordered_lanes.value),
                e.name
            ));
        report.add(facts.event(id), d);
    }
}
