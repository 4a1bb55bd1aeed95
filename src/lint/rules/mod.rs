//! One rule a file, named as its id.

/// The rule's documentation; its examples are the fixtures of the tests.
///
/// `thresholds: [("max", 3.0, "calls in a row")],` may stand at the end: name, default and unit of each
/// number that an author may set. The check reads them by `report.threshold("max")`.
macro_rules! rule {
    (
        id: $id:literal,
        severity: $severity:ident,
        section: $section:ident,
        summary: $summary:expr,
        what: $what:expr,
        why: $why:expr,
        limits: $limits:expr,
        source: $source:expr,
        $(thresholds: [$(($name:literal, $default:expr, $unit:literal)),+ $(,)?],)?
    ) => {
        pub(super) static RULE: crate::lint::Rule = crate::lint::Rule {
            id: $id,
            severity: crate::diag::Severity::$severity,
            section: crate::model::Section::$section,
            summary: $summary,
            what: $what,
            why: $why,
            limits: $limits,
            source: $source,
            thresholds: &[$($(crate::lint::Threshold {
                name: $name,
                default: $default,
                unit: $unit,
            }),+)?],
            fires: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/lints/",
                $id,
                "/fires.toml"
            )),
            quiet: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/lints/",
                $id,
                "/quiet.toml"
            )),
            check,
        };
    };
}

/// The modules, and their rules in the order of reports.
macro_rules! rules {
    ($($module:ident,)*) => {
        $(mod $module;)*
        pub(super) static ALL: &[&crate::lint::Rule] = &[$(&$module::RULE,)*];
    };
}

/// What almost every rule needs.
#[allow(unused_imports, reason = "a rule takes what it needs")]
mod prelude {
    pub(super) use crate::diag::{Fix, Severity, Span};
    pub(super) use crate::lint::facts::{Facts, Total, as_float, count, list, plural};
    pub(super) use crate::lint::report::Report;
    pub(super) use crate::lint::roles::sends_hooks;
    pub(super) use crate::model::units::{Ratio, Time, float};
    pub(super) use crate::model::{
        CallId, Party, Protocol, SagaStyle, ServiceId, Stated, Step, StoreId,
    };
    pub(super) use crate::plan::{Dependency, Idempotency, StepClass, percent};
}

/// Its limit is asked for by other rules too.
pub(super) static STORM: &crate::lint::Rule = &retry_storm::RULE;

rules! {
    sync_cycle,
    shared_database,
    timeout_missing,
    timeout_inversion,
    timeout_below_p99,
    timeout_over_platform,
    latency_slo_impossible,
    slo_above_dependencies,
    retry_storm,
    retry_nonidempotent,
    hedge_nonidempotent,
    retry_permanent,
    mesh_double_retry,
    retry_no_budget,
    retry_no_jitter,
    breaker_missing,
    breaker_never_trips,
    breaker_slow_useless,
    deadline_dropped,
    fallback_loses_data,
    n_plus_one_calls,
    chatty_pair,
    fan_out_wide,
    grpc_attempts_clamped,
    dlq_missing,
    dual_write,
    acks_none,
    durability_low,
    message_too_large,
    order_key_missing,
    ordered_too_slow,
    multi_producer,
    consumer_no_producer,
    consumer_loses_poison_message,
    consumer_not_idempotent,
    visibility_short,
    handler_sync_unbounded,
    dlq_retention,
    dlq_unalerted,
    dedupe_short,
    schema_copy_drift,
    event_unversioned,
    compat_none,
    pii_in_event,
    heartbeat_late,
    realtime_no_backplane,
    realtime_sticky,
    realtime_lossy,
    ws_duration,
    connections_over_capacity,
    path_shared_by_stream,
    auth_missing,
    jwt_checks,
    token_relay,
    trace_break,
    imperative_event,
    event_no_consumer,
    webhook_no_retry,
    saga_no_compensation,
    saga_late_compensable,
    saga_pivot_count,
    saga_retry_unsafe,
    chain_too_deep,
    bidirectional_sync,
    hub_service,
    esb_usage,
    distributed_monolith,
    nano_service,
    foreign_data_access,
    hardcoded_endpoint,
    gateway_bypass,
    unversioned_api,
    cross_team_sync,
    saga_no_deadline,
    saga_over_engine,
    saga_deadline_short,
    distributed_tx,
    secret_in_config,
    event_loop,
    check_then_act,
    missing_compensation,
    orphan_service,
    missing_owner,
    multi_owner,
    health_missing,
    single_replica_slo,
    extra_nine_missing,
    slo_low_traffic,
    retention_short,
    partitions_low,
    partitions_many,
    capacity_exceeded,
    bulkhead_undersized,
    bulkhead_overcommit,
    ratelimit_over_capacity,
    ratelimit_local,
    liveness_dependency,
    grace_too_short,
    grpc_l4_pinning,
    eol_platform,
    single_point_of_failure,
}
