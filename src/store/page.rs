//! Pages of lists.

/// Which part of a list is asked for: rows after a position, in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<Id> {
    /// The last row that was read; `None` for the first page.
    pub after: Option<Id>,
    /// How many rows at the most.
    pub limit: u32,
}

impl<Id> Page<Id> {
    /// The first rows.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The rows after one that was read.
    pub fn after(row: Id, limit: u32) -> Self {
        Self {
            after: Some(row),
            limit,
        }
    }

    /// The limit, as a number of things in memory.
    pub(crate) fn rows(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}
