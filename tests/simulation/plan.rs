//! What kind of world a history takes place in.

use std::time::Duration;

use calcom::testing::ServerKind;

use crate::chance::Chance;
use crate::world::Setting;

/// Who changes appointments and bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actors {
    Everybody,
    /// Nobody but the host: then no two changes can contradict each other.
    Host,
    /// Nobody but people at Cal.com: then the engine has nothing to write there.
    CalCom,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) actors: Actors,
    /// How many webhooks in a hundred arrive before the answer of the call that caused them.
    pub(crate) prompt: u32,
    /// How many webhooks in a hundred are lost for good.
    pub(crate) lost: u32,
    pub(crate) server: ServerKind,
    /// How long after its announcement a cancellation is carried out: as long as the slowest subscriber takes.
    pub(crate) lag: Duration,
    /// Both tenants are one user at Cal.com, whose webhooks go to both of them.
    pub(crate) one_user: bool,
    /// Some appointments cannot be read.
    pub(crate) poison: bool,
    /// Answers of Cal.com differ from what was asked for, now and then.
    pub(crate) strange: bool,
}

impl Plan {
    pub(crate) fn draw(setting: Setting, chance: &Chance) -> Self {
        let actors = match chance.number(0..20) {
            0..=5 => Actors::Host,
            6..=8 => Actors::CalCom,
            _ => Actors::Everybody,
        };
        let is_simulated = setting == Setting::Memory;
        // Drawn in any case, so that a seed's history is otherwise the same.
        let is_hosted = chance.percent(25);
        let is_hosted = match std::env::var("CALCOM_TEST_SERVER").as_deref() {
            Ok("hosted") => true,
            Ok("self-hosted") => false,
            Ok(other) => panic!("CALCOM_TEST_SERVER is {other:?}"),
            Err(_) => is_hosted,
        };
        let server = if is_simulated && is_hosted {
            ServerKind::hosted(Duration::from_millis(500), Duration::from_secs(45))
        } else {
            ServerKind::SelfHosted
        };
        let lags = [5, 60, 1_000, 4_000, 20_000];
        let lag = *chance.pick(&lags).unwrap();
        // The network's and the file's time is the machine's: nobody is kept waiting there.
        let lag = if is_simulated { lag } else { 5 };
        Self {
            actors,
            prompt: *chance.pick(&[0, 30, 70, 100]).unwrap(),
            lost: if setting != Setting::Http && chance.percent(20) {
                15
            } else {
                0
            },
            server,
            lag: Duration::from_millis(lag),
            one_user: chance.percent(30),
            poison: chance.percent(20),
            strange: chance.percent(25),
        }
    }

    pub(crate) fn is_hosted(&self) -> bool {
        matches!(self.server, ServerKind::Hosted { .. })
    }
}
