//! What a history has gone through, counted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::lock;
use crate::store::{LinkId, Resolution, ReviewReason, TenantId};
use crate::sync::{Decision, Observer, Write};

/// What a row of the [`Coverage`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CoverageKind {
    /// What people did at the host and at Cal.com.
    Act,
    /// What went wrong.
    Fault,
    /// What the engine decided.
    Decision,
    /// What the engine sent to Cal.com.
    Write,
    /// How review items ended.
    Resolution,
    /// Why review items were opened.
    Review,
}

impl CoverageKind {
    const ALL: [Self; 6] = [
        Self::Act,
        Self::Fault,
        Self::Decision,
        Self::Write,
        Self::Resolution,
        Self::Review,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Act => "acts",
            Self::Fault => "faults",
            Self::Decision => "decisions",
            Self::Write => "writes to Cal.com",
            Self::Resolution => "resolutions",
            Self::Review => "review reasons (some cannot arise here)",
        }
    }
}

/// How often everything was taken that a history can take: a table, which [`Display`](fmt::Display)
/// prints.
///
/// A row that was never taken counts 0. Only the reasons of review items appear when they first
/// occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(CoverageKind, Cow<'static, str>), u64>);

impl Default for Coverage {
    fn default() -> Self {
        let all = [
            (CoverageKind::Act, Act::ALL),
            (CoverageKind::Fault, Mishap::ALL),
            (CoverageKind::Decision, DECISIONS),
            (CoverageKind::Write, WRITES),
            (CoverageKind::Resolution, RESOLUTIONS),
        ];
        let rows = all.into_iter().flat_map(|(kind, names)| {
            let names = names.iter();
            names.map(move |name| ((kind, Cow::Borrowed(*name)), 0))
        });
        Self(rows.collect())
    }
}

impl Coverage {
    /// Adds what another history has gone through.
    pub fn merge(&mut self, other: &Self) {
        for (row, count) in &other.0 {
            *self.0.entry(row.clone()).or_default() += count;
        }
    }

    /// All rows: what is counted, its name, and how often it was taken.
    pub fn rows(&self) -> impl Iterator<Item = (CoverageKind, &str, u64)> {
        self.0
            .iter()
            .map(|((kind, name), count)| (*kind, name.as_ref(), *count))
    }

    /// How often one row was taken.
    pub fn count(&self, kind: CoverageKind, name: &str) -> u64 {
        let mut rows = self.rows();
        let found = rows.find(|(known, row, _)| *known == kind && *row == name);
        found.map_or(0, |(_, _, count)| count)
    }

    /// The rows that were taken fewer times than this. Reasons of review items do not count: some
    /// need a host or a server that is broken in other ways.
    pub fn below(&self, least: u64) -> Vec<(CoverageKind, &str, u64)> {
        let rows = self.rows();
        rows.filter(|(kind, _, count)| *kind != CoverageKind::Review && *count < least)
            .collect()
    }

    fn add(&mut self, kind: CoverageKind, name: impl Into<Cow<'static, str>>) {
        *self.0.entry((kind, name.into())).or_default() += 1;
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in CoverageKind::ALL {
            writeln!(f, "{}", kind.title())?;
            for (_, name, count) in self.rows().filter(|(known, ..)| *known == kind) {
                writeln!(f, "  {name:<44} {count:>10}")?;
            }
        }
        Ok(())
    }
}

/// Counts for one history; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<Coverage>>);

impl Tally {
    pub(super) fn act(&self, act: Act) {
        lock(&self.0).add(CoverageKind::Act, act.as_str());
    }

    pub(super) fn fault(&self, mishap: Mishap) {
        lock(&self.0).add(CoverageKind::Fault, mishap.as_str());
    }

    pub(super) fn write(&self, write: &Write) {
        lock(&self.0).add(CoverageKind::Write, name_of_write(write));
    }

    pub(super) fn resolution(&self, resolution: &Resolution) {
        lock(&self.0).add(CoverageKind::Resolution, name_of_resolution(resolution));
    }

