//! What the design knows: infrastructures, brokers, gateways, meshes, default numbers and vendor limits.
//!
//! Everything is data in `data/*.toml`, each file with the date on which it was checked and every entry
//! with its source, so that a limit that changes is one line to change. Vendor numbers never stand in code.

use std::sync::LazyLock;

use serde::Deserialize;

/// A number with its reason.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The value, in `unit`.
    pub value: f64,
    /// `ms`, `s`, `h`, `d`, `B`, `/s`, or empty for a bare number or ratio.
    pub unit: String,
    /// Why it is what it is.
    pub why: String,
    /// A key of `sources.toml`.
    pub source: String,
}

macro_rules! numbers {
    ($($name:ident: $doc:literal,)*) => {
        /// The numbers that stand in where the author states none; units are in the data file.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "each field is documented by its entry in numbers.toml")]
        pub struct Numbers {
            /// When the file was checked.
            pub date: String,
            $(#[doc = $doc] pub $name: Number,)*
        }

        impl Numbers {
            /// Every number with its key, for the documentation.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &Number)> {
                vec![$((stringify!($name), &self.$name)),*]
            }
        }
    };
}

numbers! {
    rate: "Peak rate of an entry point.",
    p99: "99th percentile of a response.",
    p50_share: "Median as a share of the 99th percentile.",
    timeout_padding: "Attempt timeout as a multiple of the 99th percentile.",
    own_work: "A service's own work within a call.",
    retries: "Attempts after the first.",
    backoff_base: "First backoff bound.",
    backoff_cap: "Longest backoff bound.",
    retry_budget: "Retries as a share of calls.",
    breaker_ratio: "Failure ratio that opens a breaker.",
    breaker_window: "Shortest breaker window.",
    breaker_window_max: "Longest breaker window.",
    breaker_minimum: "Calls a breaker needs before it judges.",
    breaker_minimum_low: "The same on a quiet call.",
    breaker_base_error: "Error rate that must not trip a breaker.",
    breaker_slow_share: "Slow-call threshold as a share of the timeout.",
    breaker_half_open: "Half-open probes.",
    connect_timeout: "Limit for making a connection.",
    ejection_share: "Instances that proxies leave out at most, per cent.",
    ejection_max: "Longest time that proxies leave an instance out.",
    headroom: "Room above computed concurrency.",
    bulkhead_refused: "Share of calls that may find a bulkhead full.",
    replicas: "Instances of a service.",
    scale_out: "Most instances as a multiple of the usual ones.",
    cpu_saturated: "Processor use at which instances are overloaded.",
    cpu_target: "Processor use at which instances are added.",
    edge_burst_seconds: "Burst at the edge, in seconds of the rate.",
    edge_burst_least: "Least burst of one client at the edge.",
    edge_clients: "Clients that a route's peak is shared by at least.",
    edge_share: "Even shares that one client may take.",
    edge_body: "Largest body of a request at the edge.",
    ordered_lanes: "Partitions of an ordered channel whose reader needs a queue or consumer each.",
    lanes_kept: "Most of these queues or consumers of one reader that are written out.",
    stored_much: "Bytes of one channel that are worth a word.",
    handler: "Time to handle one event.",
    event_size: "Size of an event.",
    consumer_attempts: "Deliveries of a message.",
    consumer_backoff_base: "First redelivery backoff.",
    consumer_backoff_factor: "Growth of redelivery backoff.",
    outage: "Longest consumer outage to survive.",
    dead_letter_retention: "How long dead letters are kept.",
    catch_up: "Spare consumer capacity for a backlog.",
    lag_seconds: "Age at which an event is late.",
    instance_availability: "Availability of one instance.",
    store_availability: "Availability of a store.",
    broker_availability: "Availability of a broker.",
    external_availability: "Availability of an external service.",
    slo_availability: "Objective where none is stated.",
    heartbeat_max: "Longest heartbeat.",
    connections_per_replica: "Connections an instance holds.",
    connection_memory: "Memory of one connection.",
    accept_rate: "New connections an instance accepts.",
    connections: "Peak connections of a stream.",
    pre_stop: "Time for load balancers to notice.",
    flush: "Time to flush telemetry and producers.",
    trace_target: "Traces worth storing.",
    span_bytes: "Size of an exported span.",
    low_traffic_errors: "Failures before anybody is woken.",
    saga_step: "Longest step of a saga.",
    saga_attempts: "Attempts of a saga's step that may fail for good.",
    saga_backoff_base: "First pause between attempts of a saga's step.",
    saga_backoff_factor: "Growth of that pause.",
    saga_backoff_cap: "Longest such pause as a multiple of the first.",
    log_retention: "How long logs are kept.",
}

