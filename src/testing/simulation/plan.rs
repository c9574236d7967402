//! What kind of world a history takes place in.

use std::time::Duration;

use super::chance::Chance;
use crate::testing::ServerKind;

/// How a world is reached, and by whose time it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Cal.com over loopback, with the crate's own client.
    pub(super) network: bool,
    /// The host does I/O that a stopped clock does not wait for.
    pub(super) real_io: bool,
    /// Whether the servers are hosted ones; `None` for some of either kind.
    pub(super) hosted: Option<bool>,
    /// How many processes the host has.
    pub(super) workers: usize,
    /// Whether all processes take each step at once.
    pub(super) at_once: bool,
}

impl Setting {
    /// Whether only the history moves time, so that it is a function of the seed.
    pub(super) fn is_simulated(self) -> bool {
        !self.network && !self.real_io
    }
}

/// Who changes appointments and bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actors {
    Everybody,
    /// Nobody but the host: then no two changes can contradict each other.
    Host,
    /// Nobody but people at Cal.com: then the engine has nothing to write there.
    CalCom,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) actors: Actors,
    /// How many webhooks in a hundred arrive before the answer of the call that caused them.
    pub(super) prompt: u32,
    /// How many webhooks in a hundred are lost for good.
    pub(super) lost: u32,
    /// How many changes in a hundred a host never records that does so after its write.
    pub(super) forgetting: u32,
    /// Whether the workers sweep while the history is under way.
    pub(super) sweeps: bool,
    pub(super) server: ServerKind,
    /// How long after its announcement a cancellation is carried out: as long as the slowest
    /// subscriber takes.
    pub(super) lag: Duration,
    /// Both tenants are one user at Cal.com, whose webhooks go to both of them.
    pub(super) one_user: bool,
    /// Some appointments cannot be read.
    pub(super) poison: bool,
    /// Answers of Cal.com differ from what was asked for, now and then.
    pub(super) strange: bool,
}

impl Plan {
    pub(super) fn draw(setting: Setting, chance: &Chance) -> Self {
        let actors = match chance.number(0..20) {
            0..=5 => Actors::Host,
            6..=8 => Actors::CalCom,
            _ => Actors::Everybody,
        };
        let is_simulated = setting.is_simulated();
        // Drawn in any case, so that a seed's history is otherwise the same.
        let is_hosted = chance.percent(25);
        let server = if is_simulated && setting.hosted.unwrap_or(is_hosted) {
            ServerKind::hosted(Duration::from_millis(500), Duration::from_secs(45))
        } else {
            ServerKind::SelfHosted
        };
        let lag = chance.one_of(&[5, 60, 1_000, 4_000, 20_000]);
        // The network's and the file's time is the machine's: nobody is kept waiting there.
        let lag = if is_simulated { lag } else { 5 };
        Self {
            actors,
            prompt: chance.one_of(&[0, 30, 70, 100]),
            lost: if !setting.network && chance.percent(20) {
                15
            } else {
                0
            },
            server,
            lag: Duration::from_millis(lag),
            one_user: chance.percent(30),
            poison: chance.percent(20),
            strange: chance.percent(25),
            forgetting: if chance.percent(30) { 10 } else { 0 },
            sweeps: chance.percent(40),
        }
    }

    pub(super) fn is_hosted(&self) -> bool {
        matches!(self.server, ServerKind::Hosted { .. })
    }
}
