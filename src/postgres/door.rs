//! Storing together what arrives together at a door.

use super::PostgresStore;
use super::error::is_reported;
use crate::store::StoreError;

/// What a door takes in.
pub(super) trait Arriving: Sized + Send + Sync {
    type Stored: Send;

    /// Stores all of them in one transaction, and answers for each in their order.
    fn store_all(
        store: &PostgresStore,
        group: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Stored>, StoreError>> + Send;
}

impl PostgresStore {
    /// Stores a group in one transaction. If the database refuses it, each has one of its own, so
    /// that a bad one fails alone.
    pub(super) async fn store_group<A: Arriving>(
        self,
        group: Vec<A>,
    ) -> Vec<Result<A::Stored, StoreError>> {
        match self.retried(|| A::store_all(&self, &group)).await {
            Ok(stored) => stored.into_iter().map(Ok).collect(),
            Err(error) if group.len() > 1 && is_reported(&error) => {
                let mut answers = Vec::with_capacity(group.len());
                for alone in group.chunks(1) {
                    let stored = self.retried(|| A::store_all(&self, alone)).await;
                    answers.extend(each(alone, stored));
                }
                answers
            }
            Err(error) => each(&group, Err(error)).collect(),
        }
    }
}

/// The answers for each of a group.
fn each<A: Arriving>(
    group: &[A],
    stored: Result<Vec<A::Stored>, StoreError>,
) -> impl Iterator<Item = Result<A::Stored, StoreError>> {
    let (stored, error) = match stored {
        Ok(stored) => (stored, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let failed = group.len().saturating_sub(stored.len());
    let errors = error
        .into_iter()
        .flat_map(move |error| (0..failed).map(move |_| Err(error.for_another())));
    stored.into_iter().map(Ok).chain(errors)
}

/// One column of what is stored together.
pub(super) fn column<'a, T: 'a, C>(
    each: impl IntoIterator<Item = &'a T>,
    of: impl Fn(&'a T) -> C,
) -> Vec<C> {
    each.into_iter().map(of).collect()
}
