//! What a [`TokenStore`] promises that several clients share.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use super::bench::PassTime;
use crate::client::{OAuthTokens, RefreshLease, RefreshTurn, TokenStore};

const LEASE: Duration = Duration::from_secs(2);

/// The empty store of a session on trial, with the time that passes for it.
#[derive(Clone, Debug)]
pub struct TokenBench {
    store: Arc<dyn TokenStore>,
    time: Arc<dyn PassTime>,
}

impl TokenBench {
    /// A store with nothing in it, and how time passes for it.
    pub fn new(store: Arc<dyn TokenStore>, time: impl PassTime) -> Self {
        Self {
            store,
            time: Arc::new(time),
        }
    }

    async fn save(&self, tokens: &OAuthTokens) {
        let saved = self.store.save(tokens).await;
        saved.expect("tokens are saved");
    }

    async fn load(&self) -> Option<OAuthTokens> {
        self.store.load().await.expect("tokens are loaded")
    }

    async fn ask(&self, held: &OAuthTokens) -> RefreshTurn {
        let turn = self.store.begin_refresh(held, LEASE).await;
        turn.expect("a turn is asked for")
    }

    async fn take(&self, held: &OAuthTokens) -> RefreshLease {
        match self.ask(held).await {
            RefreshTurn::Granted(lease) => lease,
            other => panic!("nobody has the turn: {other:?}"),
        }
    }

    async fn assert_taken(&self, held: &OAuthTokens) {
        let turn = self.ask(held).await;
        assert!(matches!(turn, RefreshTurn::Taken), "{turn:?}");
    }

    async fn refreshed(&self, refreshed: &OAuthTokens, new: &OAuthTokens) -> Option<OAuthTokens> {
        let saved = self.store.save_refreshed(refreshed, new).await;
        saved.expect("refreshed tokens are saved")
    }

    async fn abandon(&self, lease: RefreshLease) {
        let abandoned = self.store.abandon_refresh(lease).await;
        abandoned.expect("a turn is abandoned");
    }

    async fn assert_stored(&self, expected: &OAuthTokens) {
        let stored = self.load().await.expect("something is stored");
        assert!(stored.is_same_pair(expected), "another pair is stored");
    }
}

/// The n-th pair of a session.
fn pair(number: u32) -> OAuthTokens {
    let expiry = DateTime::from_timestamp(1_890_000_000 + i64::from(number), 0);
    let tokens = OAuthTokens::new(format!("access-{number}"), format!("refresh-{number}"));
    tokens.with_expiry(expiry.expect("a time of the calendar"))
}

fn assert_is(turn: &RefreshTurn, expected: &OAuthTokens) {
    match turn {
        RefreshTurn::Refreshed(tokens) if tokens.is_same_pair(expected) => {}
        other => panic!("the stored tokens are given: {other:?}"),
    }
}

/// A new session has no tokens.
pub async fn nothing_is_stored_at_first(bench: TokenBench) {
    assert!(bench.load().await.is_none());
}

/// What was saved is loaded, and its expiry too, where there is one.
pub async fn what_was_saved_is_loaded(bench: TokenBench) {
    let endless = OAuthTokens::new("access-2", "refresh-2");
    for tokens in [pair(1), endless] {
        bench.save(&tokens).await;
        bench.assert_stored(&tokens).await;
        let stored = bench.load().await;
        assert_eq!(
            stored.and_then(|stored| stored.expires_at),
            tokens.expires_at
        );
    }
}

/// One has the turn, also if nothing was stored before.
pub async fn one_has_the_turn(bench: TokenBench) {
    bench.take(&pair(1)).await;
    bench.assert_taken(&pair(1)).await;
}

/// A turn ends with the new tokens.
pub async fn a_turn_ends_with_the_new_tokens(bench: TokenBench) {
    bench.save(&pair(1)).await;
    bench.take(&pair(1)).await;
    assert!(bench.refreshed(&pair(1), &pair(2)).await.is_none());
    bench.assert_stored(&pair(2)).await;
    assert_is(&bench.ask(&pair(1)).await, &pair(2));
    bench.take(&pair(2)).await;
}

