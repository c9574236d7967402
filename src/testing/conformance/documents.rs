//! What [`Documents`](crate::store::Documents) promises.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Document, DocumentVersion, KEPT_VERSIONS, MAX_DOCUMENT_BODY, MAX_DOCUMENT_NAME, Page,
    StoreError, StoreErrorKind, TenantId,
};

const NAME: &str = "settings";

fn version(number: i64) -> DocumentVersion {
    DocumentVersion::new(number)
}

/// Saves the first version of a document.
async fn begin(bench: &Bench, owner: &TenantId, name: &str) -> Result<Document, StoreError> {
    let saved = bench.store.save_document(owner, name, None, "b", "bob");
    saved.await
}

async fn try_save(
    bench: &Bench,
    expected: Option<i64>,
    body: &str,
) -> Result<Document, StoreError> {
    let (own, expected) = (tenant(), expected.map(version));
    let saved = bench.store.save_document(&own, NAME, expected, body, "eve");
    saved.await
}

async fn save(bench: &Bench, expected: Option<i64>, body: &str) -> Document {
    let saved = try_save(bench, expected, body).await;
    saved.expect("the newest version was expected, and the document was not saved")
}

async fn document_of(bench: &Bench, tenant: &TenantId, name: &str) -> Option<Document> {
    let document = bench.store.document(tenant, name).await;
    document.expect("a document can be read")
}

async fn versions(bench: &Bench, page: Page<DocumentVersion>) -> Vec<Document> {
    let versions = bench.store.document_versions(&tenant(), NAME, page).await;
    versions.expect("the versions can be read")
}

fn numbers(versions: &[Document]) -> Vec<i64> {
    versions.iter().map(|known| known.version.get()).collect()
}

/// There is no document before it is saved.
pub async fn a_document_begins_with_its_first_version(bench: &Bench) {
    assert_eq!(document_of(bench, &tenant(), NAME).await, None);
    assert_eq!(versions(bench, Page::first(ALL)).await, []);
    let first = save(bench, None, "one").await;
    assert_eq!(first.version, version(1));
    assert_eq!(document_of(bench, &tenant(), NAME).await, Some(first));
}

/// Body and saver are read back unchanged, and what was saved is what is read.
pub async fn a_document_is_read_back_as_it_was_saved(bench: &Bench) {
    let body = "{\"a\": \"ä ✂ '\\u0000\"}\r\n\n ";
    for body in ["", body, &"x".repeat(MAX_DOCUMENT_BODY)] {
        let known = document_of(bench, &tenant(), NAME).await;
        let known = known.map(|known| known.version.get());
        let saved = save(bench, known, body).await;
        assert_eq!((saved.body.as_str(), saved.by.as_str()), (body, "eve"));
        assert_eq!(document_of(bench, &tenant(), NAME).await, Some(saved));
    }
}

/// Whoever does not know the newest version saves nothing.
pub async fn a_document_is_saved_only_over_the_expected_version(bench: &Bench) {
    assert_fails(
        try_save(bench, Some(1), "x").await,
        StoreErrorKind::Conflict,
    );
    save(bench, None, "one").await;
    let second = save(bench, Some(1), "two").await;
    assert_eq!(second.version, version(2));
    for expected in [None, Some(1), Some(3), Some(0), Some(-1), Some(i64::MAX)] {
        let refused = try_save(bench, expected, "x").await;
        assert_fails(refused, StoreErrorKind::Conflict);
    }
    assert_eq!(document_of(bench, &tenant(), NAME).await, Some(second));
    assert_eq!(numbers(&versions(bench, Page::first(ALL)).await), [2, 1]);
}

