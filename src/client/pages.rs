//! Lists: single pages, and streams over all pages.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::error::Error;
use super::response::{Pagination, RawPage};
use crate::model::{
    BookingQuery, MembershipQuery, TeamScheduleQuery, VerifiedResourceQuery, WebhookQuery,
};

/// The maximum page size of any list.
const MAX_PAGE: u32 = 250;

/// The length at which a list without pagination data is considered endless, because its server
/// ignores `skip`.
const MAX_UNCOUNTED: u32 = 100 * MAX_PAGE;

/// One page of a list.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::BookingQuery;
///
/// let page = client.bookings().list(&BookingQuery::default().with_take(10)).await?;
/// println!("{} of {:?}", page.items.len(), page.pagination.as_ref().map(|p| p.total_items));
/// for booking in page {
///     println!("{}", booking.start);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the requested order.
    pub items: Vec<T>,
    /// The page's position in the list; `None` for lists whose responses do not contain it.
    pub pagination: Option<Pagination>,
}

impl<T> Page<T> {
    /// A page of a list whose responses do not contain its position.
    pub(super) fn unnumbered(items: Vec<T>) -> Self {
        let pagination = None;
        Self { items, pagination }
    }
}

impl<T> From<RawPage<T>> for Page<T> {
    fn from(page: RawPage<T>) -> Self {
        Self {
            items: page.data,
            pagination: page.pagination,
        }
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// A stream of all items of a list, which fetches pages on demand.
///
/// It is `Send` and `Unpin`, owns its data, and can be used without a stream library:
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::BookingQuery;
///
/// let mut bookings = client.bookings().list_all(BookingQuery::default());
/// while let Some(booking) = bookings.next().await {
///     println!("{}", booking?.start);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The stream ends after the first error.
#[must_use = "nothing is fetched before it is polled"]
pub struct ItemStream<T>(BoxStream<'static, Result<T, Error>>);

impl<T> ItemStream<T> {
    /// Returns the next item; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.0.next().await
    }

    /// Collects all items, for example into a `Vec`, until the end or the first error.
    ///
    /// # Errors
    ///
    /// The error of the first page that cannot be fetched.
    pub async fn try_collect<C: Default + Extend<T>>(self) -> Result<C, Error> {
        self.0.try_collect().await
    }
}

impl<T> Stream for ItemStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for ItemStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream").finish_non_exhaustive()
    }
}

/// A query with page parameters.
pub(super) trait PageQuery: Clone + Send + 'static {
    fn take(&self) -> Option<u32>;
    fn skip(&self) -> Option<u32>;
    fn cursor(&self) -> Option<&str> {
        None
    }
    fn set_page(&mut self, take: Option<u32>, skip: Option<u32>, cursor: Option<String>);
}

macro_rules! page_query {
    ($($name:ident)+) => {
        $(impl PageQuery for $name {
            fn take(&self) -> Option<u32> {
                self.take
            }

            fn skip(&self) -> Option<u32> {
                self.skip
            }

            fn set_page(&mut self, take: Option<u32>, skip: Option<u32>, _cursor: Option<String>) {
                self.take = take;
                self.skip = skip;
            }
        })+
    };
}

page_query! { MembershipQuery TeamScheduleQuery VerifiedResourceQuery WebhookQuery }

impl PageQuery for BookingQuery {
    fn take(&self) -> Option<u32> {
        self.take
    }

    fn skip(&self) -> Option<u32> {
        self.skip
    }

    fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    fn set_page(&mut self, take: Option<u32>, skip: Option<u32>, cursor: Option<String>) {
        self.take = take;
        self.skip = skip;
        self.cursor = cursor;
    }
}

/// Streams a list page by page.
///
/// The query contains the start and the page size, which is 250 by default.
pub(super) fn walk<Q, T, F, Fut>(operation: &'static str, mut query: Q, fetch: F) -> ItemStream<T>
where
    Q: PageQuery,
    T: Send + 'static,
    F: Fn(Q) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Page<T>, Error>> + Send,
{
    let cursor = query.cursor().map(str::to_owned);
    let take = query.take().unwrap_or(MAX_PAGE);
    query.set_page(Some(take), query.skip(), cursor);
    let pages = stream::try_unfold(Some(query), move |query| {
        let fetch = fetch.clone();
        async move {
            let Some(query) = query else {
                return Ok(None);
            };
            let page = fetch(query.clone()).await?;
            let next = next_page(operation, query, &page)?;
            let items = stream::iter(page.items.into_iter().map(Ok));
            Ok::<_, Error>(Some((items, next)))
        }
    });
    ItemStream(pages.try_flatten().boxed())
}

/// Returns the query for the next page; `None` after the last page.
fn next_page<Q: PageQuery, T>(
    operation: &'static str,
    mut query: Q,
    page: &Page<T>,
) -> Result<Option<Q>, Error> {
    let received = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    // Decided by the shape of the page, not by the requested version: servers silently fall back.
    let (more, cursor) = match &page.pagination {
        Some(pagination) => (pagination.has_next_page, pagination.next_cursor.as_deref()),
        // Without pagination data, an incomplete page is the last one.
        None => (Some(received) == query.take(), None),
    };
    let stuck = cursor.is_some() && cursor == query.cursor();
    if !more || received == 0 || stuck {
        return Ok(None);
    }
    let (skip, cursor) = match cursor {
        Some(cursor) => (None, Some(cursor.to_owned())),
        None => {
            let skip = query.skip().unwrap_or(0).saturating_add(received);
            if page.pagination.is_none() && skip > MAX_UNCOUNTED {
                return Err(Error::endless_list(operation));
            }
            (Some(skip), query.cursor().map(str::to_owned))
        }
    };
    query.set_page(query.take(), skip, cursor);
    Ok(Some(query))
}