    pub(super) fn review(&self, reason: &ReviewReason) {
        lock(&self.0).add(CoverageKind::Review, reason.as_str().to_owned());
    }

    pub(super) fn coverage(&self) -> Coverage {
        lock(&self.0).clone()
    }
}

impl Observer for Tally {
    fn decided(&self, _: &TenantId, _: LinkId, decision: &Decision) {
        lock(&self.0).add(CoverageKind::Decision, name_of_decision(decision));
    }
}

/// An enum whose every variant is a row.
macro_rules! rows {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant),+ }

        impl $name {
            const ALL: &[&str] = &[$($text),+];

            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

/// A row for every variant of an enum of the engine's: one that is added has to be named here.
macro_rules! names {
    ($list:ident, $function:ident($of:ty) { $($pattern:pat => $name:literal,)+ }) => {
        const $list: &[&str] = &[$($name),+];

        fn $function(of: &$of) -> &'static str {
            match of { $($pattern => $name),+ }
        }
    };
}

rows! {
    /// What people do.
    Act {
        HostMakes = "host: new appointment",
        HostMakesForeign = "host: new, of another tenant's event type",
        HostMoves = "host: moves",
        HostCancels = "host: cancels",
        HostRevives = "host: revives or confirms",
        HostLengthens = "host: changes the length",
        HostRenames = "host: corrects the name",
        HostGivesAway = "host: changes the attendee",
        HostChangesService = "host: changes the event type",
        HostDeclines = "host: declines",
        HostRelocates = "host: changes the location",
        HostInvites = "host: invites a guest",
        HostMovesAndRelocates = "host: moves and changes the location",
        HostReassigns = "host: changes the staff",
        HostNotesAbsence = "host: notes who did not come",
        HostTakesSeat = "host: takes a seat",
        HostMovesSeat = "host: moves a seat",
        HostGivesUpSeat = "host: gives up a seat",
        HostMovesOccurrence = "host: moves an occurrence",
        HostCancelsOccurrence = "host: cancels an occurrence",
        PeopleBook = "Cal.com: books",
        PeopleMove = "Cal.com: moves",
        PeopleCancel = "Cal.com: cancels",
        PeopleCancelSeries = "Cal.com: cancels a series",
        PeopleConfirm = "Cal.com: confirms",
        PeopleDecline = "Cal.com: declines",
        PeopleRelocate = "Cal.com: changes the location",
        PeopleInvite = "Cal.com: invites a guest",
        PeopleNoteAbsence = "Cal.com: notes who did not come",
        PeopleTakeSeat = "Cal.com: takes a seat",
        PeopleMoveSeat = "Cal.com: moves a seat",
        PeopleGiveUpSeat = "Cal.com: gives up a seat",
        PeopleCancelCourse = "Cal.com: cancels all seats",
        Sweep = "engine: sweeps in the middle of it",
    }
}

rows! {
    /// What goes wrong.
    Mishap {
        DroppedRequest = "connection dropped, nothing carried out",
        LostAnswer = "answer lost, carried out",
        TruncatedAnswer = "answer truncated",
        Throttled = "429",
        ServerError = "500",
        Unavailable = "503",
        HtmlOk = "HTML page with 200",
        HtmlBadGateway = "HTML page with 502",
        HtmlNotFound = "HTML page with 404",
        Unauthorized = "401",
        SlowRequest = "slow request",
        LandsLate = "request given up, lands late",
        SlowAnswer = "answer given up",
        Offline = "Cal.com unreachable",
        StrangeLength = "another length is booked than asked for",
        AnswerWithoutKey = "answer does not name the sync key",
        NeverCarriedOut = "announced cancellation never carried out",
        TwoSuccessors = "moved twice at once",
        WebhookLate = "webhook kept back",
        WebhookTwice = "webhook delivered again",
        WebhookLost = "webhook lost for good",
        ForgedWebhook = "webhook names another tenant's booking",
        DaysPass = "nothing happens for eight days",
        Crash = "crash between two steps",
        HandedBack = "work handed back in the middle of a turn",
        SweepCutOff = "sweep cut off",
        LeaseRunsOut = "lease runs out",
        Asleep = "process sleeps in the middle of a turn",
        SideBySide = "several workers at once",
        HostUnavailable = "host unavailable",
        HostMeddles = "host writes between read and write",
        ReplicaLags = "host's replica lags",
        NeverRecorded = "host dies before it records a change",
        RowPanics = "row that makes the host panic",
        RowUnreadable = "row that cannot be read",
    }
}

