//! The engine as the page needs it.

use crate::sync::{Operations, SyncEngine};

/// An engine that can be operated: everything that is both. The page holds it as `Arc<dyn Operated>`.
pub trait Operated: SyncEngine + Operations {}

impl<E: SyncEngine + Operations> Operated for E {}
