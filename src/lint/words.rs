//! What the name of an event says: that something happened, that something is wanted, or neither.

use crate::plan::{ORDERS, ORDERS_IN_FRONT, event_type, is_past};

/// What makes of a verb in front a part of a noun: `refund-requests`.
const THINGS: [&str; 16] = [
    "data", "events", "feed", "info", "list", "log", "notes", "queue", "request", "requests",
    "result", "results", "status", "stream", "topic", "updates",
];

/// Words of measurements and records that every service may publish in a format of a library.
const TELEMETRY: [&str; 20] = [
    "audit",
    "heartbeat",
    "heartbeats",
    "hystrix",
    "jaeger",
    "log",
    "logging",
    "logs",
    "metric",
    "metrics",
    "micrometer",
    "monitoring",
    "opentelemetry",
    "otel",
    "spans",
    "statsd",
    "telemetry",
    "traces",
    "turbine",
    "zipkin",
];

/// What the name of an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Something has happened: `order.placed`.
    Fact,
    /// Something shall be done: `SendEmail`.
    Order,
    /// Measurements and records: `hystrix.stream`.
    Telemetry,
    /// A thing: `orders`.
    Thing,
}

/// Reads a name in any spelling.
pub(super) fn says(name: &str) -> Says {
    let dotted = event_type(name);
    let words: Vec<&str> = dotted.split(['.', '_']).filter(|w| !w.is_empty()).collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return Says::Thing;
    };
    if matches!(*last, "command" | "cmd") {
        return Says::Order;
    }
    if words.iter().any(|w| is_past(w)) {
        return Says::Fact;
    }
    if words.iter().any(|w| TELEMETRY.contains(w)) {
        return Says::Telemetry;
    }
    // In `entity.what` the first word is the entity, so that a noun in front is one.
    let in_front = words.len() > 1 && !name.contains('.') && ORDERS_IN_FRONT.contains(first);
    let ordered = ORDERS.contains(first) || ORDERS.contains(last) || in_front;
    if ordered && !THINGS.contains(last) {
        Says::Order
    } else {
        Says::Thing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_are_understood() {
        for (name, what) in [
            ("OrderStatusChangedToPaidIntegrationEvent", Says::Fact),
            (
                "OrderStatusChangedToAwaitingValidationIntegrationEvent",
                Says::Fact,
            ),
            ("order.placed", Says::Fact),
            ("order_created", Says::Fact),
            ("net.shop.order.cancelled.v2", Says::Fact),
            ("ticket.sent", Says::Fact),
            ("hystrix.stream", Says::Telemetry),
            ("audit-log", Says::Telemetry),
            ("orders", Says::Thing),
            ("order.update", Says::Thing),
            ("price.change", Says::Thing),
            ("write-home-timeline", Says::Order),
            ("shipping-task", Says::Thing),
            ("vehicle.position", Says::Thing),
            ("news.feed", Says::Thing),
            ("refund-requests", Says::Thing),
            ("charge.point", Says::Thing),
            ("order.complete", Says::Thing),
            ("SendEmail", Says::Order),
            ("create-order", Says::Order),
            ("order.create", Says::Order),
            ("ship order", Says::Order),
            ("OrderCommand", Says::Order),
            ("ProcessPaymentCommand", Says::Order),
            ("checkout.started", Says::Fact),
        ] {
            assert_eq!(says(name), what, "{name}");
        }
    }
}
