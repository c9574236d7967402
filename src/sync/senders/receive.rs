//! Receiving the deliveries of other senders: verified, stored and acknowledged.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::cut;
use crate::model::clean_line;
use crate::store::{EventAccepted, NewSenderEvent, TenantId};
use crate::sync::engine::Engine;
use crate::sync::receive::{Receipt, ReceiveError};
use crate::webhook::{self, Sender, Verified, VerifyError};

/// Maximum length of a text by which a database looks something up, in bytes.
const MAX_NAME: usize = 255;

/// An accepted delivery of another sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderReceipt {
    /// What became of it: [`Stored`](Receipt::Stored) or [`Duplicate`](Receipt::Duplicate).
    pub receipt: Receipt,
    /// What its sender expects to be answered, also for a duplicate.
    pub status: StatusCode,
}

impl SenderReceipt {
    /// A receipt; called by implementations of [`SyncEngine`](crate::sync::SyncEngine).
    pub fn new(receipt: Receipt, status: StatusCode) -> Self {
        Self { receipt, status }
    }
}

impl Engine {
    pub(in crate::sync) async fn receive_event(
        &self,
        tenant: &TenantId,
        sender: &Sender,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<SenderReceipt, ReceiveError> {
        let limit = self.config.max_webhook_bytes;
        if body.len() > limit {
            return Err(ReceiveError::TooLarge { limit });
        }
        let known = self.host_call(self.tenants.tenant(tenant)).await;
        let known = known.map_err(ReceiveError::Store)?;
        let Some(known) = known else {
            self.put_off(sender, headers, body);
            return Err(ReceiveError::UnknownTenant);
        };
        let Some(verifier) = known.sender(sender) else {
            self.put_off(sender, headers, body);
            return Err(ReceiveError::UnknownSender);
        };
        let verified = verifier.verify(headers, body, self.clock.now());
        self.senders
            .decoys()
            .insert(sender.clone(), Arc::clone(verifier));
        let verified = verified.map_err(ReceiveError::Unverified)?;
        let fingerprint = hex::encode(Sha256::digest(body));
        let event = new_event(tenant, sender, verified, body, &fingerprint);
        let (event_id, name) = (event.event_id.clone(), event.event.clone());
        let accepted = self.store_call(self.store.accept_event(event)).await;
        let accepted = accepted.map_err(ReceiveError::Store)?;
        tracing::debug!(%tenant, %sender, fingerprint, event_id, event = name, ?accepted, "an event was taken in");
        let receipt = match accepted {
            EventAccepted::Duplicate => Receipt::Duplicate,
            EventAccepted::Stored => {
                self.senders.nudge();
                Receipt::Stored
            }
        };
        Ok(SenderReceipt::new(receipt, verifier.accepted_status()))
    }

    /// Takes as long for a tenant that does not exist, or that does not know the sender, as for one
    /// that does, or time would tell which ones do.
    fn put_off(&self, sender: &Sender, headers: &HeaderMap, body: &[u8]) {
        let decoy = self.senders.decoys().get(sender).cloned();
        let refused = match decoy {
            Some(decoy) => decoy.verify(headers, body, self.clock.now()).map(drop),
            // Nobody is known yet who could be told from a stranger.
            None => {
                let nobodys = [SecretString::from("nobody's")];
                webhook::verify(&nobodys, headers, body)
            }
        };
        let _: Result<(), VerifyError> = std::hint::black_box(refused);
    }
}

fn new_event(
    tenant: &TenantId,
    sender: &Sender,
    verified: Verified,
    body: &[u8],
    fingerprint: &str,
) -> NewSenderEvent {
    // What says no name of its own is named by its bytes.
    let event_id = match verified.event_id.as_str() {
        "" => format!("sha256:{fingerprint}"),
        id => name(id),
    };
    let event = clean_line(&verified.event);
    let event = cut(&event, MAX_NAME);
    let order_key = verified.order_key.filter(|key| !key.is_empty());
    NewSenderEvent::new(tenant.clone(), sender.clone(), event_id, event)
        .with_order_key(order_key.map(|key| name(&key)))
        .with_signed_at(verified.signed_at)
        .with_body(String::from_utf8_lossy(body).replace('\0', "\u{fffd}"))
}

/// A text as databases can look it up: one that is too long, or that no log should show, is replaced by
/// its hash. Refusing it instead would have it sent again forever.
fn name(text: &str) -> String {
    if text.len() <= MAX_NAME && clean_line(text) == text {
        text.to_owned()
    } else {
        format!("sha256:{}", hex::encode(Sha256::digest(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_that_a_database_can_look_them_up() {
        let of = |verified: Verified| {
            let (tenant, sender) = (TenantId::new("salon"), Sender::new("stripe"));
            new_event(&tenant, &sender, verified, b"a\0b\xff", "0123")
        };
        let plain = of(Verified::new("evt_1", "paid").with_order_key("cus_1".to_owned()));
        assert_eq!(plain.event_id, "evt_1");
        assert_eq!(plain.order_key.as_deref(), Some("cus_1"));
        assert_eq!(plain.body, "a\u{fffd}b\u{fffd}");
        let long = "é".repeat(200);
        let odd = of(Verified::new(&long, &long).with_order_key(long.clone()));
        assert!(odd.event_id.starts_with("sha256:") && odd.event_id.len() == 71);
        assert_eq!(odd.order_key, Some(odd.event_id));
        assert!(odd.event.len() <= MAX_NAME && long.starts_with(&odd.event));
        let empty = of(Verified::new("", "").with_order_key(String::new()));
        assert_eq!(empty.event_id, "sha256:0123");
        assert_eq!(empty.order_key, None);
        let hostile = of(Verified::new("a\0b", "a\nb"));
        assert!(hostile.event_id.starts_with("sha256:"));
        assert!(!hostile.event.contains('\n'));
    }
}