/// Of several that expect the same version at once, one saves.
pub async fn documents_saved_at_once_are_one(bench: &Bench) {
    for expected in [None, Some(1)] {
        let tasks: Vec<_> = (0..16)
            .map(|number: u32| {
                let bench = bench.clone();
                let body = number.to_string();
                tokio::spawn(async move { try_save(&bench, expected, &body).await })
            })
            .collect();
        let mut saved = Vec::new();
        for task in tasks {
            match task.await.expect("the task saves a document") {
                Ok(document) => saved.push(document),
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(saved.len(), 1, "{saved:?}");
        assert_eq!(document_of(bench, &tenant(), NAME).await, saved.pop());
    }
}

/// Earlier versions come newest first, in pages, as they were saved.
pub async fn versions_come_newest_first_and_in_pages(bench: &Bench) {
    let mut saved = Vec::new();
    for number in 0..5_i64 {
        let expected = (number > 0).then_some(number);
        saved.push(save(bench, expected, &format!("body {number}")).await);
    }
    saved.reverse();
    assert_eq!(versions(bench, Page::first(ALL)).await, saved);
    assert_eq!(versions(bench, Page::first(2)).await, saved[..2]);
    let next = Page::after(saved[1].version, 2);
    assert_eq!(versions(bench, next).await, saved[2..4]);
    let next = Page::after(saved[3].version, 2);
    assert_eq!(versions(bench, next).await, saved[4..]);
    assert_eq!(versions(bench, Page::after(version(1), 2)).await, []);
}

/// As many versions are kept as the contract says; the oldest go, and numbers are not given again.
pub async fn old_versions_are_removed(bench: &Bench) {
    let kept = i64::from(KEPT_VERSIONS);
    let other = begin(bench, &tenant(), "other").await;
    other.expect("another document is saved");
    for number in 0..kept + 3 {
        let expected = (number > 0).then_some(number);
        save(bench, expected, &number.to_string()).await;
    }
    let all = numbers(&versions(bench, Page::first(ALL)).await);
    let expected: Vec<_> = (4..=kept + 3).rev().collect();
    assert_eq!(all, expected);
    assert!(document_of(bench, &tenant(), "other").await.is_some());
}

/// What is too large, or has no name, is refused, and nothing is saved.
pub async fn a_document_is_bounded(bench: &Bench) {
    let body = "x".repeat(MAX_DOCUMENT_BODY + 1);
    for body in [body.as_str(), "a\0b"] {
        assert_fails(try_save(bench, None, body).await, StoreErrorKind::Invalid);
    }
    for name in ["", &"n".repeat(MAX_DOCUMENT_NAME + 1)] {
        let refused = begin(bench, &tenant(), name).await;
        assert_fails(refused, StoreErrorKind::Invalid);
        assert_eq!(document_of(bench, &tenant(), name).await, None);
    }
    assert_eq!(document_of(bench, &tenant(), NAME).await, None);
    let longest = "n".repeat(MAX_DOCUMENT_NAME);
    let saved = begin(bench, &tenant(), &longest).await;
    saved.expect("the longest name is a name");
}

/// Documents of other names and of other tenants are apart, and so are the numbers of their
/// versions.
pub async fn documents_are_apart(bench: &Bench) {
    save(bench, None, "one").await;
    let mine = save(bench, Some(1), "two").await;
    for (owner, name) in [(tenant(), "settingss"), (other_tenant(), NAME)] {
        assert_eq!(document_of(bench, &owner, name).await, None);
        let page = Page::first(ALL);
        let none = bench.store.document_versions(&owner, name, page).await;
        assert_eq!(none.expect("the versions can be read"), []);
        let first = begin(bench, &owner, name).await;
        let first = first.expect("the first version is saved");
        assert_eq!(first.version, version(1));
    }
    assert_eq!(document_of(bench, &tenant(), NAME).await, Some(mine));
    assert_eq!(numbers(&versions(bench, Page::first(ALL)).await), [2, 1]);
}

/// A version tells when it was saved, by the store's clock.
pub async fn a_document_tells_the_stores_time(bench: &Bench) {
    bench.record("a", 1).await;
    let before = bench.claim().await.now;
    let saved = save(bench, None, "one").await;
    bench.record("b", 1).await;
    let after = bench.claim().await.now;
    assert!((before..=after).contains(&saved.at), "{saved:?}");
}

/// The documents of a tenant that is erased go with it, in batches; another's stay.
pub async fn the_documents_of_an_erased_tenant_go(bench: &Bench) {
    save(bench, None, "one").await;
    save(bench, Some(1), "two").await;
    let other = begin(bench, &other_tenant(), NAME).await;
    let other = other.expect("another tenant's document is saved");
    let mut erased = 0;
    for _ in 0..10 {
        let batch = bench.store.erase_tenant(&tenant(), 1).await;
        let batch = batch.expect("a tenant can be erased");
        assert!(batch.documents <= 1, "{batch:?}");
        erased += batch.documents;
        if batch.is_done {
            break;
        }
    }
    assert_eq!(erased, 2);
    assert_eq!(versions(bench, Page::first(ALL)).await, []);
    assert_eq!(document_of(bench, &other_tenant(), NAME).await, Some(other));
    assert_eq!(save(bench, None, "anew").await.version, version(1));
}
