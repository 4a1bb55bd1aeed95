//! Google Cloud Pub/Sub: topics, subscriptions, dead letters and roles, for Terraform.

use std::collections::BTreeSet;

use super::hcl::{self, Block};
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{EventId, Party};
use crate::plan::{EventPlan, GroupPlan};

/// The bounds of the pause between deliveries, in seconds.
const PAUSE_S: (u64, u64) = (10, 600);
/// The bounds of the acknowledgement deadline, in seconds.
const ACK_S: (u64, u64) = (10, 600);

/// Who moves dead letters: Pub/Sub itself, by the agent that it has in every project.
const AGENT: &str = "\"serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com\"";

pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut blocks = vec![
        Block::new("terraform", &[]).block(Block::new("required_providers", &[]).is(
            "google",
            "{ source = \"hashicorp/google\", version = \"~> 6.0\" }",
        )),
        Block::new("variable", &["service_accounts"])
            .is("type", "map(string)")
            .with(
                "description",
                "The e-mail address of each service's account",
            ),
        Block::new("data", &["google_project", "this"]),
    ];
    let mut ids = Ids::default();
    for &id in events {
        let p = cx.plan.event(id);
        let topic = ids.take(&p.channel);
        blocks.push(
            Block::new("resource", &["google_pubsub_topic", &topic])
                .with("name", p.channel.as_str())
                .with(
                    "message_retention_duration",
                    duration(p.kept.value).as_str(),
                ),
        );
        for publisher in &cx.plan.model.event(id).publishers {
            let slug = &cx.plan.service(publisher.service).slug;
            blocks.push(member(
                "google_pubsub_topic_iam_member",
                &ids.take(&format!("{}-from-{slug}", p.channel)),
                ("topic", format!("google_pubsub_topic.{topic}.id")),
                "roles/pubsub.publisher",
                &account(slug),
            ));
        }
        for group in &p.groups {
            reader(cx, &mut blocks, &mut ids, &topic, p, group);
        }
    }
    vec![hcl::file(name, &blocks, "google 6.50")]
}

/// A subscription with its dead letters, and who may read them.
fn reader(
    cx: &Cx<'_>,
    blocks: &mut Vec<Block>,
    ids: &mut Ids,
    topic: &str,
    p: &EventPlan,
    group: &GroupPlan,
) {
    let (own, dead) = (ids.take(&group.queue), ids.take(&group.dead_letter));
    let never = Block::new("expiration_policy", &[]).with("ttl", "");
    let pause = |at: Option<&Time>| {
        let seconds = at.map_or(PAUSE_S.0, |t| t.as_ms().div_ceil(1000));
        format!("{}s", seconds.clamp(PAUSE_S.0, PAUSE_S.1))
    };
    let mut subscription = Block::new("resource", &["google_pubsub_subscription", &own])
        .with("name", group.queue.as_str())
        .is("topic", format!("google_pubsub_topic.{topic}.id"))
        .number(
            "ack_deadline_seconds",
            seconds(p.ack_timeout.value).clamp(ACK_S.0, ACK_S.1),
        )
        .with(
            "message_retention_duration",
            duration(p.kept.value).as_str(),
        );
    if p.ordered {
        subscription = subscription.on("enable_message_ordering");
    }
    blocks.push(
        subscription
            .block(never.clone())
            .block(
                Block::new("dead_letter_policy", &[])
                    .is(
                        "dead_letter_topic",
                        format!("google_pubsub_topic.{dead}.id"),
                    )
                    .number(
                        "max_delivery_attempts",
                        u64::from(p.limit.as_ref().unwrap_or(&p.attempts).value),
                    ),
            )
            .block(
                Block::new("retry_policy", &[])
                    .with("minimum_backoff", pause(p.backoff.first()).as_str())
                    .with("maximum_backoff", pause(p.backoff.last()).as_str()),
            ),
    );
    blocks.push(
        Block::new("resource", &["google_pubsub_topic", &dead])
            .with("name", group.dead_letter.as_str()),
    );
    blocks.push(
        Block::new("resource", &["google_pubsub_subscription", &dead])
            .with("name", group.dead_letter.as_str())
            .is("topic", format!("google_pubsub_topic.{dead}.id"))
            .with(
                "message_retention_duration",
                duration(p.dead_letter_kept.value).as_str(),
            )
            .block(never),
    );
    // Without these two, Pub/Sub goes on delivering and nothing ever lands.
    blocks.push(member(
        "google_pubsub_topic_iam_member",
        &format!("{dead}_agent"),
        ("topic", format!("google_pubsub_topic.{dead}.id")),
        "roles/pubsub.publisher",
        AGENT,
    ));
    blocks.push(member(
        "google_pubsub_subscription_iam_member",
        &format!("{own}_agent"),
        (
            "subscription",
            format!("google_pubsub_subscription.{own}.id"),
        ),
        "roles/pubsub.subscriber",
        AGENT,
    ));
    if let Party::Service(service) = group.consumer {
        let slug = &cx.plan.service(service).slug;
        for id in [&own, &dead] {
            blocks.push(member(
                "google_pubsub_subscription_iam_member",
                &format!("{id}_reader"),
                (
                    "subscription",
                    format!("google_pubsub_subscription.{id}.id"),
                ),
                "roles/pubsub.subscriber",
                &account(slug),
            ));
        }
    }
}

fn member(kind: &str, id: &str, of: (&str, String), role: &str, who: &str) -> Block {
    Block::new("resource", &[kind, id])
        .is(of.0, of.1)
        .with("role", role)
        .is("member", who)
}

/// The account of a service, whose address is not known here; `slug` has nothing that could end a string.
fn account(slug: &str) -> String {
    format!("\"serviceAccount:${{var.service_accounts[\"{slug}\"]}}\"")
}

fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}

fn duration(time: Time) -> String {
    format!("{}s", seconds(time))
}

/// Names of resources: letters, digits and `_`, none twice.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    pub(super) fn take(&mut self, name: &str) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let mut base: String = name.chars().map(plain).collect();
        if !base.starts_with(|c: char| c.is_ascii_alphabetic()) {
            base.insert_str(0, "r_");
        }
        let mut id = base.clone();
        let mut n = 2;
        while !self.0.insert(id.clone()) {
            id = format!("{base}_{n}");
            n += 1;
        }
        id
    }
}
