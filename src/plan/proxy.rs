//! What the proxies between services are told about each of them, and which one layer retries.
//!
//! A proxy judges instances where a breaker judges a call: it ejects the one that fails so often in a row
//! that the breaker would open, for as long as the breaker stays open. It does not retry: the callers do, and
//! two layers that retry multiply their attempts.

use super::Plan;
use super::figure::Figure;
use crate::catalog::numbers;
use crate::model::units::{Time, float};
use crate::model::{CallId, Party, Protocol, ServiceId};

/// Attempts that a gRPC channel makes at most, whatever its service configuration says (proposal A6).
pub const GRPC_MOST_ATTEMPTS: u32 = 5;

/// How the callers' proxies reach one service.
#[derive(Clone, Debug)]
pub struct ProxyPlan {
    /// Limit for making a connection.
    pub connect: Figure<Time>,
    /// When an instance is left out; `None` where no call has a breaker.
    pub ejection: Option<Ejection>,
}

/// When an instance is left out of balancing.
#[derive(Clone, Debug)]
pub struct Ejection {
    /// The call whose breaker it is taken from.
    pub call: CallId,
    /// Failures in a row.
    pub failures: Figure<u64>,
    /// Between two looks at who may come back.
    pub interval: Figure<Time>,
    /// How long it is left out the first time; each further time adds as much.
    pub time: Figure<Time>,
    /// The longest that it is left out.
    pub time_max: Figure<Time>,
    /// Per cent of the instances that may be left out at once.
    pub share: Figure<u64>,
}

/// What would become of one call if more than its caller's code retried.
#[derive(Clone, Debug, PartialEq)]
pub struct Retriers {
    /// The call that is tried most often.
    pub call: CallId,
    /// Attempts of the caller's code.
    pub attempts: u32,
    /// Attempts that a proxy of this mesh makes of each, unless told not to; 1 for none.
    pub mesh: u64,
    /// Attempts that a gRPC channel would make of each, by the same policy; 1 for other protocols.
    pub channel: u64,
    /// Code and mesh multiplied.
    pub with_mesh: u64,
    /// Code and channel multiplied.
    pub with_channel: u64,
    /// All of them multiplied.
    pub all: u64,
}

impl Plan<'_> {
    /// What the proxies of the callers of the service `id` are told.
    #[must_use]
    pub fn proxy(&self, id: ServiceId) -> ProxyPlan {
        let n = numbers();
        let callers = self.callers(id);
        let usual = Time::ms(1).scale(n.connect_timeout.value);
        let shortest = callers
            .iter()
            .map(|c| (self.call(*c).timeout.value, *c))
            .min();
        let connect = match shortest {
            Some((timeout, call)) if timeout < usual => Figure::derived(
                timeout,
                format!(
                    "no longer than an attempt of `{}`",
                    self.model.call_name(call)
                ),
                "derived",
            ),
            _ => super::choices::assumed(usual, &n.connect_timeout),
        };
        // Every caller's proxy is told the same: the breaker that is slowest to open speaks for all.
        let ejection = callers
            .iter()
            .filter_map(|c| self.ejection(*c))
            .max_by_key(|e| (e.failures.value, e.time.value, std::cmp::Reverse(e.call)));
        ProxyPlan { connect, ejection }
    }

    /// When the proxy of its caller leaves out an instance for one call; `None` where it has no breaker.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts of calls are small, and float to integer casts saturate"
    )]
    pub fn ejection(&self, call: CallId) -> Option<Ejection> {
        let n = numbers();
        let b = self.call(call).breaker.as_ref().ok()?;
        let failures = (b.ratio.value.0 * b.minimum.value as f64).ceil() as u64;
        let open = b.open.value;
        let longest = Time::s(1).scale(n.ejection_max.value).max(open.times(2));
        Some(Ejection {
            call,
            failures: Figure::derived(
                failures.max(1),
                format!("{} of {} calls", b.ratio.value, b.minimum.value),
                "derived",
            ),
            interval: Figure::derived(
                b.window.value.min(open),
                format!("the smaller of window {} and open {open}", b.window.value),
                "derived",
            ),
            time: Figure::derived(open, "as long as the breaker is open", "derived"),
            time_max: Figure::derived(
                longest,
                format!(
                    "the larger of {} s and 2 × {open}",
                    float(n.ejection_max.value)
                ),
                "derived",
            ),
            share: Figure::assumed(
                n.ejection_share.value as u64,
                n.ejection_share.why.clone(),
                "derived",
            ),
        })
    }

    /// The call between services that is tried most often, and what a second and third layer would make of
    /// it; `None` where every call is tried once.
    #[must_use]
    pub fn retriers(&self) -> Option<Retriers> {
        let call = self
            .model
            .call_ids()
            .filter(|id| matches!(self.model.call(*id).from, Party::Service(_)))
            .filter(|id| self.call(*id).attempts.value > 1)
            .max_by_key(|id| {
                let grpc = self.model.call(*id).protocol == Protocol::Grpc;
                (self.call(*id).attempts.value, grpc, std::cmp::Reverse(*id))
            })?;
        let attempts = self.call(call).attempts.value;
        let external = self.model.service(self.model.call(call).to).external;
        let mesh = if external {
            0
        } else {
            self.choices.mesh.retries
        };
        let mesh = u64::from(mesh).saturating_add(1);
        let channel = match self.model.call(call).protocol {
            Protocol::Grpc => u64::from(attempts.min(GRPC_MOST_ATTEMPTS)),
            _ => 1,
        };
        Some(Retriers {
            call,
            attempts,
            mesh,
            channel,
            with_mesh: u64::from(attempts).saturating_mul(mesh),
            with_channel: u64::from(attempts).saturating_mul(channel),
            all: u64::from(attempts)
                .saturating_mul(mesh)
                .saturating_mul(channel),
        })
    }
}