/// Where a design runs.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of infrastructures.toml say what each field holds"
)]
pub struct Infrastructure {
    pub id: String,
    pub name: String,
    pub broker: String,
    pub gateway: String,
    pub mesh: String,
    pub auth: String,
    pub discovery: String,
    pub address: String,
    pub discovery_why: String,
    pub http_balancing: String,
    pub http_balancing_plain: String,
    pub grpc_balancing: String,
    pub grpc_balancing_plain: String,
    pub grpc_l4: bool,
    pub balancing_source: String,
    pub health: String,
    pub period_s: u64,
    pub failure_threshold: u64,
    pub timeout_s: u64,
    pub startup_s: u64,
    pub health_source: String,
    pub restart_s: u64,
    pub restart_why: String,
    pub saga_engine: String,
    pub saga_limit: String,
    /// Longest execution of the engine in days, where its documentation names one.
    pub saga_longest_d: Option<u64>,
    /// Events that the history of one execution may have, where there is such a limit.
    pub saga_history: Option<u64>,
    pub saga_source: String,
    pub workload_identity: String,
    /// The same without a mesh: as a token, and as a certificate; empty where a mesh changes nothing.
    pub workload_token: String,
    pub workload_certificate: String,
    pub log_store: String,
    pub idle_s: u64,
    pub idle_what: String,
    pub idle_source: String,
    pub availability: f64,
    pub availability_why: String,
    pub availability_source: String,
    pub zones_why: String,
    pub zones_source: String,
    /// Connections that the platform lets one instance hold; 0 without a limit.
    pub connections_per_instance: u64,
    /// The longest that the platform lets a connection live, in seconds; 0 without a limit.
    pub stream_max_s: u64,
    /// Whose limits these two are, and where they stand.
    pub connections_what: String,
    /// What takes in connections that are not HTTP.
    pub l4: String,
    pub connections_source: String,
}

/// A protocol beside HTTP.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// The words for it, in lower case.
    pub ids: Vec<String>,
    /// `TCP` or `UDP`.
    pub transport: String,
    /// The registered port; 0 where there is none.
    pub port: u16,
}

/// A message broker.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of brokers.toml say what each field holds"
)]
pub struct Broker {
    pub id: String,
    pub name: String,
    pub channel: String,
    pub key: String,
    /// What handles one message at a time where order counts: a `partition`, `queue` or `consumer`, of which a
    /// reader has several so that keys do not wait for each other; empty where the broker itself tells keys apart.
    pub lanes: String,
    /// Messages a second, and bytes a second, that it takes of one ordering key; 0 without such a limit.
    pub key_rate: u64,
    pub key_bytes: u64,
    /// Messages a second that an ordered channel takes as it is created; 0 without such a limit.
    pub ordered_rate: u64,
    /// How often it stores a message, on disks that somebody of the design pays for by the byte.
    pub copies: u64,
    /// A message is kept although everybody has read it.
    pub keeps_read: bool,
    /// Bytes that one channel may hold, and of what that is the limit; 0 without such a limit.
    pub stored_max: u64,
    pub stored_note: String,
    pub partitioned: bool,
    pub max_bytes: u64,
    pub name_max: usize,
    pub retention_h: u64,
    pub retention_min_s: u64,
    pub retention_max_h: u64,
    pub replication: String,
    pub replication_why: String,
    pub dead_letter: String,
    pub dead_letter_suffix: String,
    pub retry: String,
    pub limit: String,
    pub limit_min: u32,
    pub limit_max: u32,
    pub ack: String,
    pub ack_s: u64,
    pub ack_max_s: u64,
    pub redelivery: String,
    pub lag: String,
    pub dead_letters: String,
    pub access: String,
    pub source: String,
    pub retry_source: String,
    pub metric_source: String,
}

/// An API gateway.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of gateways.toml say what each field holds"
)]
pub struct Gateway {
    pub id: String,
    pub name: String,
    pub file: String,
    pub fence: String,
    pub timeout_s: u64,
    pub timeout_note: String,
    pub retries: u32,
    pub retries_note: String,
    pub idle_s: u64,
    pub body_bytes: u64,
    pub rate_limit: String,
    pub limit_scope: String,
    pub source: String,
    /// What takes streams and gRPC calls in beside it; `None` where it takes them itself.
    pub balancer: Option<Balancer>,
}

