//! A process's portion of a shared rate budget, as a pure state machine that receives the time as a
//! parameter.

use std::time::Duration;

use tokio::time::Instant;

use super::rate::{Class, Terms};
use super::shared_budget::{BudgetRequest, CredentialId, Grant, Heard};

/// The reciprocal of the share of a limit that a process spends on its own while the store cannot be
/// reached.
const OWN_SHARE: u32 = 24;

/// How long a store that failed is not asked.
const REST: Duration = Duration::from_secs(5);

/// How much longer than a window a process waits before it spends the next share of its own.
const APART: Duration = Duration::from_secs(20);

/// The shortest wait after an answer without calls.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// What a call has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go, with a call of this round; without a round, with one of the process's own share.
    Go(Option<u64>),
    /// Wait, then look again.
    Wait(Duration),
    /// Ask the store for a portion.
    Ask,
}

/// What a process has of a shared budget.
#[derive(Debug, Default)]
pub(super) struct Portion {
    credential: Option<CredentialId>,
    left: u32,
    /// The round of what is left, and until when it may be spent.
    round: Option<(u64, Instant)>,
    /// When the latest round known ends.
    renews_at: Option<Instant>,
    /// Until when the store has nothing for reads, and for writes.
    closed: [Option<Instant>; 2],
    heard: Option<LastHeard>,
    offline: Option<Offline>,
    /// Calls that were made of the process's own share, and that the store does not know of.
    owed: u32,
}

#[derive(Clone, Copy, Debug)]
struct LastHeard {
    round: u64,
    terms: Terms,
}

#[derive(Clone, Copy, Debug)]
struct Offline {
    left: u32,
    renews_at: Instant,
    ask_again_at: Instant,
}

fn index(class: Class) -> usize {
    usize::from(class == Class::Write)
}

impl Portion {
    /// What a call of this class has to do. Taking is a step of its own.
    pub(super) fn next(
        &self,
        credential: &CredentialId,
        class: Class,
        waiting_writes: u32,
        now: Instant,
    ) -> Next {
        if self.credential.as_ref() != Some(credential) {
            return Next::Ask;
        }
        let kept = match class {
            Class::Write => 0,
            Class::Read => waiting_writes,
        };
        if let Some(offline) = &self.offline
            && now < offline.ask_again_at
        {
            if offline.left > kept {
                return Next::Go(None);
            }
            return Next::Wait(offline.ask_again_at - now);
        }
        if let Some((round, until)) = self.round
            && now < until
            && self.left > kept
        {
            return Next::Go(Some(round));
        }
        match self.closed[index(class)] {
            Some(until) if now < until => Next::Wait(until - now),
            _ => Next::Ask,
        }
    }

    /// Takes the call that [`next`](Self::next) found.
    pub(super) fn take(&mut self, round: Option<u64>) {
        match (round, &mut self.offline) {
            (Some(_), _) => self.left = self.left.saturating_sub(1),
            (None, Some(offline)) => {
                offline.left = offline.left.saturating_sub(1);
                self.owed += 1;
            }
            (None, None) => {}
        }
    }

