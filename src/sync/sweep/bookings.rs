//! Cal.com's side of a sweep: the bookings that were updated lately.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::compare::{BookingSays, Books, FoundBy, booking_says};
use super::report::{Failure, SweepStop};
use super::walk::Walk;
use super::{Sweep, back, count, span};
use crate::model::{Booking, BookingUid, format_instant};
use crate::store::{Accepted, DeliveryClaim, Link, LinkKey, NewDelivery, NoticeSource, SyncKey};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::engine::SyncEngine;
use crate::sync::ownership::Ownership;
use crate::sync::seats::group_of;
use crate::sync::standing::Standing;
use crate::sync::state::chain_key;

/// How many of a sweep's own notices are remembered, to give none twice.
const MAX_TOLD: usize = 10_000;

impl Sweep<'_> {
    /// Compares what was updated since the last sweep.
    pub(super) async fn read_bookings(&mut self) -> Result<(), Failure> {
        let config = &self.engine.config;
        let overlap = span(config.sweep_overlap);
        let now = self.lease.now;
        let until = whole_millis(back(now, config.webhook_lag));
        let from = match self.cursor.seen {
            Some(seen) => back(seen, config.sweep_overlap),
            None => back(now, config.sweep_window_past),
        };
        let mut walk = Walk::new(whole_millis(from), until);
        while let Some(query) = walk.query() {
            let page = self.tenant.calendar.bookings_page(&query);
            let page = self.engine.calendar_call(page).await;
            let page = page.map_err(Failure::Calendar)?;
            let met = walk.take(page);
            self.report.bookings_read += count(met.len());
            for booking in met {
                self.compare_booking(&booking).await?;
            }
            if let Some(reached) = walk.reached() {
                self.cursor.advance(reached, overlap);
            }
            self.advance().await?;
        }
        if walk.has_gaps() {
            self.report.stopped.push(SweepStop::Gaps);
        }
        Ok(())
    }

    /// The link that a delivery about the booking would go to.
    async fn link_of(&self, booking: &Booking) -> Result<Option<(Link, FoundBy)>, Failure> {
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
            if let Some(link) = self.find(key).await? {
                return Ok(Some((link, found_by)));
            }
        }
        Ok(None)
    }

    async fn compare_booking(&mut self, booking: &Booking) -> Result<(), Failure> {
        let known = self.link_of(booking).await?;
        let group = Some(group_of(&booking.uid));
        let is_group = known.as_ref().is_some_and(|(link, _)| link.series == group);
        if booking.is_seated() || is_group {
            // Its seats are compared by their own turns.
            let owner = self.engine.ownership(self.tenant, booking, is_group);
            if owner.await.map_err(Failure::Host)? != Ownership::Ours {
                return Ok(());
            }
            let claim = DeliveryClaim::default();
            let notice = self.notice_of(booking, booking.uid.clone(), None, claim);
            return self.tell(booking.updated_at, notice).await;
        }
        let standing = known.as_ref().and_then(|(link, _)| Standing::of(link).ok());
        let books = known.as_ref().map(|(link, found_by)| Books {
            link,
            standing: standing.as_ref(),
            found_by: *found_by,
        });
        let link = known.as_ref().map(|(link, _)| link);
        let notice = match booking_says(booking, books) {
            BookingSays::Nothing => return Ok(()),
            BookingSays::Look(claim) => {
                let from = booking.rescheduled_from_uid.clone();
                self.notice_of(booking, booking.uid.clone(), from, claim)
            }
            BookingSays::LookAhead(next) => {
                if self.find(LinkKey::Booking(next.clone())).await?.is_some() {
                    return Ok(());
                }
                let from = link.and_then(|link| link.booking.clone());
                self.notice_of(booking, next, from, DeliveryClaim::default())
            }
        };
        let is_known = link.is_some_and(|link| link.booking.as_ref() == Some(&booking.uid));
        let is_known = is_known && standing.is_some_and(|standing| standing.base.is_some());
        let owner = self.engine.ownership(self.tenant, booking, is_known);
        if owner.await.map_err(Failure::Host)? != Ownership::Ours {
            return Ok(());
        }
        self.tell(booking.updated_at, notice).await
    }

    /// A delivery that says *look here*. It holds nothing that identifies a person.
    fn notice_of(
        &self,
        met: &Booking,
        about: BookingUid,
        from: Option<BookingUid>,
        claim: DeliveryClaim,
    ) -> NewDelivery {
        let updated_at = met.updated_at.map(format_instant);
        let mut fingerprint = Sha256::new_with_prefix("calcom sweep\n");
        for part in [
            about.as_str(),
            updated_at.as_deref().unwrap_or_default(),
            met.status.as_str(),
            &format_instant(met.start),
        ] {
            fingerprint.update(part.as_bytes());
            fingerprint.update(b"\n");
        }
        let tenant = self.lease.tenant.clone();
        let mut notice = NewDelivery::new(tenant, fingerprint.finalize().into(), "");
        notice.source = NoticeSource::Sweep;
        notice.sync_key = met.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
        notice.booking = Some(about);
        notice.rescheduled_from = from;
        notice.claim = claim;
        notice
    }

    /// Gives a notice, unless it was given before.
    async fn tell(
        &mut self,
        updated_at: Option<DateTime<Utc>>,
        notice: NewDelivery,
    ) -> Result<(), Failure> {
        let at = updated_at.unwrap_or(self.lease.now).timestamp_millis();
        let [a, b, c, d, e, f, g, h, ..] = notice.fingerprint;
        let token = (at, u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        let about = notice.booking.clone();
        let is_told = about.as_ref().is_some_and(|uid| self.told.contains(uid));
        if is_told || self.cursor.has_told(token) {
            return Ok(());
        }
        let accepted = self.engine.store.accept(notice);
        let accepted = self.engine.store_call(accepted).await;
        if accepted.map_err(Failure::Store)? == Accepted::Stored {
            self.report.notices_given += 1;
            self.engine.nudge();
        }
        self.cursor.tell(token);
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        self.told.extend(about);
        Ok(())
    }
}

/// An instant as precise as Cal.com keeps it.
fn whole_millis(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.timestamp_millis()).unwrap_or(instant)
}