/// A load balancer beside a gateway.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Balancer {
    /// Its name.
    pub name: String,
    /// It closes a connection on which nothing has come for as many seconds.
    pub idle_s: u64,
    /// What limits requests on it.
    pub limit: String,
    /// Why the gateway does not take them.
    pub why: String,
}

/// Where a kind of store, broker or engine listens.
#[derive(Clone, Debug, Deserialize)]
pub struct Port {
    /// The words for it.
    pub ids: Vec<String>,
    /// The port, with TLS where it has one of its own; 0 where it needs no network.
    pub port: u16,
    /// Run by a cloud, outside of any cluster.
    #[serde(default)]
    pub managed: bool,
}

/// What tells how full a kind of store is.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    /// The words for the kind.
    pub ids: Vec<String>,
    /// How much is in use.
    pub usage: String,
    /// What there is of it.
    pub of: String,
    /// What was refused or failed.
    pub errors: String,
    /// Who tells it.
    pub name: String,
}

#[derive(Deserialize)]
struct Exporters {
    exporter: Vec<Exporter>,
}

/// A service mesh, or its absence (`none`).
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of meshes.toml say what each field holds"
)]
pub struct Mesh {
    pub id: String,
    pub name: String,
    pub mtls: bool,
    pub certificates: String,
    pub l7: bool,
    pub retries: u32,
    pub retries_note: String,
    pub timeout_note: String,
    pub balancing: String,
    pub source: String,
}

/// A platform that designs still name although nobody maintains it any more.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of retired.toml say what each field holds"
)]
pub struct Retired {
    pub id: String,
    pub name: String,
    pub end: String,
    pub instead: String,
    pub source: String,
}

#[derive(Deserialize)]
struct RetiredList {
    retired: Vec<Retired>,
}

/// Something that ends a request although nobody's timeout has run out.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the entries of limits.toml say what each field holds"
)]
pub struct Limit {
    pub id: String,
    pub name: String,
    pub seconds: u64,
    pub note: String,
    pub source: String,
}

#[derive(Deserialize)]
struct Limits {
    load_balancer: Vec<Limit>,
    runtime: Vec<Limit>,
}
#[derive(Deserialize)]
struct Words {
    words: std::collections::BTreeMap<String, Vec<String>>,
}
#[derive(Deserialize)]
struct Infrastructures {
    infrastructure: Vec<Infrastructure>,
}
#[derive(Deserialize)]
struct Brokers {
    broker: Vec<Broker>,
}
#[derive(Deserialize)]
struct Gateways {
    gateway: Vec<Gateway>,
}
#[derive(Deserialize)]
struct Ports {
    port: Vec<Port>,
}
#[derive(Deserialize)]
struct Protocols {
    protocol: Vec<Wire>,
}
#[derive(Deserialize)]
struct Meshes {
    mesh: Vec<Mesh>,
}
#[derive(Deserialize)]
struct Sources {
    titles: std::collections::BTreeMap<String, String>,
}

/// The data is part of the program; a test reads all of it, so that reading cannot fail later.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("catalog data is valid")
}

static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| read(include_str!("data/numbers.toml")));
static INFRASTRUCTURES: LazyLock<Infrastructures> =
    LazyLock::new(|| read(include_str!("data/infrastructures.toml")));
static BROKERS: LazyLock<Brokers> = LazyLock::new(|| read(include_str!("data/brokers.toml")));
static GATEWAYS: LazyLock<Gateways> = LazyLock::new(|| read(include_str!("data/gateways.toml")));
static MESHES: LazyLock<Meshes> = LazyLock::new(|| read(include_str!("data/meshes.toml")));
static PORTS: LazyLock<Ports> = LazyLock::new(|| read(include_str!("data/ports.toml")));
static EXPORTERS: LazyLock<Exporters> = LazyLock::new(|| read(include_str!("data/exporters.toml")));
static PROTOCOLS: LazyLock<Protocols> = LazyLock::new(|| read(include_str!("data/protocols.toml")));
static RETIRED: LazyLock<RetiredList> = LazyLock::new(|| read(include_str!("data/retired.toml")));
static LIMITS: LazyLock<Limits> = LazyLock::new(|| read(include_str!("data/limits.toml")));
static WORDS: LazyLock<Words> = LazyLock::new(|| read(include_str!("data/words.toml")));
static SOURCES: LazyLock<Sources> = LazyLock::new(|| read(include_str!("data/sources.toml")));