    /// Takes back a call that was not sent after all.
    pub(super) fn give_back(&mut self, round: Option<u64>) {
        match (round, &mut self.offline) {
            (Some(round), _) if self.round.is_some_and(|(held, _)| held == round) => self.left += 1,
            (None, Some(offline)) => {
                offline.left += 1;
                self.owed = self.owed.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Notes what the response to a call of a round told.
    pub(super) fn hear(&mut self, round: u64, terms: Terms) {
        if self.heard.is_none_or(|heard| heard.round <= round) {
            self.heard = Some(LastHeard { round, terms });
        }
    }

    /// What to ask the store.
    pub(super) fn request(&self, class: Class, terms: &Terms, now: Instant) -> BudgetRequest {
        let mut request = BudgetRequest::new(terms.limit, terms.window);
        request.is_write = class == Class::Write;
        request.heard = self.heard.map(|LastHeard { round, terms }| Heard {
            round,
            used: terms.used,
            resets_after: terms
                .resets_after
                .map(|at| at.saturating_duration_since(now)),
            resets_within: terms.resets_within.saturating_duration_since(now),
        });
        request
    }

    /// Notes the answer to what was asked at an instant.
    pub(super) fn granted(
        &mut self,
        credential: &CredentialId,
        class: Class,
        grant: &Grant,
        asked_at: Instant,
    ) {
        if self.credential.as_ref() != Some(credential) {
            *self = Self {
                credential: Some(*credential),
                ..Self::default()
            };
        }
        self.offline = None;
        self.renews_at = Some(asked_at + grant.renews_in);
        if grant.calls == 0 {
            let until = Some(asked_at + grant.renews_in.max(SHORTEST_WAIT));
            self.closed[index(Class::Read)] = until;
            if class == Class::Write {
                self.closed[index(Class::Write)] = until;
            }
            return;
        }
        // What is left of an earlier portion of the same round may still be spent with this one,
        // unless it has lapsed.
        let left = match self.round {
            Some((round, until)) if round == grant.round && asked_at < until => self.left,
            _ => 0,
        };
        let paid = self.owed.min(grant.calls);
        self.owed -= paid;
        self.left = left + grant.calls - paid;
        let until = asked_at + grant.lasts;
        let until = match self.round {
            Some((_, earlier)) if left > 0 => until.min(earlier),
            _ => until,
        };
        self.round = Some((grant.round, until));
    }

    /// Notes that the store could not be asked.
    ///
    /// Once the round that the process knows of is over, it spends a small share of its own, and
    /// pays for it when the store is back.
    pub(super) fn failed(&mut self, credential: &CredentialId, terms: &Terms, now: Instant) {
        if self.credential.as_ref() != Some(credential) {
            *self = Self {
                credential: Some(*credential),
                ..Self::default()
            };
        }
        let ask_again_at = now + REST;
        let known_until = self.renews_at.filter(|until| now < *until);
        self.offline = Some(match (self.offline, known_until) {
            (Some(offline), _) if now < offline.renews_at => Offline {
                ask_again_at,
                ..offline
            },
            (_, Some(until)) => Offline {
                left: 0,
                renews_at: until,
                ask_again_at,
            },
            (_, None) => Offline {
                left: (terms.limit / OWN_SHARE).max(1),
                renews_at: now + terms.window + APART,
                ask_again_at,
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::client::shared_budget::BudgetState;

    const WINDOW: Duration = Duration::from_secs(60);
    const CREDENTIAL: CredentialId = CredentialId::new([7; 32]);

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// A request that is on its way to the server, or its response on its way back.
    struct OnTheWay {
        process: usize,
        round: Option<u64>,
        sent_at: Instant,
        /// When it is at the server; then, when it is back.
        at: Instant,
        way_back: Option<Duration>,
        answer: Option<Terms>,
    }

    /// Some processes with one credential, their database, and a server that counts in windows which
    /// begin with the first request.
    struct World {
        limit: u32,
        tells: bool,
        now: Instant,
        /// The database's clock, which has nothing to do with the processes'.
        clock: DateTime<Utc>,
        state: BudgetState,
        processes: Vec<Portion>,
        on_the_way: Vec<OnTheWay>,
        window: Option<(Instant, u32)>,
        counts: Vec<u32>,
        reservations: u32,
    }

    impl World {
        fn new(limit: u32, processes: usize, tells: bool) -> Self {
            Self {
                limit,
                tells,
                now: Instant::now(),
                clock: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
                state: BudgetState::default(),
                processes: (0..processes).map(|_| Portion::default()).collect(),
                on_the_way: Vec::new(),
                window: None,
                counts: Vec::new(),
                reservations: 0,
            }
        }

        fn pass(&mut self, time: Duration) {
            let until = self.now + time;
            loop {
                let next = self.on_the_way.iter().enumerate();
                let next = next.filter(|(_, request)| request.at <= until);
                let next = next.min_by_key(|(_, request)| request.at);
                let Some(index) = next.map(|(index, _)| index) else {
                    break;
                };
                let request = self.on_the_way.swap_remove(index);
                self.arrive(request);
            }
            self.now = until;
            self.clock += time;
        }

        fn arrive(&mut self, mut request: OnTheWay) {
            if let Some(answer) = request.answer {
                if let Some(round) = request.round {
                    self.processes[request.process].hear(round, answer);
                }
                return;
            }
            let at = request.at;
            let (began, count) = match self.window {
                Some((began, count)) if at < began + WINDOW => (began, count + 1),
                _ => {
                    self.counts.push(0);
                    (at, 1)
                }
            };
            self.window = Some((began, count));
            *self.counts.last_mut().unwrap() = count;
            let Some(way_back) = request.way_back else {
                return;
            };
            let heard_at = at + way_back;
            // Whole seconds, rounded up.
            let reset =
                Duration::from_secs((began + WINDOW - at).as_millis().div_ceil(1000) as u64);
            request.answer = Some(if self.tells {
                Terms {
                    limit: self.limit,
                    used: count,
                    window: WINDOW,
                    resets_after: Some(request.sent_at + reset),
                    resets_within: heard_at + reset,
                }
            } else {
                Terms {
                    limit: self.limit,
                    used: 0,
                    window: WINDOW,
                    resets_after: None,
                    resets_within: heard_at + WINDOW,
                }
            });
            request.at = heard_at;
            self.on_the_way.push(request);
        }

        /// A process makes a call, if it may. `lag` is how long the database takes.
        fn call(
            &mut self,
            process: usize,
            class: Class,
            lag: Duration,
            way: Duration,
            way_back: Option<Duration>,
        ) -> bool {
            for _ in 0..3 {
                match self.processes[process].next(&CREDENTIAL, class, 0, self.now) {
                    Next::Go(round) => {
                        self.processes[process].take(round);
                        self.on_the_way.push(OnTheWay {
                            process,
                            round,
                            sent_at: self.now,
                            at: self.now + way,
                            way_back,
                            answer: None,
                        });
                        return true;
                    }
                    Next::Wait(_) => return false,
                    Next::Ask => {
                        let asked_at = self.now;
                        let terms = Terms {
                            limit: self.limit,
                            used: 0,
                            window: WINDOW,
                            resets_after: None,
                            resets_within: asked_at + WINDOW,
                        };
                        let request = self.processes[process].request(class, &terms, asked_at);
                        self.pass(lag / 2);
                        let grant = self.state.reserve(&request, self.clock);
                        self.reservations += 1;
                        self.pass(lag / 2);
                        self.processes[process].granted(&CREDENTIAL, class, &grant, asked_at);
                    }
                }
            }
            false
        }
    }

    /// One step of a process: who, how many calls, as what, and how slow everything is.
    #[derive(Clone, Debug)]
    struct Step {
        process: usize,
        calls: u32,
        /// Everybody calls, until nobody may.
        is_burst: bool,
        is_write: bool,
        lag: u64,
        way: u64,
        way_back: Option<u64>,
        pause: u64,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Often about as long as a window.
        let pause = prop_oneof![
            3 => 0..500_u64,
            2 => 0..6_000_u64,
            2 => 53_000..66_000_u64,
            1 => 0..90_000_u64,
        ];
        let way_back = prop_oneof![2 => (10..900_u64).prop_map(Some), 1 => Just(None)];
        let is_burst = prop::bool::weighted(0.3);
        let speed = (0..300_u64, 10..900_u64, way_back, pause);
        let step = (0..4_usize, 0..4_u32, is_burst, any::<bool>(), speed);
        let step = step.prop_map(|(process, calls, is_burst, is_write, speed)| {
            let (lag, way, way_back, pause) = speed;
            Step {
                process,
                calls,
                is_burst,
                is_write,
                lag,
                way,
                way_back,
                pause,
            }
        });
        prop::collection::vec(step, 1..150)
    }

    impl World {
        fn step(&mut self, step: &Step) {
            let class = if step.is_write {
                Class::Write
            } else {
                Class::Read
            };
            let (lag, way) = (milliseconds(step.lag), milliseconds(step.way));
            let way_back = step.way_back.map(milliseconds);
            if step.is_burst {
                for process in 0..self.processes.len() {
                    while self.call(process, Class::Write, Duration::ZERO, way, way_back) {}
                }
            } else {
                for _ in 0..step.calls {
                    self.call(step.process, class, lag, way, way_back);
                }
            }
            self.pass(milliseconds(step.pause));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whoever calls when, and whatever is lost on the way: no window of the server's sees more
        /// than the limit.
        #[test]
        fn all_processes_together_stay_within_the_limit(
            limit in 1..40_u32,
            tells: bool,
            steps in steps(),
        ) {
            let mut world = World::new(limit, 4, tells);
            for step in steps {
                world.step(&step);
            }
            world.pass(2 * WINDOW);
            for count in &world.counts {
                prop_assert!(*count <= limit, "{:?} of {limit}", world.counts);
            }
        }

        /// The state machine alone: within a round, nobody is given more than the limit.
        #[test]
        fn a_round_gives_no_more_than_the_limit(
            limit in 1..130_u32,
            asked in prop::collection::vec((any::<bool>(), 0..40_000_u64), 1..200),
        ) {
            let mut state = BudgetState::default();
            let mut clock = DateTime::UNIX_EPOCH;
            let mut given = std::collections::BTreeMap::<u64, u32>::new();
            for (is_write, pause) in asked {
                let mut request = BudgetRequest::new(limit, WINDOW);
                request.is_write = is_write;
                let grant = state.reserve(&request, clock);
                *given.entry(grant.round).or_default() += grant.calls;
                clock += milliseconds(pause);
            }
            prop_assert!(given.values().all(|calls| *calls <= limit), "{given:?}");
        }
    }

    #[test]
    fn busy_processes_use_most_of_the_limit_and_seldom_ask() {
        for tells in [true, false] {
            let mut world = World::new(120, 4, tells);
            let mut sent = 0;
            for _ in 0..6_000 {
                for process in 0..4 {
                    let back = Some(milliseconds(50));
                    let (lag, way) = (milliseconds(4), milliseconds(50));
                    sent += u32::from(world.call(process, Class::Write, lag, way, back));
                }
                world.pass(milliseconds(100));
            }
            assert!(
                world.counts.iter().all(|count| *count <= 120),
                "{:?}",
                world.counts
            );
            // Ten minutes.
            assert!(sent > 1_050, "{sent} calls, {tells}");
            assert!(
                world.reservations < sent / 3,
                "{} for {sent}",
                world.reservations
            );
        }
    }

    #[test]
    fn a_portion_lapses_until_a_response_has_told_of_the_window() {
        let mut world = World::new(120, 1, true);
        let (none, some) = (Duration::ZERO, milliseconds(50));
        assert!(world.call(0, Class::Read, none, some, Some(some)));
        world.pass(Duration::from_secs(6));
        assert!(world.call(0, Class::Read, none, some, Some(some)));
        assert_eq!(world.reservations, 2, "the first portion has lapsed");
        world.pass(Duration::from_secs(20));
        assert!(world.call(0, Class::Read, none, some, Some(some)));
        assert_eq!(
            world.reservations, 2,
            "the second lasts until the window ends"
        );
    }

    #[test]
    fn a_block_is_for_everybody_and_ends() {
        let clock = DateTime::UNIX_EPOCH;
        let mut state = BudgetState::default();
        state.block(Duration::from_secs(30), clock);
        let request = BudgetRequest::new(120, WINDOW).for_write();
        let grant = state.reserve(&request, clock);
        assert_eq!((grant.calls, grant.renews_in), (0, Duration::from_secs(30)));
        let later = clock + Duration::from_secs(30);
        assert_eq!(state.reserve(&request, later).calls, 10);
    }

    #[test]
    fn reads_leave_a_tenth_to_writes() {
        let clock = DateTime::UNIX_EPOCH;
        let mut state = BudgetState::default();
        let read = BudgetRequest::new(120, WINDOW);
        let reads: u32 = (0..100).map(|_| state.reserve(&read, clock).calls).sum();
        assert_eq!(reads, 108);
        let write = read.for_write();
        let writes: Vec<u32> = (0..13)
            .map(|_| state.reserve(&write, clock).calls)
            .collect();
        assert_eq!(writes, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    }

    #[test]
    fn what_others_have_used_is_spent() {
        let clock = DateTime::UNIX_EPOCH;
        let mut state = BudgetState::default();
        let request = BudgetRequest::new(120, WINDOW).for_write();
        let round = state.reserve(&request, clock).round;
        let heard = Heard::new(round, 118, Some(WINDOW), WINDOW);
        let given: u32 = (0..5)
            .map(|_| state.reserve(&request.with_heard(heard), clock).calls)
            .sum();
        assert_eq!(given, 2);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nobody_for_long() {
        let clock = DateTime::UNIX_EPOCH + TimeDelta::days(2);
        let mut state = BudgetState::default();
        let request = BudgetRequest::new(1, WINDOW).for_write();
        state.reserve(&request, clock);
        let grant = state.reserve(&request, clock - TimeDelta::days(1));
        assert!(grant.renews_in <= Duration::from_secs(80), "{grant:?}");
    }

    #[test]
    fn without_the_store_a_small_share_is_spent_after_the_known_round() {
        let start = Instant::now();
        let mut portion = Portion::default();
        let terms = Terms {
            limit: 120,
            used: 0,
            window: WINDOW,
            resets_after: None,
            resets_within: start + WINDOW,
        };
        let mut state = BudgetState::default();
        let request = portion.request(Class::Write, &terms, start);
        let grant = state.reserve(&request, DateTime::UNIX_EPOCH);
        portion.granted(&CREDENTIAL, Class::Write, &grant, start);
        let spend = |portion: &mut Portion, now| {
            let mut calls = 0;
            loop {
                match portion.next(&CREDENTIAL, Class::Write, 0, now) {
                    Next::Go(round) => portion.take(round),
                    Next::Wait(_) => return calls,
                    Next::Ask => portion.failed(&CREDENTIAL, &terms, now),
                }
                calls += u32::from(portion.offline.is_none_or(|offline| offline.left > 0));
                assert!(calls < 100);
            }
        };
        let _ = spend(&mut portion, start);
        assert_eq!(portion.owed, 0, "the known round is not over");
        let over = start + grant.renews_in;
        let _ = spend(&mut portion, over);
        assert_eq!(portion.owed, 5);
        for second in 1..79 {
            let _ = spend(&mut portion, over + Duration::from_secs(second));
        }
        assert_eq!(portion.owed, 5, "one share a window");
        // The store is back, and is paid.
        let now = over + Duration::from_secs(79);
        let grant = state.reserve(&request, DateTime::UNIX_EPOCH + TimeDelta::days(1));
        portion.granted(&CREDENTIAL, Class::Write, &grant, now);
        assert_eq!((portion.left, portion.owed), (5, 0));
    }
}
