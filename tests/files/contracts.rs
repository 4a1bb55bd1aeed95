//! Contracts: OpenAPI, Protocol Buffers with gRPC's service configuration, AsyncAPI, JSON Schema and CloudEvents.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::model::{Auth, Call, Method, Party, Protocol};
use msdesign::plan::slug;
use serde_json::{Value, json};

use super::{Artefact, Doc, Model, Plan, Wrong, docs, entries, items, made, only, survivors};

#[test]
fn each_changed_value_of_a_service_configuration_is_noticed() {
    let (model, files) = made("broker = \"kafka\"");
    let plan = Plan::new(&model);
    for (kind, retries) in [
        ("cart.service-config", false),
        ("cart.retrying.service-config", true),
    ] {
        let file = format!("grpc/orders/{kind}.json");
        let (changed, found) =
            survivors(&docs(&files, &file), |d| channel(&model, &plan, d, retries));
        only(&found, &[]);
        assert!(changed >= 3, "{changed}");
    }
}

fn channel(model: &Model, plan: &Plan<'_>, docs: &[Doc], retries: bool) -> Wrong {
    let mut w = Wrong::default();
    let rpc = |id: &msdesign::model::CallId| plan.rpc(*id).is_some();
    let id = model.call_ids().find(rpc).unwrap();
    let p = plan.call(id);
    let limit = if retries {
        p.worst_case()
    } else {
        p.timeout.value
    };
    let s = |t: msdesign::model::units::Time| format!("{}s", t.as_s());
    let mut method =
        json!({ "name": [{ "service": "shop.Cart", "method": "Get" }], "timeout": s(limit) });
    let mut should = json!({ "loadBalancingConfig": [{ "round_robin": {} }] });
    if retries {
        should["retryThrottling"] =
            json!({ "maxTokens": 10, "tokenRatio": p.retry_budget.value.0 });
        method["retryPolicy"] = json!({
            "maxAttempts": p.attempts.value.min(5), "backoffMultiplier": 2,
            "initialBackoff": s(p.backoff_base.value), "maxBackoff": s(p.backoff_cap.value),
            "retryableStatusCodes": ["UNAVAILABLE"],
        });
    }
    should["methodConfig"] = json!([method]);
    w.same("file", &json!([docs[0].value]), &json!([should]));
    w
}

#[test]
fn each_changed_value_of_openapi_is_noticed() {
    let (model, files) = made("broker = \"kafka\"");
    let plan = Plan::new(&model);
    let (mut changed, mut read) = (0, 0);
    for file in files.iter().filter(|f| f.path.starts_with("openapi/")) {
        let (n, found) = survivors(&docs(&files, &file.path), |d| {
            http(&model, &plan, &file.path, d)
        });
        // What errors are is the RFC's; the version is the team's; the rest are words.
        let found: Vec<&String> = found
            .keys()
            .filter(|place| {
                !place.starts_with("/components/responses/")
                    && !place.starts_with("/components/schemas/")
            })
            .filter(|place| !place.ends_with("/description") && *place != "/info/version")
            .collect();
        assert!(found.is_empty(), "{}: {found:#?}", file.path);
        changed += n;
        read += 1;
    }
    assert!(changed > 100 && read == 2, "{changed} {read}");
}

/// Method and path of a REST call, its parameters without names.
fn route(c: &Call) -> Option<(Method, String)> {
    let Protocol::Rest(Some(method)) = c.protocol else {
        return None;
    };
    Some((method, c.operation.split_once(' ')?.1.to_owned()))
}

