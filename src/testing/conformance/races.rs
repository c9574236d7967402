//! What a repository promises about calls that run at once, and calls that are dropped.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use super::steps::told;
use super::table::AppointmentTable;
use crate::store::{StoreErrorKind, Window};

/// How many tasks meet, and how often.
const TASKS: i64 = 8;
const ROUNDS: i64 = 10;

/// Tasks that create for one chain at once make one appointment, and all get it.
pub async fn creating_for_a_chain_at_once_writes_once(table: &AppointmentTable) {
    for round in 0..ROUNDS {
        let chain = format!("chain {round}");
        let start = round * 30;
        let tasks: Vec<_> = (0..TASKS)
            .map(|minute| {
                let (table, chain) = (table.clone(), chain.clone());
                tokio::spawn(async move { table.create(&chain, table.write(start, minute)).await })
            })
            .collect();
        let mut created = Vec::new();
        for task in tasks {
            created.push(task.await.unwrap_or_else(broken));
        }
        assert!(
            created.iter().all(|appointment| *appointment == created[0]),
            "creating for a chain at once writes once: all {TASKS} calls should get one \
             appointment, and got {created:?}"
        );
        let window = Window::new(table.at(start), table.at(start + 1));
        let found = table.scan(window, None, 100).await;
        assert_eq!(
            found.len(),
            1,
            "creating for a chain at once writes once: {found:?}"
        );
    }
}

/// Of updates that expect one revision at once, one is written, and the others are told.
pub async fn of_updates_at_once_one_wins(table: &AppointmentTable) {
    let mut known = table.create("chain", table.write(0, 0)).await;
    for round in 1..=ROUNDS {
        let tasks: Vec<_> = (0..TASKS)
            .map(|minute| {
                let (table, known) = (table.clone(), known.clone());
                let write = table.write(round * 30 + minute, minute);
                tokio::spawn(
                    async move { table.try_update(&known.id, known.revision, write).await },
                )
            })
            .collect();
        let mut written = Vec::new();
        for task in tasks {
            match task.await.unwrap_or_else(broken) {
                Ok(appointment) => written.push(appointment),
                Err(error) => assert_eq!(
                    error.kind(),
                    StoreErrorKind::Conflict,
                    "of updates at once, those that lose are a conflict: {}",
                    told(&error)
                ),
            }
        }
        assert_eq!(
            written.len(),
            1,
            "of updates at once that expect one revision, one is written: {written:?}"
        );
        known = written.remove(0);
        assert_eq!(
            table.get(&known.id).await.as_ref(),
            Some(&known),
            "what the winner was answered is what is read"
        );
    }
}

/// Work on different appointments runs side by side: nobody is refused because of somebody else.
pub async fn different_appointments_do_not_meet(table: &AppointmentTable) {
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| {
            let table = table.clone();
            tokio::spawn(async move {
                let chain = format!("chain {n}");
                let staff = usize::try_from(n).unwrap_or_default();
                let write = |minute| {
                    let state = table.state_of(staff, n * 60);
                    table.write_of(state, minute)
                };
                let mut known = table.create(&chain, write(0)).await;
                for minute in 1..=ROUNDS {
                    known = table.update(&known, write(minute)).await;
                }
                known
            })
        })
        .collect();
    for task in tasks {
        let known = task.await.unwrap_or_else(broken);
        assert_eq!(table.get(&known.id).await, Some(known));
    }
}

/// A call that is dropped has happened as a whole or not at all, and leaves nothing locked.
pub async fn a_dropped_call_leaves_nothing_half_done(table: &AppointmentTable) {
    let mut known = table.create("chain", table.write(0, 0)).await;
    for round in 1..=20 {
        let write = table.write(round * 30, round);
        let start = write.state.start;
        let update = table
            .repository
            .update(table.tenant(), &known.id, known.revision, write);
        // Dropped where it waits for the first time, the second time, and so on.
        let mut update = Box::pin(update);
        for _ in 0..round {
            let is_done = poll_fn(|context| Poll::Ready(update.as_mut().poll(context).is_ready()));
            if is_done.await {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        drop(update);
        // What the database is still at may land a moment later; then the next one reads again.
        let mut tries = 0;
        known = loop {
            let read = table.known(&known.id).await;
            let is_new = read.state.start == start && read.revision > known.revision;
            assert!(
                read == known || is_new,
                "a dropped call leaves nothing half done: {known:?} became {read:?}"
            );
            let next = table.write(round * 30 + 5, round);
            match table.try_update(&read.id, read.revision, next).await {
                Ok(updated) => break updated,
                Err(error) => assert!(
                    error.kind() == StoreErrorKind::Conflict && tries < 100,
                    "a dropped call leaves nothing locked: {}",
                    told(&error)
                ),
            }
            tries += 1;
        };
    }
}

/// The promise that a task was to keep is the one that is broken.
fn broken<T>(error: tokio::task::JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}
