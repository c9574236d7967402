//! What the handle, the server and the tasks have in common.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures_util::future::join_all;
use http::Method;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::answer::{Answer, Refusal, Reply, Step};
use super::cancel::Cancellation;
use super::delivery::Draft;
use super::fault::{Script, Then};
use super::history::{Delivery, RecordedRequest, RequestOutcome};
use super::kind::ServerKind;
use super::notice::Notice;
use super::request::{Operation, Request};
use super::state::{Arrival, State};
use crate::ambient::Clock;

/// How a fake goes about its work.
pub(super) struct Setup {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) kind: ServerKind,
    pub(super) processing_time: Duration,
    pub(super) cancellation_lag: Duration,
    pub(super) has_control_api: bool,
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) script: Mutex<Script>,
    pub(super) requests: Mutex<Vec<RecordedRequest>>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    /// What is still to be written into deliveries.
    pub(super) drafts: Mutex<Vec<Draft>>,
    pub(super) clock: ShiftedClock,
    pub(super) kind: ServerKind,
    pub(super) processing_time: Duration,
    pub(super) cancellation_lag: Duration,
    pub(super) has_control_api: bool,
    pub(super) http: reqwest::Client,
    pub(super) address: SocketAddr,
    /// Requests being carried out and webhooks on their way; `None` once all was shut down.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("address", &self.address)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A clock that can be moved ahead of the one that it goes by.
#[derive(Debug)]
pub(super) struct ShiftedClock {
    clock: Arc<dyn Clock>,
    shift: Mutex<Duration>,
}

impl ShiftedClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shift: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        let shift = TimeDelta::from_std(*lock(&self.shift)).ok();
        let shifted = shift.and_then(|shift| now.checked_add_signed(shift));
        shifted.unwrap_or(now)
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut shift = lock(&self.shift);
        *shift = shift.saturating_add(by);
    }
}

/// Locks; what a panic in a test left behind is still good enough to look at.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes back to whoever asked.
pub(super) struct Response {
    pub(super) answer: Answer,
    pub(super) truncated: bool,
}