fn http(model: &Model, plan: &Plan<'_>, path: &str, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let name = path
        .strip_prefix("openapi/")
        .unwrap()
        .strip_suffix(".yaml")
        .unwrap();
    let to = model
        .service_ids()
        .find(|s| plan.service(*s).slug == name)
        .unwrap();
    let file = &docs[0].value;
    w.want("version", &file["openapi"], "3.1.0");
    w.want(
        "title",
        &file["info"]["title"],
        model.service(to).name.as_str(),
    );
    let url = format!("http://{}:8080", plan.service(to).address);
    w.want(
        "server",
        &file["servers"],
        json!([{ "url": url, "description": "inside the platform" }]),
    );
    let mut calls: BTreeMap<(String, Method), Vec<msdesign::model::CallId>> = BTreeMap::new();
    for id in model.call_ids().filter(|id| model.call(*id).to == to) {
        if let Some((method, path)) = route(model.call(id)) {
            calls.entry((path, method)).or_default().push(id);
        }
    }
    let mut told = 0;
    for (_, item) in entries(&file["paths"]) {
        told += entries(item).count();
    }
    w.that(told == calls.len(), "operations");
    let mut ids = BTreeSet::new();
    let mut ways = BTreeSet::new();
    for ((path, method), calls) in calls {
        let at = format!("{} {path}", method.name());
        let verb = method.name().to_ascii_lowercase();
        let op = &file["paths"][&path][&verb];
        w.that(op.is_object(), &at);
        let words: String = path
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|p| !p.is_empty())
            .map(|p| p[..1].to_uppercase() + &p[1..])
            .collect();
        w.want(&at, &op["operationId"], format!("{verb}{words}"));
        w.that(ids.insert(op["operationId"].to_string()), &at);
        w.want(&at, &op["summary"], at.as_str());
        let callers = calls.iter().map(|id| {
            let p = plan.call(*id);
            format!(
                "{} at most {}, waiting {} an attempt, {} in all",
                model.party(model.call(*id).from),
                p.rate.value,
                p.timeout.value,
                p.deadline.value
            )
        });
        let callers = callers.collect::<Vec<_>>().join("; ");
        w.want(&at, &op["description"], format!("Called by {callers}."));
        let mut parameters = Vec::new();
        if path.contains("{id}") {
            parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }));
        }
        let mut parameter = op["parameters"].clone();
        if method == Method::Post {
            let again = calls.iter().any(|id| plan.call(*id).attempts.value > 1);
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": again,
                "schema": { "type": "string", "format": "uuid" },
            }));
            let last = parameter.as_array_mut().and_then(|p| p.last_mut());
            last.and_then(Value::as_object_mut)
                .map(|p| p.remove("description"));
            let body = json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" } } } });
            w.want(&at, &op["requestBody"], body);
        }
        w.same(&at, &parameter, &json!(parameters));
        let mut answers: BTreeMap<String, Value> = calls
            .iter()
            .flat_map(|id| plan.errors(*id))
            .map(|e| {
                (
                    e.code.to_string(),
                    json!({ "$ref": "#/components/responses/Problem" }),
                )
            })
            .collect();
        let done = json!({ "description": "Done", "content": { "application/json": { "schema": { "type": "object" } } } });
        answers.insert("200".to_owned(), done);
        w.same(&at, &json!([op["responses"]]), &json!([answers]));
        let auths: BTreeSet<Auth> = calls.iter().map(|id| plan.auth(*id)).collect();
        let names = auths.iter().map(|a| match a {
            Auth::Jwt => "bearer",
            Auth::Mtls => "certificate",
            Auth::Oauth2 => "clientCredentials",
            Auth::Iam => "workloadIdentity",
        });
        w.same(
            &at,
            &op["security"],
            &names.map(|n| json!({ n: [] })).collect(),
        );
        ways.extend(auths);
    }
    let schemes = &file["components"]["securitySchemes"];
    w.that(
        schemes.as_object().is_some_and(|s| s.len() == ways.len()),
        "schemes",
    );
    for auth in ways {
        let (name, scheme) = match auth {
            Auth::Jwt => (
                "bearer",
                json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
            ),
            Auth::Mtls => ("certificate", json!({ "type": "mutualTLS" })),
            other => panic!("the shop has no {other:?}"),
        };
        w.want("scheme", &schemes[name], scheme);
    }
    w
}

/// The reference that has to lead somewhere in `file`.
fn leads(w: &mut Wrong, file: &Value, at: &Value) {
    let to = at["$ref"]
        .as_str()
        .and_then(|r| r.strip_prefix('#'))
        .unwrap_or("/nowhere");
    w.that(file.pointer(to).is_some(), &format!("{at} leads nowhere"));
}

#[test]
fn each_changed_value_of_asyncapi_is_noticed() {
    for broker in ["kafka", "rabbitmq"] {
        let (model, files) = made(&format!("broker = \"{broker}\""));
        let plan = Plan::new(&model);
        let mut changed = 0;
        let documents = files.iter().filter(|f| f.path.starts_with("asyncapi/"));
        for file in documents.clone() {
            let (n, found) = survivors(&docs(&files, &file.path), |d| {
                events(&model, &plan, &file.path, d, broker)
            });
            // The version is the team's.
            only(&found, &["/info/version"]);
            changed += n;
        }
        assert!(changed > 300 && documents.count() == 5, "{changed}");
    }
}

