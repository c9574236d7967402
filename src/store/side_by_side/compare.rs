//! What both stores are to answer alike.

use super::Pair;
use crate::store::*;

impl Pair {
    fn same_link(&mut self, memory: LinkId, tried: LinkId) {
        let known = *self.links.entry(memory).or_insert(tried);
        assert_eq!(known, tried, "link {memory} of the store in memory");
    }

    pub(super) fn same_review(&mut self, memory: ReviewId, tried: ReviewId) {
        let known = *self.reviews.entry(memory).or_insert(tried);
        assert_eq!(known, tried, "item {memory} of the store in memory");
    }

    pub(super) fn assert_same_link(&mut self, memory: &Link, tried: &Link) {
        self.same_link(memory.id, tried.id);
        let mut renamed = tried.clone();
        renamed.id = memory.id;
        assert_eq!(*memory, renamed);
    }

    pub(super) fn assert_same_item(&mut self, memory: &ReviewItem, tried: &ReviewItem) {
        self.same_review(memory.id, tried.id);
        let mut renamed = tried.clone();
        renamed.id = memory.id;
        if let (Some(one), Some(two)) = (memory.link, tried.link) {
            self.same_link(one, two);
            renamed.link = memory.link;
        }
        assert_eq!(*memory, renamed);
    }

    /// Looks at everything that can be looked at.
    pub(super) async fn compare(&mut self) {
        let page = Page::first(u32::MAX);
        for format in 0..3 {
            assert_eq!(
                self.memory.next_due(format).await.unwrap(),
                self.tried.next_due(format).await.unwrap(),
                "format {format}"
            );
        }
        for tenant in self.tenants.iter().copied().map(TenantId::new) {
            let mut one = self
                .memory
                .service_links(&tenant, None, u32::MAX)
                .await
                .unwrap();
            let two = self
                .tried
                .service_links(&tenant, None, u32::MAX)
                .await
                .unwrap();
            for link in &mut one {
                link.id = link.id.map(|id| self.service_links[&id]);
            }
            assert_eq!(one, two);
            assert_eq!(
                self.memory.is_paused(&tenant).await.unwrap(),
                self.tried.is_paused(&tenant).await.unwrap()
            );
            for number in 0..5 {
                let id = AppointmentId::new(format!("appointment{number}"));
                let one = self
                    .memory
                    .changes(&tenant, &id, Page::first(u32::MAX))
                    .await
                    .unwrap();
                let two = self
                    .tried
                    .changes(&tenant, &id, Page::first(u32::MAX))
                    .await
                    .unwrap();
                let plain = |rows: Vec<(RecordedChange, Option<ChangeFate>)>| -> Vec<_> {
                    rows.into_iter()
                        .map(|(row, fate)| (row.change, fate))
                        .collect()
                };
                assert_eq!(plain(one), plain(two));
            }
            let one = self
                .memory
                .deliveries(&tenant, Page::first(u32::MAX))
                .await
                .unwrap();
            let two = self
                .tried
                .deliveries(&tenant, Page::first(u32::MAX))
                .await
                .unwrap();
            let plain = |rows: Vec<(Delivery, Option<DeliveryFate>)>| -> Vec<_> {
                let rows = rows.into_iter();
                rows.map(|(row, fate)| (row.booking, row.claim, row.source, row.received_at, fate))
                    .collect()
            };
            assert_eq!(plain(one), plain(two));
            let minute = std::time::Duration::from_secs(60);
            assert_eq!(
                self.memory.webhook_health(&tenant, minute).await.unwrap(),
                self.tried.webhook_health(&tenant, minute).await.unwrap()
            );
            let one = self.memory.open_reviews(&tenant, page).await.unwrap();
            let two = self.tried.open_reviews(&tenant, page).await.unwrap();
            assert_eq!(one.len(), two.len());
            for (one, two) in one.iter().zip(&two) {
                self.assert_same_item(one, two);
            }
            for (one, two) in self.reviews.clone() {
                let one = self.memory.review(&tenant, one).await.unwrap();
                let two = self.tried.review(&tenant, two).await.unwrap();
                assert_eq!(one.is_some(), two.is_some());
                if let (Some(one), Some(two)) = (one, two) {
                    self.assert_same_item(&one, &two);
                }
            }
            let one = self
                .memory
                .log(&tenant, Page::first(u32::MAX))
                .await
                .unwrap();
            let two = self
                .tried
                .log(&tenant, Page::first(u32::MAX))
                .await
                .unwrap();
            assert_eq!(one.len(), two.len());
            for (one, two) in one.iter().zip(&two) {
                assert_eq!(
                    (one.at, &one.appointment, &one.event, one.link.is_some()),
                    (two.at, &two.appointment, &two.event, two.link.is_some())
                );
                if let (Some(one), Some(two)) = (one.link, two.link) {
                    self.same_link(one, two);
                }
            }
            for scope in [LogScope::All, LogScope::ByPersons] {
                let one = self.memory.latest(&tenant, scope, Page::first(9)).await;
                let two = self.tried.latest(&tenant, scope, Page::first(9)).await;
                let plain = |lines: Vec<LogEntry>| -> Vec<_> {
                    let lines = lines.into_iter();
                    lines
                        .map(|line| (line.at, line.appointment, line.event))
                        .collect()
                };
                assert_eq!(plain(one.unwrap()), plain(two.unwrap()), "{scope:?}");
            }
            for slice in [1, 60].map(std::time::Duration::from_secs) {
                let one = self.memory.activity(&tenant, minute * 5, slice).await;
                let two = self.tried.activity(&tenant, minute * 5, slice).await;
                assert_eq!(to_micros(one.unwrap()), to_micros(two.unwrap()));
            }
            let one = self.memory.waiting_changes(&tenant, 9).await.unwrap();
            let two = self.tried.waiting_changes(&tenant, 9).await.unwrap();
            let plain = |rows: Vec<HistoryEntry>| -> Vec<_> {
                let rows = rows.into_iter();
                rows.map(|row| match row.event {
                    HistoryEvent::Change { recorded, .. } => (row.at, recorded.change),
                    other => panic!("{other:?} is no change that waits"),
                })
                .collect()
            };
            assert_eq!(plain(one), plain(two));
            let keys = (0..8).flat_map(|number| {
                [
                    LinkKey::Appointment(format!("appointment{number}").into()),
                    LinkKey::Booking(format!("booking{number}").into()),
                    LinkKey::Chain(format!("chain{number}").into()),
                    LinkKey::SyncKey(format!("key{number}").into()),
                ]
            });
            for key in keys {
                let one = self.memory.find(&tenant, &key).await.unwrap();
                let two = self.tried.find(&tenant, &key).await.unwrap();
                assert_eq!(one.is_some(), two.is_some(), "{key:?}");
                if let (Some(one), Some(two)) = (one, two) {
                    self.assert_same_link(&one, &two);
                }
            }
        }
    }
}

/// A mean is what the databases make of it, in whole microseconds.
fn to_micros(mut slices: Vec<ActivitySlice>) -> Vec<ActivitySlice> {
    let cut = |waits: &mut Waits| {
        let nanos = waits.mean.subsec_nanos() % 1000;
        waits.mean -= std::time::Duration::from_nanos(nanos.into());
    };
    for slice in &mut slices {
        slice.changes.iter_mut().for_each(|c| cut(&mut c.waits));
        slice.deliveries.iter_mut().for_each(|c| cut(&mut c.waits));
    }
    slices
}
