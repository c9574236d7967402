//! What a sweep, an audit and a rebuild have in common: which link a booking or an appointment
//! belongs to, and the notices that they put into the inbox and the outbox.

use sha2::{Digest, Sha256};

use super::SYNC_KEY_METADATA;
use super::engine::Engine;
use super::state::chain_key;
use super::sync_engine::SyncEngine;
use crate::model::{Booking, BookingUid, format_instant};
use crate::store::{
    Accepted, Appointment, Change, DeliveryClaim, Link, LinkKey, NewDelivery, NoticeSource, Page,
    StoreError, SyncKey, TenantId,
};

/// How many recorded changes of an appointment are read at a time.
const CHANGES: u32 = 100;

/// How the link of a booking was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundBy {
    /// By the booking's own uid.
    Uid,
    /// By the uid of the booking that it replaced.
    Predecessor,
    /// By its sync key or its chain.
    Chain,
}

impl Engine {
    /// The link that a delivery about the booking would go to.
    pub(super) async fn link_of_booking(
        &self,
        tenant: &TenantId,
        booking: &Booking,
    ) -> Result<Option<(Link, FoundBy)>, StoreError> {
        let own = LinkKey::Booking(booking.uid.clone());
        let before = booking.rescheduled_from_uid.clone();
        let sync_key = booking.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
        let keys = [
            Some((own, FoundBy::Uid)),
            before.map(|uid| (LinkKey::Booking(uid), FoundBy::Predecessor)),
            sync_key.map(|key| (LinkKey::SyncKey(key), FoundBy::Chain)),
            Some((LinkKey::Chain(chain_key(booking)), FoundBy::Chain)),
        ];
        for (key, found_by) in keys.into_iter().flatten() {
            if let Some(link) = self.find_link(tenant, key).await? {
                return Ok(Some((link, found_by)));
            }
        }
        Ok(None)
    }

    /// The link that a change of the appointment would go to, or be led to by its chain.
    pub(super) async fn link_of_appointment(
        &self,
        tenant: &TenantId,
        appointment: &Appointment,
    ) -> Result<Option<Link>, StoreError> {
        let own = LinkKey::Appointment(appointment.id.clone());
        if let Some(link) = self.find_link(tenant, own).await? {
            return Ok(Some(link));
        }
        match appointment.chain.clone() {
            Some(chain) => self.find_link(tenant, LinkKey::Chain(chain)).await,
            None => Ok(None),
        }
    }

    pub(super) async fn find_link(
        &self,
        tenant: &TenantId,
        key: LinkKey,
    ) -> Result<Option<Link>, StoreError> {
        self.store_call(self.store.find(tenant, &key)).await
    }

    /// Whether the appointment's revision is in the outbox: then it waits, or a turn has seen it.
    pub(super) async fn is_recorded(
        &self,
        tenant: &TenantId,
        appointment: &Appointment,
    ) -> Result<bool, StoreError> {
        let mut page = Page::first(CHANGES);
        loop {
            let changes = self.store.changes(tenant, &appointment.id, page);
            let changes = self.store_call(changes).await?;
            let mut revisions = changes.iter().map(|(row, _)| row.change.revision);
            if revisions.any(|revision| revision == appointment.revision) {
                return Ok(true);
            }
            let Some((last, _)) = changes.last() else {
                return Ok(false);
            };
            page = Page::after(last.id, CHANGES);
        }
    }

    /// Records a change that the host did not.
    pub(super) async fn record_found(
        &self,
        tenant: &TenantId,
        appointment: &Appointment,
    ) -> Result<(), StoreError> {
        let change = Change::new(
            tenant.clone(),
            appointment.id.clone(),
            appointment.revision,
            appointment.origin.clone(),
            appointment.updated_at,
        );
        let change = change.with_source(NoticeSource::Sweep);
        self.store_call(self.store.record(&change)).await?;
        self.nudge();
        Ok(())
    }

    /// Puts a notice into the inbox; returns whether it was not waiting there already.
    pub(super) async fn give_notice(&self, notice: NewDelivery) -> Result<bool, StoreError> {
        let accepted = self.store_call(self.store.accept(notice)).await?;
        let is_new = accepted == Accepted::Stored;
        if is_new {
            self.nudge();
        }
        Ok(is_new)
    }
}

/// A delivery that says *look here*, at `about`. It holds nothing that identifies a person.
pub(super) fn notice_of(
    tenant: &TenantId,
    met: &Booking,
    about: BookingUid,
    from: Option<BookingUid>,
    claim: DeliveryClaim,
) -> NewDelivery {
    let updated_at = met.updated_at.map(format_instant);
    let parts = [
        about.as_str(),
        updated_at.as_deref().unwrap_or_default(),
        met.status.as_str(),
        &format_instant(met.start),
    ];
    let mut notice = NewDelivery::new(tenant.clone(), fingerprint(&parts), "");
    notice.source = NoticeSource::Sweep;
    notice.sync_key = met.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
    notice.booking = Some(about);
    notice.rescheduled_from = from;
    notice.claim = claim;
    notice
}

/// A delivery that says *look here*, at a booking that could not be read.
pub(super) fn notice_of_missing(tenant: &TenantId, about: BookingUid) -> NewDelivery {
    let mut notice = NewDelivery::new(tenant.clone(), fingerprint(&[about.as_str()]), "");
    notice.source = NoticeSource::Sweep;
    notice.booking = Some(about);
    notice
}

fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut fingerprint = Sha256::new_with_prefix("calcom sweep\n");
    for part in parts {
        fingerprint.update(part.as_bytes());
        fingerprint.update(b"\n");
    }
    fingerprint.finalize().into()
}

/// The uid by which Cal.com knows a booking, or the one that a seat belongs to.
pub(super) fn whole_of(uid: &BookingUid) -> BookingUid {
    uid.seat().map_or_else(|| uid.clone(), |(whole, _)| whole)
}