fn events(model: &Model, plan: &Plan<'_>, path: &str, docs: &[Doc], broker: &str) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    let name = path
        .strip_prefix("asyncapi/")
        .unwrap()
        .strip_suffix(".yaml")
        .unwrap();
    let only = model.service_ids().find(|s| plan.service(*s).slug == name);
    let title = only.map_or(model.title.as_str(), |s| &model.service(s).name);
    w.want("version", &file["asyncapi"], "3.0.0");
    w.want("title", &file["info"]["title"], title);
    w.want("content", &file["defaultContentType"], "application/json");
    let (protocol, port, about) = if broker == "kafka" {
        ("kafka", 9092, "Apache Kafka")
    } else {
        ("amqp", 5672, "RabbitMQ")
    };
    let mut server = json!({
        "host": format!("{broker}.example:{port}"), "protocol": protocol,
        "description": format!("{about}; the host is to be replaced"),
    });
    if broker == "rabbitmq" {
        server["pathname"] = json!(format!("/{}", plan.choices.namespace));
    }
    w.same(
        "server",
        &json!([file["servers"][broker]]),
        &json!([server]),
    );
    let mut operations = BTreeMap::new();
    let mut count = 0;
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let key = slug(&p.event_type);
        let mut told = false;
        let prefix = |s| {
            if only.is_some() {
                String::new()
            } else {
                format!("{}-", plan.service(s).slug)
            }
        };
        let channel = json!({ "$ref": format!("#/channels/{key}") });
        let message = json!([{ "$ref": format!("#/channels/{key}/messages/{key}") }]);
        let base = |action: &str| json!({ "action": action, "channel": channel, "summary": format!("at most {}", p.rate.value), "messages": message });
        for by in e
            .publishers
            .iter()
            .filter(|b| only.is_none_or(|s| s == b.service))
        {
            operations.insert(format!("{}send-{key}", prefix(by.service)), base("send"));
            told = true;
        }
        for g in &p.groups {
            let Party::Service(s) = g.consumer else {
                continue;
            };
            if only.is_some_and(|o| o != s) {
                continue;
            }
            let mut read = base("receive");
            read["x-group"] = json!(g.group);
            read["x-attempts"] = json!(p.attempts.value);
            read["x-dead-letter"] = json!(g.dead_letter);
            if !g.retries.is_empty() {
                let waits = g.retries.iter();
                read["x-retries"] = waits
                    .map(|r| json!({ "channel": r.name, "delay": r.delay.to_string() }))
                    .collect();
            }
            operations.insert(format!("{}receive-{key}", prefix(s)), read);
            told = true;
        }
        if !told {
            continue;
        }
        count += 1;
        let at = &file["channels"][&key];
        w.want(&key, &at["address"], p.channel.as_str());
        w.want(
            &key,
            &at["servers"],
            json!([{ "$ref": format!("#/servers/{broker}") }]),
        );
        w.want(
            &key,
            &at["messages"][&key],
            json!({ "$ref": format!("#/components/messages/{key}") }),
        );
        let bound = if broker == "kafka" {
            let kept = json!({ "retention.ms": p.kept.value.as_ms() });
            json!({ "kafka": { "topic": p.channel, "partitions": p.partitions.as_ref().unwrap().value, "topicConfiguration": kept } })
        } else {
            let exchange = json!({ "name": p.channel, "type": "fanout", "durable": true, "autoDelete": false, "vhost": plan.choices.namespace });
            json!({ "amqp": { "is": "routingKey", "exchange": exchange } })
        };
        w.same(&key, &json!([at["bindings"]]), &json!([bound]));
        let own = &file["components"]["messages"][&key];
        w.want(&key, &own["name"], p.event_type.as_str());
        w.want(&key, &own["title"], e.name.as_str());
        w.want(&key, &own["contentType"], "application/json");
        w.want(
            &key,
            &own["correlationId"],
            json!({ "location": "$message.payload#/metadata/correlationId" }),
        );
        w.same(&key, &json!([own["payload"]]), &json!([payload(plan, id)]));
    }
    w.that(
        file["channels"]
            .as_object()
            .is_some_and(|c| c.len() == count),
        "channels",
    );
    w.same(
        "operations",
        &json!([file["operations"]]),
        &json!([operations]),
    );
    for (_, op) in entries(&file["operations"]) {
        leads(&mut w, file, &op["channel"]);
        leads(
            &mut w,
            file,
            items(&op["messages"]).first().unwrap_or(&Value::Null),
        );
    }
    w
}

