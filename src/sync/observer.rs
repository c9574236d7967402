//! Watching the engine decide.

use std::fmt;

use super::decide::Decision;
use crate::store::{LinkId, TenantId};

/// Is told what the engine decides: for counters and for tests.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use calcom::store::{LinkId, TenantId};
/// use calcom::sync::{Decision, Observer};
///
/// #[derive(Debug, Default)]
/// struct Created(AtomicU64);
///
/// impl Observer for Created {
///     fn decided(&self, _: &TenantId, _: LinkId, decision: &Decision) {
///         if *decision == Decision::CreateBooking {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
///
/// # Contract
///
/// Called from within a turn: it returns at once, and does not panic.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// A turn has decided what to do next about a link. A turn may decide several times: after it
    /// has read the booking anew, and after each step.
    fn decided(&self, tenant: &TenantId, link: LinkId, decision: &Decision);
}