/// A turn may be abandoned, and then the next one gets it.
pub async fn a_turn_may_be_abandoned(bench: TokenBench) {
    bench.save(&pair(1)).await;
    let first = bench.take(&pair(1)).await;
    bench.abandon(first).await;
    let second = bench.take(&pair(1)).await;
    assert_ne!(first, second);
    bench.assert_stored(&pair(1)).await;
}

/// A turn runs out.
pub async fn a_turn_runs_out(bench: TokenBench) {
    bench.save(&pair(1)).await;
    bench.take(&pair(1)).await;
    bench.time.pass(LEASE).await;
    bench.take(&pair(1)).await;
}

/// Who abandons a turn that ran out does not take it from its next holder.
pub async fn a_turn_that_ran_out_is_not_taken_from_its_next_holder(bench: TokenBench) {
    bench.save(&pair(1)).await;
    let first = bench.take(&pair(1)).await;
    bench.time.pass(LEASE).await;
    bench.take(&pair(1)).await;
    bench.abandon(first).await;
    bench.assert_taken(&pair(1)).await;
}

/// Who holds older tokens is given the stored ones, whether or not somebody has the turn.
pub async fn who_holds_older_tokens_is_given_the_stored_ones(bench: TokenBench) {
    bench.save(&pair(3)).await;
    assert_is(&bench.ask(&pair(1)).await, &pair(3));
    bench.take(&pair(3)).await;
    assert_is(&bench.ask(&pair(2)).await, &pair(3));
}

/// Saving new tokens again, because the response was lost, changes nothing.
pub async fn new_tokens_may_be_saved_twice(bench: TokenBench) {
    bench.save(&pair(1)).await;
    bench.take(&pair(1)).await;
    for _ in 0..2 {
        assert!(bench.refreshed(&pair(1), &pair(2)).await.is_none());
    }
    bench.assert_stored(&pair(2)).await;
}

/// New tokens do not overwrite tokens that replaced them since.
pub async fn newer_tokens_are_not_overwritten(bench: TokenBench) {
    bench.save(&pair(1)).await;
    bench.refreshed(&pair(1), &pair(2)).await;
    bench.refreshed(&pair(2), &pair(3)).await;
    let stored = bench.refreshed(&pair(1), &pair(2)).await;
    let stored = stored.expect("the newer tokens are given");
    assert!(stored.is_same_pair(&pair(3)));
    bench.assert_stored(&pair(3)).await;
}

/// The tokens of a sign-in replace everything, and end a turn.
pub async fn a_sign_in_replaces_everything(bench: TokenBench) {
    bench.save(&pair(1)).await;
    bench.take(&pair(1)).await;
    bench.save(&pair(7)).await;
    bench.take(&pair(7)).await;
    let stored = bench.refreshed(&pair(1), &pair(2)).await;
    assert!(stored.is_some_and(|stored| stored.is_same_pair(&pair(7))));
}

/// Of many who hold the same tokens, one refreshes.
pub async fn of_many_who_hold_the_same_tokens_one_refreshes(bench: TokenBench) {
    bench.save(&pair(0)).await;
    for round in 0..10 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let bench = bench.clone();
                tokio::spawn(async move { bench.ask(&pair(round)).await })
            })
            .collect();
        let mut granted = 0;
        for task in tasks {
            match task.await.expect("a task ends") {
                RefreshTurn::Granted(_) => granted += 1,
                RefreshTurn::Taken => {}
                other => panic!("nobody has saved: {other:?}"),
            }
        }
        assert_eq!(granted, 1, "round {round}");
        bench.refreshed(&pair(round), &pair(round + 1)).await;
    }
}

/// No token is in the `Debug` output of the store.
pub async fn no_token_is_in_debug_output(bench: TokenBench) {
    bench.save(&pair(1)).await;
    let printed = format!("{:?} {:?}", bench.store, bench.ask(&pair(2)).await);
    let secrets = ["access-1", "refresh-1", "access-2", "refresh-2"];
    assert!(secrets.iter().all(|secret| !printed.contains(secret)));
}
