//! 2: one live booking an appointment, one appointment a chain.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Booking, BookingUid};
use crate::store::{ChainKey, LogEvent};
use crate::sync::SYNC_KEY_METADATA;

use super::stand::Stand;
use super::trace::Promise;

impl Stand<'_> {
    /// A double that the engine made is one too many even if a person is asked about it. Those that
    /// people at Cal.com made, by moving a booking that was being moved, have to be in review.
    pub(super) async fn nothing_is_doubled(&self) {
        let mut together: BTreeMap<String, Vec<&Booking>> = BTreeMap::new();
        for booking in &self.live {
            if let Some(key) = booking.metadata_str(SYNC_KEY_METADATA) {
                together.entry(key.to_owned()).or_default().push(booking);
            }
            let link = self.link_of(&booking.uid).await;
            if let Some(id) = link.and_then(|link| link.appointment) {
                together.entry(id.to_string()).or_default().push(booking);
            }
        }
        let all = &self.all;
        for (what, live) in together {
            if live.len() < 2 {
                continue;
            }
            let uids: Vec<&BookingUid> = live.iter().map(|booking| &booking.uid).collect();
            let by_people = self.forks_of_people(all, &live);
            self.check(Promise::NothingDoubled, live.len() <= 1 + by_people, || {
                format!("{what} has {uids:?}, of which people made {by_people}")
            });
            // A later case, such as a read that was refused, takes the place of the first one and
            // names the same bookings.
            let is_told = self.open.iter().any(|item| {
                let named = &item.evidence.bookings;
                uids.iter().all(|uid| named.contains(uid))
            });
            let mut is_untold = live.iter().any(|booking| self.is_untold(booking));
            for booking in &live {
                // A person has been told, and left it at that.
                let link = self.link_of(&booking.uid).await;
                is_untold |= link.is_some_and(|link| self.was_dismissed(&link));
            }
            self.check(Promise::NothingDoubled, is_told || is_untold, || {
                format!("nobody is told that {what} has {uids:?}")
            });
        }
        self.no_chain_has_two_appointments();
    }

    /// What was replaced has ended, unless a person is asked about it.
    pub(super) async fn nothing_is_retiring(&self) {
        for entry in &self.log {
            let LogEvent::BookingReplaced { from, to, .. } = &entry.event else {
                continue;
            };
            let mut live = self.live.iter();
            if !live.any(|booking| booking.uid == *from) {
                continue;
            }
            let link = self.link_of(from).await;
            let is_told = link.is_some_and(|link| self.is_in_review(&link));
            self.check(Promise::NothingRetiring, is_told, || {
                format!("{from} was replaced by {to}, and is live")
            });
        }
    }

    /// How many bookings too many people have made: successors of bookings that already had one.
    fn forks_of_people(&self, all: &[Booking], live: &[&Booking]) -> usize {
        let ledger = &self.world.exchange.ledger;
        let chains: BTreeSet<_> = live.iter().map(|b| b.ics_uid.clone()).collect();
        let mut successors: BTreeMap<&BookingUid, Vec<&Booking>> = BTreeMap::new();
        for booking in all.iter().filter(|b| chains.contains(&b.ics_uid)) {
            if let Some(from) = &booking.rescheduled_from_uid {
                successors.entry(from).or_default().push(booking);
            }
        }
        let forks = successors.values().filter(|several| {
            let mut several = several.iter();
            several.any(|booking| ledger.was_moved_by_people(&booking.uid))
        });
        forks.map(|several| several.len() - 1).sum()
    }

    fn no_chain_has_two_appointments(&self) {
        let mut owners: BTreeMap<ChainKey, BTreeSet<String>> = BTreeMap::new();
        for (appointment, link) in &self.pairs {
            let of_link = link.as_ref().and_then(|link| link.chain.clone());
            for chain in appointment.chain.clone().into_iter().chain(of_link) {
                let ids = owners.entry(chain).or_default();
                ids.insert(appointment.id.to_string());
            }
        }
        for (chain, ids) in owners {
            self.check(Promise::NothingDoubled, ids.len() < 2, || {
                format!("{chain} has the appointments {ids:?}")
            });
        }
    }
}
