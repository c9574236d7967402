//! The parent: it plays Cal.com, and starts and kills the salon's process.

use std::fmt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use calcom::sync::SyncConfig;
use calcom::testing::FakeCalcom;
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

use crate::books::Premises;
use crate::cal_com::{self, ChangedThere, Within};
use crate::chance::Chance;
use crate::child::{CHANGES, LISTENS, Orders, REBOOKS, TAKES};
use crate::doorman::Doorman;
use crate::salon::{LaterClock, Salon, opening};
use crate::verdict::{self, Changed};

/// How long a process may take until it listens, on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// How long the right moment for a kill is waited for.
const MOMENT_WITHIN: Duration = Duration::from_millis(400);

/// How long after a kill the next process starts: before the dead one's lease is over, after it, or after nothing that was
/// sent can take effect any more.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(130),
    Duration::from_secs(11 * 60),
];

/// What a run has seen.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) kills: u32,
    pub(crate) kills_at_start: u32,
    pub(crate) kills_in_requests: u32,
    pub(crate) kills_before_answers: u32,
    pub(crate) changes: u32,
    pub(crate) rebooks: u32,
    pub(crate) lost_webhooks: u32,
    pub(crate) verdict: String,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills: {} while starting, {} before Cal.com carried a write out, {} before it answered one; {} changes, {} of them \
             rebooks; {} webhooks lost; {}",
            self.kills,
            self.kills_at_start,
            self.kills_in_requests,
            self.kills_before_answers,
            self.changes,
            self.rebooks,
            self.lost_webhooks,
            self.verdict
        )
    }
}

struct Parent {
    premises: Premises,
    fake: Arc<FakeCalcom>,
    salon: Salon,
    clock: LaterClock,
    doorman: Doorman,
    chance: Chance,
    /// What each process said.
    said: Vec<JoinHandle<Vec<String>>>,
    people: JoinSet<ChangedThere>,
    /// What people changed at Cal.com.
    changed: Changed,
    history: History,
}

pub(crate) async fn run(premises: Premises, seed: u64, times: u32) -> History {
    let clock = LaterClock::default();
    let (fake, types) = cal_com::start(seed, &clock).await;
    let (doorman, url) = Doorman::start().await;
    cal_com::subscribe(&fake, url);
    let salon = Salon {
        place: premises.place(),
        base_url: fake.base_url().to_string(),
        api_key: fake.api_key().expose_secret().to_owned(),
        host: fake.host_id(),
        types,
        opens: opening(&clock),
    };
    let mut parent = Parent {
        premises,
        fake: Arc::new(fake),
        salon,
        clock,
        doorman,
        chance: Chance::with_seed(seed),
        said: Vec::new(),
        people: JoinSet::new(),
        changed: Changed::default(),
        history: History::default(),
    };
    for life in 0..times {
        parent.live_and_die(life).await;
    }
    parent.finish(times).await
}

impl Parent {
    async fn live_and_die(&mut self, life: u32) {
        let mut process = self.start(life);
        if self.chance.percent(8) {
            let soon = self.chance.number(0..40);
            tokio::time::sleep(Duration::from_millis(soon.into())).await;
            self.history.kills_at_start += 1;
        } else {
            self.wait_until_it_listens(&mut process).await;
            self.people_act(life);
            self.wait_for_the_moment().await;
        }
        process.start_kill().unwrap();
        let status = process.wait().await.unwrap();
        // It has not ended in any other way.
        assert_eq!(status.code(), None, "life {life} ended by itself: {status}");
        self.history.kills += 1;
        self.doorman.lead_to(0);
        self.fake.clear_faults();
        while let Some(changed) = self.people.join_next().await {
            self.changed.there(changed.unwrap());
        }
        // What happens while no process lives, nobody is told.
        if self.chance.percent(20) {
            let mark = format!("n{life}");
            let chance = &mut self.chance;
            let changed = cal_com::somebody_acts(&self.fake, &self.salon, chance, &mark).await;
            self.changed.there(changed);
        }
        let pause = *self.chance.pick(&PAUSES).unwrap();
        if pause > SyncConfig::default().late_landing {
            cal_com::carry_out_what_was_sent(&self.fake).await;
        }
        self.clock.advance(pause);
        self.premises.pass(pause).await;
    }

