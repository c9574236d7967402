//! Other senders: their deliveries come in by the same door as Cal.com's, verified and deduplicated,
//! and the host's own handlers take them.
//!
//! A delivery is stored before it is answered, and handled later: by a [`Worker`](super::Worker), at
//! least once, one at a time for each order key. What fails is retried on the usual schedule, and then
//! reviewed like everything else.

mod handler;
mod receive;
mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub use self::handler::{
    EventHandler, HandlerError, HandlerErrorKind, TypedEventHandler, TypedHandler,
};
pub use self::receive::SenderReceipt;
pub use self::run::{EventOutcome, EventReport};
use crate::store::TenantId;
use crate::webhook::{Sender, Verifier};

/// Who subscribes to which sender.
pub(super) type Handlers = HashMap<Sender, Arc<dyn EventHandler>>;

/// The beginning of a text, of at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| *end <= most).last();
    &text[..end.unwrap_or_default()]
}

/// What the engine knows about other senders.
#[derive(Debug)]
pub(super) struct Senders {
    handlers: Handlers,
    /// For each sender, the verifier that was used last: strangers are put off with it.
    decoys: Mutex<HashMap<Sender, Arc<dyn Verifier>>>,
    /// The tenant that was served last.
    served: Mutex<Option<TenantId>>,
    work: Notify,
}

impl Senders {
    pub(super) fn new(handlers: Handlers) -> Self {
        Self {
            handlers,
            decoys: Mutex::default(),
            served: Mutex::default(),
            work: Notify::new(),
        }
    }

    /// Wakes whoever waits for events.
    pub(super) fn nudge(&self) {
        self.work.notify_one();
    }

    pub(super) async fn nudged(&self) {
        self.work.notified().await;
    }

    fn decoys(&self) -> MutexGuard<'_, HashMap<Sender, Arc<dyn Verifier>>> {
        self.decoys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self) -> MutexGuard<'_, Option<TenantId>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
