//! Azure Service Bus: namespace, topics, subscriptions and roles, for Terraform.

use super::hcl::{self, Block};
use super::pubsub::Ids;
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{EventId, Party};

/// The longest that a reader may hold a message without a word, in seconds.
const MAX_LOCK_S: u64 = 300;

pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let text = |name: &str, what: &str| {
        Block::new("variable", &[name])
            .is("type", "string")
            .with("description", what)
    };
    let mut blocks = vec![
        Block::new("terraform", &[]).block(Block::new("required_providers", &[]).is(
            "azurerm",
            "{ source = \"hashicorp/azurerm\", version = \"~> 4.0\" }",
        )),
        text("namespace", "A name that is nobody else's in all of Azure"),
        text("resource_group", "Where the namespace belongs"),
        text("location", "The region"),
        Block::new("variable", &["principals"])
            .is("type", "map(string)")
            .with(
                "description",
                "The object id of each service's managed identity",
            ),
        Block::new("resource", &["azurerm_servicebus_namespace", "this"])
            .is("name", "var.namespace")
            .is("resource_group_name", "var.resource_group")
            .is("location", "var.location")
            .with("sku", "Standard")
            .with("minimum_tls_version", "1.2")
            .off("local_auth_enabled"),
    ];
    let mut ids = Ids::default();
    for &id in events {
        let p = cx.plan.event(id);
        let topic = ids.take(&p.channel);
        let topic_id = format!("azurerm_servicebus_topic.{topic}.id");
        let mut block = Block::new("resource", &["azurerm_servicebus_topic", &topic])
            .with("name", p.channel.as_str())
            .is("namespace_id", "azurerm_servicebus_namespace.this.id")
            .with("default_message_ttl", duration(p.kept.value).as_str());
        if p.ordered {
            block = block.on("support_ordering");
        }
        blocks.push(block);
        for publisher in &cx.plan.model.event(id).publishers {
            let slug = &cx.plan.service(publisher.service).slug;
            let from = ids.take(&format!("{}-from-{slug}", p.channel));
            blocks.push(role(
                &from,
                &topic_id,
                "Azure Service Bus Data Sender",
                slug,
            ));
        }
        for group in &p.groups {
            let own = ids.take(&format!("{}-{}", p.channel, group.queue));
            let lock = Time::s(
                p.ack_timeout
                    .value
                    .as_ms()
                    .div_ceil(1000)
                    .clamp(5, MAX_LOCK_S),
            );
            let mut subscription =
                Block::new("resource", &["azurerm_servicebus_subscription", &own])
                    .with("name", group.queue.as_str())
                    .is("topic_id", topic_id.as_str())
                    .number(
                        "max_delivery_count",
                        u64::from(p.limit.as_ref().unwrap_or(&p.attempts).value),
                    )
                    .with("lock_duration", duration(lock).as_str())
                    .with("default_message_ttl", duration(p.kept.value).as_str())
                    .on("dead_lettering_on_message_expiration");
            if p.ordered {
                subscription = subscription.on("requires_session");
            }
            blocks.push(subscription);
            if let Party::Service(service) = group.consumer {
                let slug = &cx.plan.service(service).slug;
                let scope = format!("azurerm_servicebus_subscription.{own}.id");
                let reader = ids.take(&format!("{own}-reader"));
                blocks.push(role(
                    &reader,
                    &scope,
                    "Azure Service Bus Data Receiver",
                    slug,
                ));
            }
        }
    }
    vec![hcl::file(name, &blocks, "azurerm 4.55")]
}

fn role(id: &str, scope: &str, role: &str, slug: &str) -> Block {
    Block::new("resource", &["azurerm_role_assignment", id])
        .is("scope", scope)
        .with("role_definition_name", role)
        .is("principal_id", format!("var.principals[\"{slug}\"]"))
}

/// A time as Azure gives it back, so that Terraform sees no difference: ISO 8601 with the largest units,
/// `P7D` and never `PT604800S`.
fn duration(time: Time) -> String {
    let all = time.as_ms().div_ceil(1000);
    let (days, rest) = (all / 86_400, all % 86_400);
    let part = |n: u64, unit: &str| match n {
        0 => String::new(),
        n => format!("{n}{unit}"),
    };
    let clock = part(rest / 3600, "H") + &part(rest % 3600 / 60, "M") + &part(rest % 60, "S");
    match (days, clock.as_str()) {
        (0, "") => "PT0S".to_owned(),
        (_, "") => format!("P{days}D"),
        _ => format!("P{}T{clock}", part(days, "D")),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use crate::model::units::Time;

    #[test]
    fn durations_have_the_largest_units() {
        assert_eq!(duration(Time::h(168)), "P7D");
        assert_eq!(duration(Time::s(60)), "PT1M");
        assert_eq!(duration(Time::s(90_061)), "P1DT1H1M1S");
        assert_eq!(duration(Time::s(0)), "PT0S");
    }
}
