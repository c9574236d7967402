//! All promises about appointments in one run, for a program rather than a test.

use std::fmt;
use std::future::Future;

use super::table::AppointmentTable;

/// What became of the promises about a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReport {
    /// The promises that were kept.
    pub kept: Vec<&'static str>,
    /// The promises that do not apply to the table, each with the reason.
    pub skipped: Vec<(&'static str, &'static str)>,
    /// The promises that are broken, each with what was broken.
    pub broken: Vec<(&'static str, String)>,
}

impl TableReport {
    /// Whether no promise is broken.
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    async fn check<P, F>(&mut self, name: &'static str, table: AppointmentTable, promise: P)
    where
        P: FnOnce(AppointmentTable) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        match tokio::spawn(promise(table.clone())).await {
            Ok(()) => match table.skipped().first() {
                Some(why) => self.skipped.push((name, why)),
                None => self.kept.push(name),
            },
            Err(error) => self.broken.push((name, reason_of(error))),
        }
    }
}

fn reason_of(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "it was cancelled".to_owned();
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>();
            text.copied().unwrap_or("it panicked").to_owned()
        }
    }
}

impl fmt::Display for TableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (promise, what) in &self.broken {
            writeln!(f, "BROKEN {promise}: {what}")?;
        }
        for (promise, why) in &self.skipped {
            writeln!(f, "SKIPPED {promise}: {why}")?;
        }
        write!(
            f,
            "{} promises kept, {} skipped, {} broken",
            self.kept.len(),
            self.skipped.len(),
            self.broken.len()
        )
    }
}

/// Calls every promise of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __check_appointments {
    ($report:ident $make:ident; $($group:ident: [$($promise:ident)*];)+) => {
        $($(
            let promise = async move |table: AppointmentTable| {
                super::$group::$promise(&table).await;
            };
            $report.check(stringify!($promise), $make().await, promise).await;
        )*)+
    };
}

/// Holds a table to all promises about appointments, one after the other, each on a table of its
/// own with nothing in it. What [`appointment_conformance!`](crate::appointment_conformance) does in
/// tests, this does in a program.
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// use calcom::store::InMemoryStore;
/// use calcom::testing::conformance::{AppointmentTable, check_appointments};
///
/// let report = check_appointments(|| async { AppointmentTable::from(InMemoryStore::new()) }).await;
/// assert!(report.is_kept(), "{report}");
/// # }
/// ```
///
/// # Panics
///
/// Outside a tokio runtime. A broken promise panics in a task of its own, and is reported.
pub async fn check_appointments<M, F>(make: M) -> TableReport
where
    M: Fn() -> F,
    F: Future<Output = AppointmentTable>,
{
    let mut report = TableReport::default();
    crate::__appointment_promises!(__check_appointments report make);
    report
}