impl Shared {
    pub(super) fn new(
        state: State,
        setup: Setup,
        http: reqwest::Client,
        address: SocketAddr,
    ) -> Self {
        Self {
            state: Mutex::new(state),
            script: Mutex::default(),
            requests: Mutex::default(),
            deliveries: Mutex::default(),
            drafts: Mutex::default(),
            clock: ShiftedClock::new(setup.clock),
            kind: setup.kind,
            processing_time: setup.processing_time,
            cancellation_lag: setup.cancellation_lag,
            has_control_api: setup.has_control_api,
            http,
            address,
            tasks: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// Runs a task that ends with the fake.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = lock(&self.tasks).as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }

    /// The tasks, to be ended; none can be begun from then on.
    pub(super) fn take_tasks(&self) -> Option<JoinSet<()>> {
        lock(&self.tasks).take()
    }

    pub(super) fn was_shut_down(&self) -> bool {
        lock(&self.tasks).is_none()
    }

    /// Carries out a request from outside, with the faults that are scripted for it. `None`: no
    /// answer.
    pub(super) async fn receive(self: Arc<Self>, request: Request) -> Option<Response> {
        let operation = request.operation();
        let number = {
            let mut requests = lock(&self.requests);
            requests.push(RecordedRequest::new(&request, self.clock.now()));
            requests.len() - 1
        };
        let ended = |outcome| lock(&self.requests)[number].outcome = outcome;
        let fault = lock(&self.script).strike(operation, None);
        match &fault {
            Some(Then::DropBeforeApplying) => {
                ended(RequestOutcome::Dropped);
                return None;
            }
            Some(Then::Answer {
                status,
                headers,
                body,
            }) => {
                ended(RequestOutcome::Answered(*status));
                return Some(Response {
                    answer: Answer {
                        status: *status,
                        headers: headers.clone(),
                        body: body.clone(),
                    },
                    truncated: false,
                });
            }
            Some(Then::DelayBefore(delay)) => tokio::time::sleep(*delay).await,
            _ => {}
        }
        if request.method == Method::OPTIONS {
            ended(RequestOutcome::Answered(204));
            return Some(Response {
                answer: Answer::to_preflight(),
                truncated: false,
            });
        }
        let mut headers = Vec::new();
        let (arrival, result) = self
            .process(operation, |state, arrival| {
                lock(&self.requests)[number].applied = true;
                state.serve(arrival, &request, &mut headers)
            })
            .await;
        let mut answer = Answer::to_request(result, headers, arrival.now, &request.target);
        if request.method == Method::HEAD {
            answer.body = Bytes::new();
        }
        match fault {
            Some(Then::ApplyThenDrop) => {
                ended(RequestOutcome::Dropped);
                return None;
            }
            Some(Then::DelayAfterApplying(delay)) => tokio::time::sleep(delay).await,
            _ => {}
        }
        ended(RequestOutcome::Answered(answer.status));
        Some(Response {
            answer,
            truncated: fault == Some(Then::TruncateBody),
        })
    }

    /// Processes a request: checks it, notifies the subscribers, and carries it out before or after
    /// that.
    pub(super) async fn process(
        self: &Arc<Self>,
        operation: Operation,
        run: impl FnOnce(&mut State, Arrival) -> Result<Step, Refusal>,
    ) -> (Arrival, Result<Reply, Refusal>) {
        let (arrival, step, notices) = self.run(operation, run).await;
        let result = match step {
            Ok(Step::Announced(cancellation)) if self.kind.is_hosted() => {
                let result = self.carry_out_cancellation(&cancellation);
                self.tell(operation, notices).await;
                result
            }
            Ok(Step::Announced(cancellation)) => self.conclude(notices, cancellation).await,
            Ok(Step::Done(reply)) => {
                self.tell(operation, notices).await;
                Ok(reply)
            }
            Err(refusal) => Err(refusal),
        };
        (arrival, result)
    }

    /// Carries out what changes the state, and sends the webhooks that it causes.
    pub(super) async fn carry_out<T>(
        self: &Arc<Self>,
        operation: Operation,
        run: impl FnOnce(&mut State, Arrival) -> T,
    ) -> T {
        let (_, result, notices) = self.run(operation, run).await;
        self.tell(operation, notices).await;
        result
    }

    /// Works on the state, and returns the webhooks to send.
    pub(super) async fn run<T>(
        &self,
        operation: Operation,
        run: impl FnOnce(&mut State, Arrival) -> T,
    ) -> (Arrival, T, Vec<Notice>) {
        let arrival = lock(&self.state).arrive(self.clock.now());
        if operation.is_write() && !self.processing_time.is_zero() {
            // Whoever arrives within this time sees the same state as we do.
            tokio::time::sleep(self.processing_time).await;
        }
        let mut state = lock(&self.state);
        let result = run(&mut state, arrival);
        let notices = std::mem::take(&mut state.notices);
        (arrival, result, notices)
    }

    /// Tells the subscribers of a cancellation, waits for them, and carries it out.
    ///
    /// In a task of its own: a server goes on with a cancellation whose caller has gone.
    async fn conclude(
        self: &Arc<Self>,
        notices: Vec<Notice>,
        cancellation: Cancellation,
    ) -> Result<Reply, Refusal> {
        let (done, concluded) = oneshot::channel();
        let shared = Arc::clone(self);
        self.spawn(async move {
            shared.tell(Operation::Cancel, notices).await;
            tokio::time::sleep(shared.cancellation_lag).await;
            // Nobody listens any more if the caller has gone.
            let _ = done.send(shared.carry_out_cancellation(&cancellation));
        });
        concluded
            .await
            .unwrap_or_else(|_| Err(Refusal::bare(500, "the fake was shut down")))
    }

    pub(super) fn carry_out_cancellation(
        &self,
        cancellation: &Cancellation,
    ) -> Result<Reply, Refusal> {
        let now = self.clock.now().trunc_subsecs(3);
        lock(&self.state).carry_out_cancellation(now, cancellation)
    }

    /// Tells the subscribers: of one event all at once, of several events one after the other.
    pub(super) async fn tell(self: &Arc<Self>, cause: Operation, notices: Vec<Notice>) {
        for notice in notices {
            let deliveries = self.write_deliveries(&notice).into_iter();
            join_all(deliveries.map(|id| self.send(cause, id))).await;
        }
    }
}
