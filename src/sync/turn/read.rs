//! Reading Cal.com's side: the booking, its chain, and whose it is.

use super::{Case, RemoteSide, Stop, Turn};
use crate::model::{Booking, BookingUid, clean_line, format_instant};
use crate::store::{DeliveryFate, LinkKey, ReviewReason, SyncKey};
use crate::sync::SYNC_KEY_METADATA;
use crate::sync::ownership::Ownership;
use crate::sync::review::explain;
use crate::sync::state::{chain_key, project, reason_of};

/// How many reschedules of one chain are followed in one turn, from the newest booking that is
/// known.
const MAX_CHAIN: usize = 64;

/// Where following a chain led.
enum Followed {
    /// To its newest booking.
    Head(Box<Booking>),
    /// To a booking that was met before, or nowhere.
    Nothing,
    /// To a booking with seats.
    Seats(Box<Booking>),
    /// To a booking that is not the tenant's.
    Stray(DeliveryFate),
}

impl Turn<'_> {
    /// Reads the newest booking of the link's chain, and every other one that something says is the
    /// same appointment's.
    pub(super) async fn read_remote(&mut self) -> Result<(), Stop> {
        let own = self.link.booking.clone();
        let mut starts: Vec<BookingUid> = own.iter().cloned().collect();
        let deliveries = self.claim.deliveries.iter();
        starts.extend(deliveries.filter_map(|delivery| delivery.booking.clone()));
        starts.extend(self.standing.rivals.iter().cloned());
        starts.extend(self.to_retire().cloned());
        self.seats_moved = self.reported_moves();
        starts.extend(self.look_up_moved_seats().await?);
        let found = self.look_up_pending().await?;
        starts.extend(found.into_iter().map(|booking| booking.uid));

        self.visited.clear();
        let mut heads: Vec<Booking> = Vec::new();
        for uid in starts {
            if self.visited.contains_key(&uid) {
                continue;
            }
            match self.follow(&uid).await? {
                Followed::Head(head) if heads.iter().all(|known| known.uid != head.uid) => {
                    heads.push(*head);
                }
                Followed::Head(_) | Followed::Nothing => {}
                Followed::Seats(whole) => return Err(Stop::Seats(whole)),
                Followed::Stray(_) if Some(&uid) == own.as_ref() && self.is_pair() => {
                    let message = "The appointment's booking is of an event type and a host that are not this tenant's any more. Name them for the tenant, then retry, or dismiss the item.";
                    return Err(Case::new(ReviewReason::ForeignBooking, message).into());
                }
                Followed::Stray(fate) => {
                    self.strays.insert(uid, fate);
                }
            }
        }
        self.fresh = true;
        let read = self.visited.iter();
        // What is told of a whole booking is not about one of its seats.
        let is_whole = |found: &Option<Booking>| found.as_ref().is_some_and(|b| self.is_group(b));
        let ours = read.filter(|(uid, found)| !self.strays.contains_key(*uid) && !is_whole(found));
        let ours: Vec<BookingUid> = ours.map(|(uid, _)| uid.clone()).collect();
        self.chain_uids.extend(ours);
        // Not before all is read: what stops the turn in between must leave the writes unanswered.
        let landings = self.recognize_landings();
        self.note_retired(&landings);
        self.note_moved();
        // That a booking has ended which was replaced says nothing about the appointment.
        heads.retain(|head| head.is_live() || !self.standing.retired.contains(&head.uid));
        let own = self.link.booking.clone();
        match self.choose(&heads, own.as_ref(), landings).await? {
            Some(newest) => self.take_remote(&newest),
            None => {
                self.remote = None;
                Ok(())
            }
        }
    }

    fn is_pair(&self) -> bool {
        self.standing.base.is_some()
    }

    /// Follows a chain from one of its bookings to the newest one.
    async fn follow(&mut self, start: &BookingUid) -> Result<Followed, Stop> {
        let mut uid = start.clone();
        let mut head: Option<Booking> = None;
        for _ in 0..MAX_CHAIN {
            if self.visited.contains_key(&uid) {
                return Ok(Followed::Nothing);
            }
            let found = self.booking(&uid).await?;
            self.visited.insert(uid.clone(), found.clone());
            let Some(booking) = found else {
                // A booking that points forward was not ended by it, even if its successor cannot
                // be found.
                return match head {
                    Some(_) => Err(Case::of(ReviewReason::BookingMissing).about([uid]).into()),
                    None => Ok(Followed::Nothing),
                };
            };
            match self.ownership(&booking).await? {
                Ownership::Ours => {}
                Ownership::NotSynced => {
                    return Ok(Followed::Stray(DeliveryFate::IgnoredNotSynced));
                }
                Ownership::Foreign => return Ok(Followed::Stray(DeliveryFate::RefusedForeign)),
            }
            if self.is_group(&booking) {
                if self.link.appointment.is_none() {
                    return Ok(Followed::Seats(Box::new(booking)));
                }
                // It has a link of its own, which is told.
                let occasion = booking.updated_at.map(format_instant).unwrap_or_default();
                let told = self.tell(booking.uid, None, &occasion).await;
                told.map_err(Stop::Store)?;
                return Ok(Followed::Nothing);
            }
            self.join_link_of(&booking).await?;
            let next = booking.rescheduled_to_uid.clone();
            let ended = !booking.is_live();
            match next {
                Some(next) if ended => {
                    head = Some(booking);
                    uid = next;
                }
                _ => return Ok(Followed::Head(Box::new(booking))),
            }
        }
        // Where it ends is not known, and what is known of it has ended; that must not look like
        // the end of the appointment.
        let message = format!(
            "The booking was moved more than {MAX_CHAIN} times; the newest one was not reached. Retry."
        );
        Err(Case::new(ReviewReason::BookingMissing, message).into())
    }

    async fn ownership(&self, booking: &Booking) -> Result<Ownership, Stop> {
        let is_known = self.is_pair() && self.link.booking.as_ref() == Some(&booking.uid);
        let owner = self.engine.ownership(&self.tenant, booking, is_known);
        owner.await.map_err(Stop::Host)
    }

    pub(super) async fn is_ours(&self, booking: &Booking) -> Result<bool, Stop> {
        Ok(matches!(self.ownership(booking).await?, Ownership::Ours))
    }

    /// A delivery can arrive before anything says to which link its booking belongs; the booking
    /// itself says it.
    async fn join_link_of(&self, booking: &Booking) -> Result<(), Stop> {
        if !self.claim.link.bare || self.link.appointment.is_some() {
            return Ok(());
        }
        let key = booking.metadata_str(SYNC_KEY_METADATA);
        if let Some(key) = key {
            let key = LinkKey::SyncKey(SyncKey::new(key));
            self.absorb_if_other(&key).await?;
        }
        let uids = [&booking.rescheduled_from_uid, &booking.rescheduled_to_uid];
        for uid in uids.into_iter().flatten() {
            self.absorb_if_other(&LinkKey::Booking(uid.clone())).await?;
        }
        self.absorb_if_other(&LinkKey::Chain(chain_key(booking)))
            .await
    }

    /// Takes a booking as Cal.com's side of the link.
    pub(super) fn take_remote(&mut self, booking: &Booking) -> Result<(), Stop> {
        let known = self.standing.base.as_ref().map(|base| &base.remote);
        let known = known.or(self.local.as_ref().map(|local| &local.state));
        self.chain_uids.insert(booking.uid.clone());
        self.link.booking = Some(booking.uid.clone());
        self.link.series.clone_from(&booking.recurring_booking_uid);
        let state = project(booking, known).map_err(|reason| {
            let message = match reason {
                ReviewReason::UnknownStatus => format!(
                    "The booking has the status {:?}, which this version does not know. Update the crate, then retry.",
                    clean_line(booking.status.as_str())
                ),
                _ => explain(&reason).to_owned(),
            };
            Case::new(reason, message)
        })?;
        // A seat has no key that stays the same when it moves, but that of where it was first.
        if booking.uid.seat().is_none() || self.link.chain.is_none() {
            self.link.chain = Some(chain_key(booking));
        }
        self.remote = Some(RemoteSide {
            state,
            updated_at: booking.updated_at,
            reason: reason_of(booking),
        });
        Ok(())
    }
}