names! {
    DECISIONS, name_of_decision(Decision) {
        Decision::Nothing => "nothing",
        Decision::MoveBase => "move the base",
        Decision::AcceptDifference => "accept the difference",
        Decision::SkipNeverBooked => "skip: never booked",
        Decision::SkipOriginCalcom => "skip: origin Cal.com",
        Decision::IgnoreEnded => "ignore: ended before it was known",
        Decision::CreateBooking => "create the booking",
        Decision::Reschedule { .. } => "reschedule",
        Decision::CancelBooking => "cancel the booking",
        Decision::ConfirmBooking => "confirm the booking",
        Decision::DeclineBooking => "decline the booking",
        Decision::Rebook => "rebook",
        Decision::Reassign { .. } => "reassign",
        Decision::UpdateLocation { .. } => "change the location",
        Decision::AddGuests { .. } => "add guests",
        Decision::MarkAbsent { .. } => "mark absent",
        Decision::CreateAppointment => "create the appointment",
        Decision::UpdateAppointment { .. } => "update the appointment",
        Decision::Review(_) => "review",
    }
}

names! {
    WRITES, name_of_write(Write) {
        Write::Create(_) => "create",
        Write::Reschedule { seat: None, .. } => "reschedule",
        Write::Reschedule { .. } => "reschedule, one seat",
        Write::Cancel { seat: None, .. } => "cancel",
        Write::Cancel { .. } => "cancel, one seat",
        Write::Confirm { .. } => "confirm",
        Write::Decline { .. } => "decline",
        Write::Reassign { .. } => "reassign",
        Write::UpdateLocation { .. } => "update_location",
        Write::AddGuests { .. } => "add_guests",
        Write::MarkAbsent { .. } => "mark_absent",
    }
}

names! {
    RESOLUTIONS, name_of_resolution(Resolution) {
        Resolution::Retry => "retry",
        Resolution::TakeRemote => "take_remote",
        Resolution::ForceLocal => "force_local",
        Resolution::AcceptDifference => "accept_difference",
        Resolution::Rebook { .. } => "rebook",
        Resolution::Dismiss => "dismiss",
        Resolution::Settled => "settled by itself",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_there_before_it_is_taken() {
        let coverage = Coverage::default();
        let decisions = coverage
            .rows()
            .filter(|row| row.0 == CoverageKind::Decision);
        assert_eq!(decisions.count(), DECISIONS.len());
        assert_eq!(coverage.below(1).len(), coverage.rows().count());
    }

    #[test]
    fn what_is_taken_is_no_longer_below() {
        let tally = Tally::default();
        for _ in 0..2 {
            tally.fault(Mishap::Crash);
        }
        let (mut sum, one) = (tally.coverage(), tally.coverage());
        sum.merge(&one);
        assert_eq!(sum.count(CoverageKind::Fault, Mishap::Crash.as_str()), 4);
        let below = |least| {
            let below = sum.below(least);
            below.iter().any(|row| row.1 == Mishap::Crash.as_str())
        };
        assert!(!below(4));
        assert!(below(5));
    }

    #[test]
    fn a_reason_of_a_review_is_shown_and_not_required() {
        let tally = Tally::default();
        tally.review(&ReviewReason::SlotTaken);
        let coverage = tally.coverage();
        assert!(coverage.to_string().contains("slot_taken"));
        assert!(coverage.below(100).iter().all(|row| row.1 != "slot_taken"));
    }
}
