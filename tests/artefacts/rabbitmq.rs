//! Definitions are imported into a real RabbitMQ; messages that are refused land where the chapter says, after
//! as many deliveries as it says, and those that are accepted do not.

use serde_json::{Value, json};

use crate::Check;
use crate::chapter::{names, number, rows};
use crate::designs::{self, Exported, OverBroker};
use crate::nats::numbered;
use crate::tool;

pub(crate) const DEFINITIONS: Check = Check {
    kind: "broker",
    tool: "RabbitMQ",
    version: || {
        let said = tool::python("rabbitmq.py", &["version"]).unwrap_or_default();
        said.trim().to_owned()
    },
    reads: |path| path.ends_with("-definitions.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            let mut arguments = vec!["accept".into()];
            arguments.extend(paths.iter().map(|p| p.as_os_str().to_owned()));
            tool::python("rabbitmq.py", &arguments)
        })
    },
    spoil: |text| {
        text.replacen(
            "\"x-queue-type\":\"quorum\"",
            "\"x-queue-type\":\"quarrel\"",
            1,
        )
    },
};

/// What the chapter says of every reader.
fn readers(design: &OverBroker) -> Value {
    let queues = rows(&design.chapter, ["Reader", "Channel", "Queue"]);
    let mut ends = rows(
        &design.chapter,
        ["Event", "Reader", "Deliveries", "Waits in", "Lands in"],
    );
    if ends.is_empty() {
        // Where the order of all events counts, none waits elsewhere.
        let columns = ["Event", "Reader", "Deliveries", "Waits between", "Lands in"];
        ends = rows(&design.chapter, columns);
        ends.iter_mut().for_each(|row| row[3].clear());
    }
    let sock_shop_is_ordered = design.chapter.contains("Order counts for");
    let events = rows(&design.chapter, ["Event", "Channel", "Kept for"]);
    let list: Vec<Value> = ends
        .iter()
        .map(|[event, reader, deliveries, waits, lands]| {
            let of = events.iter().find(|[e, ..]| e == event).unwrap();
            let own = queues.iter().find(|[r, c, _]| r == reader && c == &of[1]);
            let deliveries = number(deliveries);
            json!({
                "exchange": names(&of[1])[0],
                "queues": numbered(&names(&own.unwrap()[2]), '#'),
                "deliveries": deliveries,
                "dead_letter": names(lands)[0],
                "ordered": sock_shop_is_ordered && deliveries > 1 && names(waits).is_empty(),
            })
        })
        .collect();
    assert!(
        !list.is_empty(),
        "{} tells of no reader",
        design.files[0].design
    );
    json!(list)
}

fn definitions(design: &OverBroker) -> &Exported {
    let mut files = design.files.iter();
    let found = files.find(|f| f.path.ends_with("-definitions.json"));
    found.expect("definitions")
}

/// Messages through the definitions of three designs as they are, and through some that break one promise
/// each, which must be noticed.
#[test]
fn refused_messages_land_where_the_chapter_says_and_nowhere_else() {
    let designs: Vec<OverBroker> = designs::over_brokers()
        .into_iter()
        .filter(|d| d.broker == "rabbitmq" && !d.files[0].design.starts_with("hostile"))
        .collect();
    assert!(designs::foreign() || designs.len() == 3);
    let mut plays: Vec<(String, Value)> = designs
        .iter()
        .map(|d| (definitions(d).text.clone(), readers(d)))
        .collect();
    let shop = designs
        .iter()
        .find(|d| d.files[0].design.starts_with("sock-shop"));
    let (text, told) = (&definitions(shop.unwrap()).text, readers(shop.unwrap()));
    let second = "\"routing_key\":\"queue-master.shipping-task.retry-2\"";
    let broken = [
        (
            "one delivery less",
            format!(
                "\"queue-master.shipping-task.retry-3\",\"destination_type\":\"queue\",{second}"
            ),
            format!(
                "\"queue-master.shipping-task.retry-4\",\"destination_type\":\"queue\",{second}"
            ),
        ),
        (
            "one return less",
            "\"x-delivery-limit\":4".to_owned(),
            "\"x-delivery-limit\":3".to_owned(),
        ),
        (
            "dead letters at another reader",
            "\"x-dead-letter-routing-key\":\"orders.payment.refused.v1.dlq\"".to_owned(),
            "\"x-dead-letter-routing-key\":\"carts.order.placed.v1.dlq\"".to_owned(),
        ),
        (
            "one partition for all keys",
            "\"destination\":\"carts.order.placed.v1#0\",\"destination_type\":\"queue\",\"routing_key\":\"1\"".to_owned(),
            "\"destination\":\"carts.order.placed.v1#0\",\"destination_type\":\"queue\",\"routing_key\":\"100000\"".to_owned(),
        ),
        (
            "several instances at a queue at once",
            "\"x-single-active-consumer\":true".to_owned(),
            "\"x-single-active-consumer\":false".to_owned(),
        ),
        (
            "no dead letters of what is returned",
            "\"x-match\":\"any-with-x\"".to_owned(),
            "\"x-match\":\"all\"".to_owned(),
        ),
    ];
    for (what, from, to) in &broken {
        let changed = text.replace(from, to);
        assert_ne!(&changed, text, "{what}");
        plays.push((changed, told.clone()));
    }
    let plays: Vec<Value> = plays
        .iter()
        .map(|(definitions, readers)| json!({ "definitions": definitions, "readers": readers }))
        .collect();
    let sound: Vec<&str> = designs.iter().map(|d| &*d.files[0].design).collect();
    let broken: Vec<&str> = broken.iter().map(|(what, ..)| *what).collect();
    tool::plays("rabbitmq.py", &json!(plays), &sound, &broken);
}