/// The envelope, whose data is the event's key alone in the shop.
fn payload(plan: &Plan<'_>, id: msdesign::model::EventId) -> Value {
    let p = plan.event(id);
    let text = json!({ "type": "string", "minLength": 1 });
    let key = p.key.value.as_str();
    json!({
        "title": p.event_type,
        "type": "object",
        "required": ["eventType", "eventId", "timestamp", "data", "metadata"],
        "properties": {
            "eventType": { "const": p.event_type },
            "eventId": { "type": "string", "format": "uuid" },
            "timestamp": { "type": "string", "format": "date-time" },
            "data": { "type": "object", "required": [key], "properties": { key: { "type": "string" } } },
            "metadata": {
                "type": "object",
                "required": ["source", "dataSchema", "correlationId", "partitionKey", "traceparent"],
                "properties": {
                    "source": { "type": "string", "format": "uri-reference" },
                    "dataSchema": { "type": "string", "format": "uri" },
                    "correlationId": text, "causationId": text, "partitionKey": text,
                    "traceparent": { "type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" },
                },
            },
        },
    })
}

#[test]
fn each_changed_value_of_an_event_is_noticed() {
    let (model, files) = made("broker = \"kafka\"");
    let plan = Plan::new(&model);
    let all: Vec<&Artefact> = files
        .iter()
        .filter(|f| f.path.starts_with("events/"))
        .collect();
    assert_eq!(all.len(), 6, "three files an event");
    let read: Vec<Doc> = all
        .iter()
        .map(|f| Doc {
            value: json!({ "path": f.path, "is": serde_json::from_str::<Value>(&f.text).unwrap() }),
        })
        .collect();
    let (changed, found) = survivors(&read, |d| forms(&model, &plan, d));
    // Made up: an example has to have some.
    let free = [
        "/is/data/item_id",
        "/is/id",
        "/is/metadata/causationId",
        "/is/metadata/correlationId",
    ];
    let made_up: Vec<&String> = found
        .keys()
        .filter(|k| !free.contains(&k.as_str()))
        .collect();
    assert!(made_up.is_empty(), "{made_up:#?}");
    assert!(changed > 100, "{changed}");
}

fn forms(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let find = |path: String| {
        docs.iter()
            .find(|d| d.value["path"] == json!(path))
            .map_or(&Value::Null, |d| &d.value["is"])
    };
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let name = slug(&p.event_type);
        let of = |form: &str| find(format!("events/{name}.{form}.json"));
        let mut schema = payload(plan, id);
        let uri = format!(
            "https://schemas.example/{}/{name}.json",
            plan.choices.namespace
        );
        schema["$id"] = json!(uri);
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        w.same(&name, &json!([of("schema")]), &json!([schema]));
        let (example, cloud) = (of("example"), of("cloudevent"));
        let source = format!("/services/{}", plan.service(e.publishers[0].service).slug);
        w.want(&name, &example["eventType"], p.event_type.as_str());
        w.want(&name, &example["timestamp"], "2026-01-01T00:00:00Z");
        w.want(&name, &example["metadata"]["source"], source);
        w.want(&name, &example["metadata"]["dataSchema"], uri);
        w.want(
            &name,
            &example["metadata"]["partitionKey"],
            example["data"][&p.key.value].clone(),
        );
        // Both forms say the same of one event.
        w.want(&name, &cloud["specversion"], "1.0");
        w.want(&name, &cloud["datacontenttype"], "application/json");
        for (theirs, ours) in [
            ("type", "/eventType"),
            ("id", "/eventId"),
            ("time", "/timestamp"),
            ("data", "/data"),
        ] {
            w.want(
                &name,
                &cloud[theirs],
                example.pointer(ours).cloned().unwrap_or_default(),
            );
        }
        let mut told: Vec<&String> = entries(&example["metadata"]).map(|(k, _)| k).collect();
        told.sort();
        let all = [
            "causationId",
            "correlationId",
            "dataSchema",
            "partitionKey",
            "source",
            "traceparent",
        ];
        w.that(told == all, "what an event carries beside its data");
        for (key, value) in entries(&example["metadata"]) {
            w.want(&name, &cloud[key.to_ascii_lowercase()], value.clone());
        }
    }
    w
}