    fn start(&mut self, life: u32) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let orders = Orders {
            salon: self.salon.clone(),
            life,
            seed: self.chance.seed(),
            later: self.clock.later().num_milliseconds(),
        };
        orders.give_to(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.kill_on_drop(true).spawn().unwrap()
    }

    /// Reads what the process says; what it has changed is read to the end, also when it is killed.
    async fn wait_until_it_listens(&mut self, process: &mut Child) {
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(STARTS_WITHIN, lines.next_line()).await;
        let first = first.expect("the process does not start").unwrap();
        let first = first.expect("the process ends before it listens");
        let port = first.strip_prefix(LISTENS).unwrap().parse().unwrap();
        self.doorman.lead_to(port);
        self.said.push(tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = lines.next_line().await {
                said.push(line);
            }
            said
        }));
    }

    /// Cal.com waits for the receiver, so that the people do not keep the kill waiting.
    fn people_act(&mut self, life: u32) {
        for number in 0..self.chance.number(0..3) {
            let (fake, salon) = (self.fake.clone(), self.salon.clone());
            let mut chance = Chance::with_seed(self.chance.seed());
            let mark = format!("c{life}-{number}");
            let pause = Duration::from_millis(chance.number(0..120).into());
            self.people.spawn(async move {
                tokio::time::sleep(pause).await;
                cal_com::somebody_acts(&fake, &salon, &mut chance, &mark).await
            });
        }
    }

    /// Any moment, or one in the middle of a call.
    async fn wait_for_the_moment(&mut self) {
        let within = match self.chance.number(0..10) {
            0..=2 => Within::Request,
            3..=5 => Within::Answer,
            _ => {
                let some = self.chance.number(0..250);
                return tokio::time::sleep(Duration::from_millis(some.into())).await;
            }
        };
        let since = self.fake.writes().len();
        cal_com::slow_down(&self.fake, within);
        let patience = tokio::time::Instant::now() + MOMENT_WITHIN;
        while tokio::time::Instant::now() < patience {
            if cal_com::is_waiting(&self.fake, since, within) {
                match within {
                    Within::Request => self.history.kills_in_requests += 1,
                    Within::Answer => self.history.kills_before_answers += 1,
                }
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// One more process, which nobody kills.
    async fn finish(mut self, times: u32) -> History {
        for said in std::mem::take(&mut self.said) {
            for line in said.await.unwrap() {
                let is_rebook = line.starts_with(REBOOKS);
                self.history.changes += 1;
                self.history.rebooks += u32::from(is_rebook);
                let known = [REBOOKS, CHANGES, TAKES];
                let known = known.into_iter().find(|word| line.starts_with(*word));
                let word = known.unwrap_or_else(|| panic!("a process says {line}"));
                if word != TAKES {
                    self.changed.here.insert(line[word.len()..].to_owned());
                }
            }
        }
        let changed = std::mem::take(&mut self.changed);
        let judged = verdict::judge(&self.fake, &self.salon, &self.clock, &self.doorman, changed);
        self.history.verdict = judged.await;
        self.history.lost_webhooks = self.doorman.lost();
        self.history.is_worth_something(times);
        self.fake.shutdown().await;
        self.history
    }
}

impl History {
    /// The test has tried what it is for.
    fn is_worth_something(&self, times: u32) {
        assert_eq!(self.kills, times);
        assert!(self.kills_in_requests >= times / 20, "{self}");
        assert!(self.kills_before_answers >= times / 20, "{self}");
        // On a busy machine not every life comes to one.
        assert!(self.changes * 4 >= times * 3, "{self}");
        assert!(self.rebooks * 4 >= self.changes, "{self}");
        assert!(self.lost_webhooks >= times / 20, "{self}");
    }
}
