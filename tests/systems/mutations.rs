// The mutations of `tests/systems.rs`: what is changed in `good.toml`, into what, and what is found then.

const MUTATIONS: &[Mutation] = &[
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", dead_letter = \"none\", ",
        &[("dlq-missing", "\"none\"")],
    ),
    (
        "outbox = true, schema",
        "outbox = false, schema",
        &[("dual-write", "false")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", acks = \"none\", ",
        &[("acks-none", "\"none\"")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", durable = false, ",
        &[("durability-low", "false")],
    ),
    (
        "size = \"2KiB\"",
        "size = \"2MiB\"",
        &[("message-too-large", "\"2MiB\"")],
    ),
    (
        "size = \"2KiB\"",
        "size = \"100KiB\"",
        &[("message-too-large", "\"100KiB\"")],
    ),
    (
        "size = \"1KiB\", key = \"sku\", version = 1",
        "size = \"1KiB\", key = \"sku\"",
        &[("event-unversioned", "stock.reserved")],
    ),
    (
        "key = \"sku\", version = 1",
        "key = \"sku\", version = \"none\"",
        &[("event-unversioned", "\"none\"")],
    ),
    (
        "key = \"sku\"",
        "key = \"none\"",
        &[("order-key-missing", "\"none\"")],
    ),
    (
        "key = \"sku\", ",
        "ordered = true, ",
        &[("order-key-missing", "true")],
    ),
    (
        "key = \"sku\"",
        "key = \"sku\", ordered = true",
        &[],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", compatibility = \"none\", ",
        &[("compat-none", "\"none\"")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", compatibility = \"full\", ",
        &[],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", dead_letter = { retention = \"1d\" }, ",
        &[("dlq-retention", "\"1d\"")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", dead_letter = { alert = false }, ",
        &[("dlq-unalerted", "false")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", dead_letter = { retention = \"14d\", alert = true }, ",
        &[],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", idempotent = false, ",
        &[("consumer-not-idempotent", "false")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", dedupe = \"2m\", ",
        &[("dedupe-short", "\"2m\"")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ack = \"auto\", ",
        &[("consumer-loses-poison-message", "\"auto\"")],
    ),
    (
        "delivery = \"at-least-once\"",
        "delivery = \"at-most-once\"",
        &[("consumer-loses-poison-message", "\"at-most-once\"")],
    ),
    (
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", ",
        "{ event = \"orders --order.placed--> shipping, email, webhooks\", traceparent = false, ",
        &[("trace-break", "false")],
    ),
    (
        "pii = [\"buyer\"]",
        "pii = [\"buyer\"], encrypted = false",
        &[("pii-in-event", "false")],
    ),
    (
        "key = \"order_id\", version = 1, retention = \"7d\", delivery",
        "key = \"buyer\", version = 1, retention = \"7d\", delivery",
        &[("pii-in-event", "\"buyer\"")],
    ),
    (
        "ack_timeout = \"60s\"",
        "ack_timeout = \"1s\"",
        &[("visibility-short", "\"1s\"")],
    ),
    (
        "ack_timeout = \"60s\"",
        "ack_timeout = \"60s\", prefetch = 100",
        &[("visibility-short", "\"60s\"")],
    ),
    (
        "\"shipping --parcel.sent--> orders, email\"",
        "\"shipping --parcel.sent--> none\"",
        &[("event-no-consumer", "parcel.sent")],
    ),
    (
        "\"shipping --parcel.sent--> orders, email\"",
        "\"shipping --SendParcel--> orders, email\"",
        &[("imperative-event", "SendParcel")],
    ),
    (
        "\"shipping --parcel.sent--> orders, email\"",
        "\"shipping --ParcelSentIntegrationEvent--> orders, email\"",
        &[],
    ),
    (
        "\"shipping --parcel.sent--> orders, email\"",
        "\"none --parcel.sent--> orders, email\"",
        &[("consumer-no-producer", "none")],
    ),
    (
        "\nasync = [",
        "\nasync = [\n  { event = \"catalogue --order.cancelled--> shipping\", version = 1 },",
        &[("multi-producer", "")],
    ),
    (
        "\nasync = [",
        "\nasync = [\n  { event = \"orders --order.placed--> email\", schema = { order_id = \"integer\" } },",
        &[("schema-copy-drift", "{ order_id = \"integer\" }")],
    ),
    (
        "\nasync = [",
        "\nasync = [\n  { event = \"orders --order.placed--> email\", schema = { order_id = \"string\" } },",
        &[],
    ),
    (
        "\nasync = [",
        "\nasync = [\n  { event = \"orders --order.placed--> email\", schema = { order_id = \"string\", note = \"string\" } },",
        &[("schema-copy-drift", "{ order_id")],
    ),
    (
        "retries = 4, idempotent = true",
        "retries = 0, idempotent = true",
        &[("webhook-no-retry", "0")],
    ),
    (
        "retention = \"7d\", delivery",
        "retention = \"1h\", delivery",
        &[("retention-short", "\"1h\"")],
    ),
    (
        "heartbeat = \"20s\"",
        "heartbeat = \"10m\"",
        &[("heartbeat-late", "\"10m\"")],
    ),
    (
        "heartbeat = \"20s\"",
        "heartbeat = \"20s\", backplane = \"none\"",
        &[("realtime-no-backplane", "\"none\"")],
    ),
    (
        "heartbeat = \"20s\"",
        "heartbeat = \"20s\", backplane = \"redis-streams\"",
        &[],
    ),
    (
        "heartbeat = \"20s\"",
        "heartbeat = \"20s\", fallback = \"long-polling\", sticky = false",
        &[("realtime-sticky", "false")],
    ),
    (
        "heartbeat = \"20s\"",
        "heartbeat = \"20s\", lossless = true, backplane = \"redis-pubsub\"",
        &[("realtime-lossy", "\"redis-pubsub\"")],
    ),
    (
        "resume = true",
        "resume = false, lossless = true",
        &[("realtime-lossy", "false")],
    ),
    (
        "resume = true",
        "resume = false",
        &[],
    ),
    (
        "mesh = \"linkerd\"",
        "mesh = \"linkerd\"\ngateway = \"aws-api-gateway\"",
        &[],
    ),
    (
        "retries = 0, auth = \"jwt\"",
        "retries = 0, auth = \"none\"",
        &[("auth-missing", "\"none\"")],
    ),
    (
        "timeout = \"4s\", auth = \"jwt\"",
        "timeout = \"4s\"",
        &[("auth-missing", "\"browser --REST GET")],
    ),
    (
        "timeout = \"4s\", auth = \"jwt\"",
        "timeout = \"4s\", auth = \"none\"",
        &[("auth-missing", "\"none\"")],
    ),
    (
        "resume = true, auth = \"jwt\"",
        "resume = true, auth = \"none\"",
        &[("auth-missing", "\"none\"")],
    ),
    (
        "mesh = \"linkerd\"",
        "mesh = \"linkerd\"\nauth = \"none\"",
        &[("auth-missing", "\"none\"")],
    ),
    (
        "mesh = \"linkerd\"",
        "mesh = \"linkerd\"\njwt = { checks = [\"alg\", \"exp\"] }",
        &[("jwt-checks", "[\"alg\"")],
    ),
    (
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", ",
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", token = \"relay\", ",
        &[("token-relay", "\"relay\"")],
    ),
    (
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", ",
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", token = \"exchange\", ",
        &[],
    ),
    (
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", ",
        "{ call = \"orders --gRPC Stock/Reserve--> stock\", traceparent = false, ",
        &[("trace-break", "false")],
    ),
    (
        "timeout = \"150ms\"",
        "timeout = \"none\"",
        &[("timeout-missing", "\"none\"")],
    ),
    (
        "timeout = \"150ms\"",
        "timeout = \"40ms\"",
        &[("timeout-below-p99", "\"40ms\"")],
    ),
    (
        "p99 = \"300ms\", timeout = \"2s\", retries = 0 },\n  { call = \"web --gRPC Orders/Cancel",
        "p99 = \"300ms\", timeout = \"500ms\", retries = 0 },\n  { call = \"web --gRPC Orders/Cancel",
        &[("timeout-inversion", "\"500ms\"")],
    ),
    (
        "timeout = \"3s\", retries = 0, auth",
        "timeout = \"3s\", retries = 1, auth",
        &[("retry-nonidempotent", "1")],
    ),
    (
        "timeout = \"300ms\", retries = 0",
        "timeout = \"300ms\", retries = 1",
        &[("retry-nonidempotent", "1")],
    ),
    (
        "\"stock --stock.reserved--> catalogue\"",
        "\"stock --stock.reserved--> catalogue, shipping\"",
        &[],
    ),
    (
        "\nsync = [",
        "\nsync = [\n  { call = \"payments --gRPC Orders/Get--> orders\", p99 = \"20ms\", timeout = \"50ms\", retries = 0 },",
        &[("sync-cycle", "")],
    ),
    (
        "\nsync = [",
        "\nsync = [\n  { call = \"catalogue --gRPC Stock/Get--> stock\", p99 = \"20ms\", timeout = \"50ms\", retries = 0, optional = true, fallback = \"no number\" },",
        &[],
    ),
    (
        "stores = [\"postgres:parcels\"]",
        "stores = [\"postgres:stock\"]",
        &[("shared-database", "\"postgres:stock")],
    ),
    (
        "health = \"/health\"\n\n[services.orders]",
        "health = \"none\"\n\n[services.orders]",
        &[("health-missing", "\"none\"")],
    ),
    (
        "\"email\", \"webhooks\"]\n\n[[sagas",
        "\"email\"]\n\n[[sagas",
        &[("missing-owner", "webhooks")],
    ),
    (
        "logistics = [\"stock\", \"shipping\"]",
        "logistics = [\"stock\", \"shipping\", \"web\"]",
        &[("multi-owner", "web")],
    ),
    (
        "[services.partner]",
        "[services.lonely]\nteam = \"money\"\n\n[services.partner]",
        &[("orphan-service", "lonely")],
    ),
    (
        "[services.payments]\nstores",
        "[services.payments]\nslo = { availability = \"99.9999%\" }\nstores",
        &[("slo-above-dependencies", "\"99.9999%\"")],
    ),
    (
        ", undo = \"release bicycle\"",
        "",
        &[("saga-no-compensation", "")],
    ),
    (
        "action = \"send parcel\", idempotent = true",
        "action = \"send parcel\", idempotent = false",
        &[("saga-retry-unsafe", "")],
    ),
    (
        "action = \"send parcel\", idempotent = true",
        "action = \"send parcel\", undo = \"recall parcel\", idempotent = true",
        &[("saga-late-compensable", "")],
    ),
    (
        "action = \"authorize payment\", pivot = true",
        "action = \"authorize payment\", undo = \"void payment\"",
        &[],
    ),
    (
        "[services.stock]",
        "[services.stock]\ncapacity = \"10/s\"",
        &[("capacity-exceeded", "\"10/s\"")],
    ),
    (
        "[services.stock]",
        "[services.stock]\ncapacity = \"500/s\"",
        &[],
    ),
    (
        "[services.stock]",
        "[services.stock]\nliveness = { path = \"/live\", checks = [\"stock\"] }",
        &[("liveness-dependency", "")],
    ),
    (
        "[services.orders]\nstores",
        "[services.orders]\ngrace = \"500ms\"\nstores",
        &[("grace-too-short", "\"500ms\"")],
    ),
    (
        "[services.stock]\nstores = [\"postgres:stock\"]\nreplicas = 2",
        "[services.stock]\nslo = { availability = \"99.9%\" }\nstores = [\"postgres:stock\"]\nreplicas = 1",
        &[("single-replica-slo", "")],
    ),
    (
        "key = \"sku\"",
        "key = \"sku\", partitions = 1",
        &[("partitions-low", "1")],
    ),
    (
        "mesh = \"linkerd\"",
        "mesh = \"none\"",
        &[("grpc-l4-pinning", "\"none\"")],
    ),
    (
        "mesh = \"linkerd\"",
        "mesh = \"linkerd\"\ngateway = \"ingress-nginx\"",
        &[("eol-platform", "\"ingress-nginx\"")],
    ),
    (
        "timeout = \"150ms\", retries = 0",
        "timeout = \"150ms\", retries = 0, bulkhead = 1",
        &[],
    ),
];
