//! Group commit: what arrives while a transaction is being committed is stored by the next one
//! together, so that a burst costs a few commits and not one each.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::store::{StoreError, StoreErrorKind};

type Answer<T> = Result<T, StoreError>;
/// Who waits for the answer.
type Asker<T> = oneshot::Sender<Answer<T>>;
type Waiters<Item, Stored> = (Vec<Item>, Vec<Asker<Stored>>);

/// Items that wait for a transaction. Clones share them.
pub(crate) struct Group<Item, Stored> {
    waiting: Arc<Mutex<Waiting<Item, Stored>>>,
    /// How many transactions run at once.
    lanes: usize,
    /// How many items one transaction stores.
    most: usize,
}

struct Waiting<Item, Stored> {
    items: VecDeque<(Item, Asker<Stored>)>,
    running: usize,
}

impl<Item, Stored> Clone for Group<Item, Stored> {
    fn clone(&self) -> Self {
        Self {
            waiting: Arc::clone(&self.waiting),
            ..*self
        }
    }
}

impl<Item, Stored> fmt::Debug for Group<Item, Stored> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<Item, Stored> Group<Item, Stored>
where
    Item: Send + 'static,
    Stored: Send + 'static,
{
    pub(crate) fn new(lanes: usize, most: usize) -> Self {
        let waiting = Waiting {
            items: VecDeque::new(),
            running: 0,
        };
        Self {
            waiting: Arc::new(Mutex::new(waiting)),
            lanes,
            most,
        }
    }

    /// Stores an item with whatever else waits, and returns once the transaction that stored it was
    /// committed. `store` stores some items, and answers for each in their order.
    ///
    /// An item that finds a lane free is stored at once and alone, by this call. What has to wait is
    /// stored by a task: a caller that goes away takes nothing from the others.
    pub(crate) async fn store<S, F>(&self, item: Item, store: S) -> Answer<Stored>
    where
        S: Fn(Vec<Item>) -> F + Clone + Send + 'static,
        F: Future<Output = Vec<Answer<Stored>>> + Send + 'static,
    {
        let (item, lane) = match self.enter(item) {
            Entered::Leads(item, lane) => (item, lane),
            Entered::Waits(answer) => return answer.await.unwrap_or_else(|_| Err(given_up())),
        };
        let (most, next) = (self.most, store.clone());
        let _then = Finally(Some(move || lane.go_on(most, next)));
        let answer = store(vec![item]).await.pop();
        answer.unwrap_or_else(|| Err(given_up()))
    }

    /// As [`store`](Self::store), for whoever does not wait for the answer.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) fn submit<S, F>(&self, item: Item, store: S)
    where
        S: Fn(Vec<Item>) -> F + Send + 'static,
        F: Future<Output = Vec<Answer<Stored>>> + Send + 'static,
    {
        if let Entered::Leads(item, lane) = self.enter(item) {
            let (sender, _) = oneshot::channel();
            lock(&self.waiting).items.push_front((item, sender));
            lane.go_on(self.most, store);
        }
    }

    fn enter(&self, item: Item) -> Entered<Item, Stored> {
        let mut waiting = lock(&self.waiting);
        if waiting.running < self.lanes {
            waiting.running += 1;
            let lane = Lane {
                waiting: Arc::clone(&self.waiting),
                is_counted: true,
            };
            return Entered::Leads(item, lane);
        }
        let (sender, answer) = oneshot::channel();
        waiting.items.push_back((item, sender));
        Entered::Waits(answer)
    }
}

enum Entered<Item, Stored> {
    /// A lane was free, and is now the caller's.
    Leads(Item, Lane<Item, Stored>),
    Waits(oneshot::Receiver<Answer<Stored>>),
}

/// Does something when it is dropped, so also when a future is.
struct Finally<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Finally<F> {
    fn drop(&mut self) {
        if let Some(act) = self.0.take() {
            act();
        }
    }
}

fn given_up() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the transaction was given up: try again",
    )
}

fn lock<Item, Stored>(
    waiting: &Mutex<Waiting<Item, Stored>>,
) -> MutexGuard<'_, Waiting<Item, Stored>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of the transactions that may run at once.
struct Lane<Item, Stored> {
    waiting: Arc<Mutex<Waiting<Item, Stored>>>,
    /// Whether this is one of those that run.
    is_counted: bool,
}

