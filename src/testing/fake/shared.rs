//! What the handle, the server and the tasks have in common.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::answer::Answer;
use super::fault::{Script, Then};
use super::history::{Delivery, RecordedRequest, RequestOutcome};
use super::request::{Operation, Request};
use super::state::{Arrival, Notice, State};
use crate::ambient::Clock;

/// When webhooks are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookTiming {
    /// Before the call that caused them is answered, which waits for the receiver for up to 10 s; never tried again.
    ///
    /// So does a self-hosted server: a receiver that waits for its own call deadlocks.
    #[default]
    BeforeAnswer,
    /// Some time after, each by itself so that order may invert; tried up to three times with the same bytes, on 408, 429,
    /// 500, 502, 503, 504 and where nobody answers. An answer of 410 switches the subscription off.
    ///
    /// So does the hosted service, where 0.5 to 45 s were measured.
    After {
        /// The shortest delay.
        min: Duration,
        /// The longest delay.
        max: Duration,
    },
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) script: Mutex<Script>,
    pub(super) requests: Mutex<Vec<RecordedRequest>>,
    pub(super) deliveries: Mutex<Vec<Delivery>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timing: WebhookTiming,
    pub(super) processing_time: Duration,
    pub(super) http: reqwest::Client,
    pub(super) address: SocketAddr,
    /// Requests being carried out and webhooks on their way; `None` once all was shut down.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("address", &self.address)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
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
        clock: Arc<dyn Clock>,
        timing: WebhookTiming,
        processing_time: Duration,
        http: reqwest::Client,
        address: SocketAddr,
    ) -> Self {
        Self {
            state: Mutex::new(state),
            script: Mutex::default(),
            requests: Mutex::default(),
            deliveries: Mutex::default(),
            clock,
            timing,
            processing_time,
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

    /// Carries out a request from outside, with the faults that are scripted for it. `None`: no answer.
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
        let answer = self
            .carry_out(operation, |state, arrival| {
                lock(&self.requests)[number].applied = true;
                state.answer(arrival, &request)
            })
            .await;
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

    /// Carries out what changes or reads the state, and sends the webhooks that it causes.
    pub(super) async fn carry_out<T>(
        self: &Arc<Self>,
        operation: Operation,
        run: impl FnOnce(&mut State, Arrival) -> T,
    ) -> T {
        let arrival = lock(&self.state).arrive(self.clock.now());
        if operation.is_write() && !self.processing_time.is_zero() {
            // Whoever arrives within this time sees the same state as we do.
            tokio::time::sleep(self.processing_time).await;
        }
        let (result, notices) = {
            let mut state = lock(&self.state);
            let result = run(&mut state, arrival);
            (result, std::mem::take(&mut state.notices))
        };
        self.tell(operation, notices).await;
        result
    }

    /// Tells the subscribers.
    pub(super) async fn tell(self: &Arc<Self>, cause: Operation, notices: Vec<Notice>) {
        for notice in notices {
            for id in self.write_deliveries(&notice) {
                self.send(cause, id).await;
            }
        }
    }
}
