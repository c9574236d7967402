//! Pages of lists.

/// A page of a list: rows after a position, in id order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<Id> {
    /// The last row of the previous page; `None` for the first page.
    pub after: Option<Id>,
    /// The maximum number of rows.
    pub limit: u32,
}

impl<Id> Page<Id> {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The page after a given row.
    pub fn after(row: Id, limit: u32) -> Self {
        Self {
            after: Some(row),
            limit,
        }
    }

    /// The limit as a `usize`.
    pub(crate) fn rows(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}
