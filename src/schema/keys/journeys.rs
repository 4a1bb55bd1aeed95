//! Sagas and flows.

use serde_json::{Value, json};

use super::services::SLO;
use crate::schema::{
    Kind::{Flag, Of, OrNone, Own, Part as Inner, Text, Word},
    Part,
    Quantity::{Rate, Time},
    Words::These,
    key, one_or_more,
};

pub(super) const SAGA: Part = Part {
    id: "saga",
    keys: &[&[
        key("name", Text, "Its name."),
        key(
            "style",
            Word(These(&["orchestration", "choreography"])),
            "Whether one service leads.",
        ),
        key("coordinator", Text, "The service that leads."),
        key("description", Text, "What it achieves."),
        key(
            "transaction",
            Word(These(&["saga", "2pc", "xa"])),
            "`2pc` and `xa`: today it is one transaction over all services.",
        ),
        key(
            "deadline",
            OrNone(Time),
            "Of the whole saga; `none`: today it may run for ever.",
        ),
        key(
            "steps",
            Own(|| {
                json!({
                    "type": "array",
                    "minItems": 1,
                    "items": { "anyOf": [{ "type": "string", "pattern": "\\S.*:\\s*\\S" }, SAGA_STEP.refer()] },
                })
            }),
            "Its steps in order: `orders: create order / cancel order`, or tables.",
        ),
    ]],
    needs: &["name", "steps"],
    or: &[],
};

pub(super) const SAGA_STEP: Part = Part {
    id: "saga-step",
    keys: &[&[
        key("service", Text, "Who does it."),
        key("action", Text, "What is done."),
        key("undo", Text, "What takes it back: the compensation."),
        key(
            "pivot",
            Flag,
            "`true`: after this step there is no way back.",
        ),
        key(
            "idempotent",
            Flag,
            "Whether doing it twice does no more than doing it once.",
        ),
        key("timeout", OrNone(Time), "How long this step may take."),
    ]],
    needs: &["service", "action"],
    or: &[],
};

pub(super) const FLOW: Part = Part {
    id: "flow",
    keys: &[&[
        key("name", Text, "Its name."),
        key("description", Text, "What the user does."),
        key("slo", Inner(SLO), "The objective of the whole journey."),
        key("rate", Of(Rate), "Journeys a second at peak."),
        key(
            "steps",
            Own(|| one_or_more(&step())),
            "Its steps in order: `web -> orders`, or `orders -> order.placed` for an event.",
        ),
        key(
            "parallel",
            Own(|| json!({ "type": "array", "items": { "type": "array", "items": step() } })),
            "Lists of steps that are made at the same time.",
        ),
    ]],
    needs: &["name", "steps"],
    or: &[],
};

/// `from -> to`.
fn step() -> Value {
    json!({ "type": "string", "pattern": "\\S\\s*->\\s*\\S" })
}
