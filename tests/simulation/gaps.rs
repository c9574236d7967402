//! Known gaps: what the engine does not do yet, and histories therefore leave out. A gap that closes fails here, and its histories
//! are let in again.

use calcom::store::{AppointmentStatus, Origin};
use calcom::sync::{Base, ConflictPolicy, Decision, Facts, Local, Remote, decide};
use chrono::DateTime;

use crate::world::wish;

/// "An answer that differs is forgotten": Cal.com answers our creation with `pending`, and before the appointment was brought to
/// that, the host renames the attendee. The name is accepted as a difference, and with it, in silence, the status.
#[test]
fn an_answer_that_differs_is_forgotten() {
    let start = DateTime::UNIX_EPOCH;
    let sent = wish(1.into(), start, 30, 0);
    let mut answered = sent.clone();
    answered.status = AppointmentStatus::Pending;
    let mut renamed = sent.clone();
    renamed.attendee.name += " Corrected";
    let base = Base::new(sent, answered.clone());
    let verdict = decide(&Facts {
        base: Some(&base),
        local: Some(Local {
            state: &renamed,
            origin: &Origin::Phone,
            updated_at: start,
            from_booking: false,
        }),
        remote: Some(Remote {
            state: &answered,
            updated_at: None,
        }),
        policy: ConflictPolicy::Review,
        follow: true,
        order: None,
    });
    assert_eq!(verdict.decision, Decision::AcceptDifference);
}
