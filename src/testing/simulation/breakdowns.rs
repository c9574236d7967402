//! What breaks between the engine and Cal.com.

use std::time::Duration;

use super::coverage::Mishap;
use super::history::History;
use crate::testing::{Fault, Operation, Then};

impl History {
    pub(super) fn something_breaks(&self) {
        let chance = &self.chance;
        let operation = chance.one_of(&[
            Operation::CreateBooking,
            Operation::CreateBooking,
            Operation::Reschedule,
            Operation::Reschedule,
            Operation::Cancel,
            Operation::GetBooking,
            Operation::ListBookings,
            Operation::Slots,
        ]);
        let mut breakdowns = vec![
            (Mishap::DroppedRequest, Then::DropBeforeApplying),
            (Mishap::LostAnswer, Then::ApplyThenDrop),
            (Mishap::LostAnswer, Then::ApplyThenDrop),
            (Mishap::TruncatedAnswer, Then::TruncateBody),
            (Mishap::Throttled, Then::too_many_requests(30)),
            (Mishap::ServerError, Then::status(500)),
            (Mishap::Unavailable, Then::status(503)),
            (Mishap::HtmlOk, Then::html_page(200)),
            (Mishap::HtmlBadGateway, Then::html_page(502)),
            (Mishap::HtmlNotFound, Then::html_page(404)),
            (Mishap::Unauthorized, Then::status(401)),
        ];
        if self.world.setting.is_simulated() {
            let before = |seconds| Then::DelayBefore(Duration::from_secs(seconds));
            breakdowns.push((Mishap::SlowRequest, before(20)));
            // Beyond 45 s the engine has given the call up: it lands late.
            for seconds in [50, 50, 70, 100] {
                breakdowns.push((Mishap::LandsLate, before(seconds)));
            }
            let after = Then::DelayAfterApplying(Duration::from_secs(50));
            breakdowns.push((Mishap::SlowAnswer, after));
        }
        let Some((mishap, then)) = chance.pick(&breakdowns).cloned() else {
            return;
        };
        let (times, skipped) = (chance.number(1..4), chance.number(0..2));
        self.note(format!("fault: {operation:?} {then:?} x{times}"));
        self.world.tally.fault(mishap);
        let fault = Fault::new(operation, then).times(times);
        self.world.fake.inject(fault.skip_first(skipped));
    }
}