/// The numbers that stand in where the author states none.
#[must_use]
pub fn numbers() -> &'static Numbers {
    &NUMBERS
}

/// The words of a spec that somebody who writes `word` may mean; empty where that is not known.
#[must_use]
pub fn meant(word: &str) -> &'static [String] {
    let plain: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    WORDS.words.get(&plain).map_or(&[], Vec::as_slice)
}

/// Every infrastructure.
#[must_use]
pub fn infrastructures() -> &'static [Infrastructure] {
    &INFRASTRUCTURES.infrastructure
}

/// Platforms at the end of their life.
#[must_use]
pub fn retired() -> &'static [Retired] {
    &RETIRED.retired
}

/// Every broker.
#[must_use]
pub fn brokers() -> &'static [Broker] {
    &BROKERS.broker
}

/// Every gateway.
#[must_use]
pub fn gateways() -> &'static [Gateway] {
    &GATEWAYS.gateway
}

/// How the protocol `name` of a call travels, where that is not HTTP.
#[must_use]
pub fn not_http(name: &str) -> Option<&'static Wire> {
    let name = name.to_ascii_lowercase();
    PROTOCOLS.protocol.iter().find(|w| w.ids.contains(&name))
}

/// Every mesh, `none` included.
#[must_use]
pub fn meshes() -> &'static [Mesh] {
    &MESHES.mesh
}

/// Where the store, broker or engine called `id` listens; `None` where that is not known.
#[must_use]
pub fn port(id: &str) -> Option<&'static Port> {
    let is = |p: &&Port| p.ids.iter().any(|i| i.eq_ignore_ascii_case(id));
    PORTS.port.iter().find(is)
}

/// What tells how full a store of the kind called `id` is; `None` where no names are known.
#[must_use]
pub fn exporter(id: &str) -> Option<&'static Exporter> {
    let is = |e: &&Exporter| e.ids.iter().any(|i| i.eq_ignore_ascii_case(id));
    EXPORTERS.exporter.iter().find(is)
}

/// Load balancers that end a request that takes too long.
#[must_use]
pub fn load_balancers() -> &'static [Limit] {
    &LIMITS.load_balancer
}

/// Runtimes that end a request that takes too long.
#[must_use]
pub fn runtimes() -> &'static [Limit] {
    &LIMITS.runtime
}

/// Ways in which services prove who they are.
pub const AUTHS: [&str; 4] = ["jwt", "mtls", "oauth2", "iam"];

/// What a source key stands for; a key that is itself a title stands for itself.
#[must_use]
pub fn source_title(key: &str) -> &str {
    SOURCES.titles.get(key).map_or(key, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_data_reads_and_refers_to_what_exists() {
        for (key, number) in numbers().all() {
            assert!(!number.why.is_empty(), "{key}");
            assert!(
                SOURCES.titles.contains_key(&number.source),
                "{key}: {}",
                number.source
            );
        }
        for l in load_balancers().iter().chain(runtimes()) {
            assert!(l.seconds > 0, "{}", l.id);
            assert!(SOURCES.titles.contains_key(&l.source), "{}", l.id);
        }
        let known: Vec<&str> = infrastructures()
            .iter()
            .map(|i| i.id.as_str())
            .chain(brokers().iter().map(|b| b.id.as_str()))
            .chain(gateways().iter().map(|g| g.id.as_str()))
            .chain(meshes().iter().map(|m| m.id.as_str()))
            .collect();
        for e in &EXPORTERS.exporter {
            for id in &e.ids {
                assert_eq!(exporter(id), Some(e), "{id} stands in two entries");
                assert!(port(id).is_some(), "{id}");
            }
        }
        for (word, ids) in &WORDS.words {
            assert!(!known.contains(&word.as_str()), "{word} needs no proposal");
            assert_eq!(meant(word), ids, "{word} is not written plainly");
            assert!(ids.iter().all(|i| known.contains(&i.as_str())), "{word}");
        }
        for b in brokers() {
            assert!(port(&b.id).is_some_and(|p| p.port > 0), "{}", b.id);
        }
        for i in infrastructures() {
            assert!(brokers().iter().any(|b| b.id == i.broker), "{}", i.id);
            assert!(gateways().iter().any(|g| g.id == i.gateway), "{}", i.id);
            assert!(meshes().iter().any(|m| m.id == i.mesh), "{}", i.id);
            assert!(AUTHS.contains(&i.auth.as_str()), "{}", i.id);
        }
    }
}