impl<Item, Stored> Lane<Item, Stored>
where
    Item: Send + 'static,
    Stored: Send + 'static,
{
    /// Leaves what waits, if anything does, to a task.
    fn go_on<S, F>(mut self, most: usize, store: S)
    where
        S: Fn(Vec<Item>) -> F + Send + 'static,
        F: Future<Output = Vec<Answer<Stored>>> + Send + 'static,
    {
        if let Some(group) = self.next(most)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.run(group, most, store));
        }
    }

    async fn run<S, F>(mut self, first: Waiters<Item, Stored>, most: usize, store: S)
    where
        S: Fn(Vec<Item>) -> F,
        F: Future<Output = Vec<Answer<Stored>>>,
    {
        let mut group = Some(first);
        while let Some((items, senders)) = group {
            for (sender, answer) in senders.into_iter().zip(store(items).await) {
                // Whoever went away has no use for it.
                let _ = sender.send(answer);
            }
            group = self.next(most);
        }
    }

    /// What waits; the lane ends if that is nothing, before anything else can come.
    fn next(&mut self, most: usize) -> Option<Waiters<Item, Stored>> {
        let mut waiting = lock(&self.waiting);
        if waiting.items.is_empty() {
            waiting.running -= 1;
            self.is_counted = false;
            return None;
        }
        let count = waiting.items.len().min(most);
        Some(waiting.items.drain(..count).unzip())
    }
}

impl<Item, Stored> Drop for Lane<Item, Stored> {
    /// A lane that panicked, or whose runtime was shut down, leaves nobody waiting for it.
    fn drop(&mut self) {
        if self.is_counted {
            let mut waiting = lock(&self.waiting);
            waiting.running -= 1;
            if waiting.running == 0 {
                waiting.items.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Semaphore;

    use super::*;

    /// A store that takes a permit for each transaction, and remembers how many items each had.
    #[derive(Clone)]
    struct Slow {
        permits: Arc<Semaphore>,
        sizes: Arc<Mutex<Vec<usize>>>,
    }

    impl Slow {
        fn new() -> Self {
            Self {
                permits: Arc::new(Semaphore::new(0)),
                sizes: Arc::default(),
            }
        }

        async fn store(self, items: Vec<u32>) -> Vec<Answer<u32>> {
            self.sizes.lock().unwrap().push(items.len());
            self.permits.acquire().await.unwrap().forget();
            let answer = |item| match item {
                13 => Err(StoreError::conflict("a bad one")),
                item => Ok(item * 2),
            };
            items.into_iter().map(answer).collect()
        }
    }

    fn submit(
        group: &Group<u32, u32>,
        slow: &Slow,
        item: u32,
    ) -> tokio::task::JoinHandle<Answer<u32>> {
        let (group, slow) = (group.clone(), slow.clone());
        tokio::spawn(async move {
            let store = move |items| slow.clone().store(items);
            group.store(item, store).await
        })
    }

    /// Lets everything go as far as it can.
    async fn rest() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_arrives_during_a_commit_is_stored_together_and_answered_after_it() {
        let (group, slow) = (Group::new(1, 10), Slow::new());
        let first = submit(&group, &slow, 1);
        rest().await;
        let rest_of_them: Vec<_> = (10..25).map(|item| submit(&group, &slow, item)).collect();
        rest().await;
        assert!(!first.is_finished());
        slow.permits.add_permits(1);
        assert_eq!(first.await.unwrap().unwrap(), 2);
        rest().await;
        assert!(rest_of_them.iter().all(|caller| !caller.is_finished()));
        slow.permits.add_permits(2);
        for (item, caller) in (10..25).zip(rest_of_them) {
            // The bad one fails alone.
            let answer = caller.await.unwrap().ok();
            assert_eq!(answer, (item != 13).then_some(item * 2));
        }
        assert_eq!(*slow.sizes.lock().unwrap(), [1, 10, 5]);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_takes_nothing_from_the_others() {
        let (group, slow) = (Group::new(1, 10), Slow::new());
        let leader = submit(&group, &slow, 1);
        rest().await;
        let follower = submit(&group, &slow, 2);
        rest().await;
        leader.abort();
        slow.permits.add_permits(2);
        assert_eq!(follower.await.unwrap().unwrap(), 4);
    }

    #[tokio::test]
    async fn a_panic_leaves_nobody_waiting() {
        let group: Group<u32, u32> = Group::new(1, 10);
        let store = |items: Vec<u32>| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            assert!(!items.contains(&13), "a bad one");
            items.into_iter().map(Ok).collect()
        };
        let submit = |item| {
            let group = group.clone();
            tokio::spawn(async move { group.store(item, store).await })
        };
        // Alone, in the call itself; then in a group, by the task.
        for with_it in [vec![13], vec![1, 13, 2]] {
            let callers: Vec<_> = with_it.iter().copied().map(submit).collect();
            for (item, caller) in with_it.into_iter().zip(callers) {
                match caller.await {
                    Ok(Ok(stored)) => assert_eq!((stored, item), (1, 1)),
                    Ok(Err(error)) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
                    Err(panic) => assert!(panic.is_panic() && item == 13),
                }
            }
            assert_eq!(group.store(3, store).await.unwrap(), 3);
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_stored_too() {
        let (group, slow) = (Group::new(1, 10), Slow::new());
        for item in 1..=4 {
            let slow = slow.clone();
            group.submit(item, move |items| slow.clone().store(items));
        }
        slow.permits.add_permits(2);
        rest().await;
        assert_eq!(*slow.sizes.lock().unwrap(), [1, 3]);
    }
}
