//! The macros for what clients share.

/// Holds an [`IdempotencyStore`](crate::client::IdempotencyStore) to its promises, which know no
/// time: a module with one `#[tokio::test]` a promise. The last argument is evaluated anew for each
/// test, in an async function, and gives an empty store.
///
/// ```no_run
/// # mod suite {
/// use calcom::client::InMemoryIdempotencyStore;
///
/// calcom::idempotency_conformance!(in_memory, InMemoryIdempotencyStore::default());
/// # }
/// ```
#[macro_export]
macro_rules! idempotency_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr $(,)?) => {
        $crate::__client_tests! {
            [$(#[$attribute])*] $name { let $kept = $keep; $make };
            idempotency: [
                a_new_key_is_begun
                a_begun_key_is_known
                a_key_keeps_its_first_request
                a_finished_key_gives_its_booking
                a_key_may_be_finished_that_was_not_begun
                a_forgotten_key_is_new
                keys_are_told_apart_to_the_letter
                of_many_who_begin_at_once_one_is_first
            ];
        }
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr $(,)?) => {
        $crate::idempotency_conformance!($(#[$attribute])* $name, let _kept = (); $make);
    };
}

/// Holds a [`TokenStore`](crate::client::TokenStore) that several clients share to its promises: a
/// module with one `#[tokio::test]` a promise. `make` gives the empty store of a session, and `time`
/// a [`PassTime`](crate::testing::conformance::PassTime) that lets time pass for it.
///
/// ```no_run
/// # mod suite {
/// use calcom::client::InMemoryTokenStore;
/// use calcom::testing::conformance::RealTime;
///
/// calcom::token_conformance!(in_memory, InMemoryTokenStore::default(), time: RealTime);
/// # }
/// ```
#[macro_export]
macro_rules! token_conformance {
    ($(#[$attribute:meta])* $name:ident, let $kept:ident = $keep:expr; $make:expr, time: $time:expr $(,)?) => {
        $crate::__client_tests! {
            [$(#[$attribute])*] $name { let $kept = $keep; ($make, $time) };
            oauth_tokens: [
                nothing_is_stored_at_first
                what_was_saved_is_loaded
                one_has_the_turn
                a_turn_ends_with_the_new_tokens
                a_turn_may_be_abandoned
                a_turn_runs_out
                a_turn_that_ran_out_is_not_taken_from_its_next_holder
                who_holds_older_tokens_is_given_the_stored_ones
                new_tokens_may_be_saved_twice
                newer_tokens_are_not_overwritten
                a_sign_in_replaces_everything
                of_many_who_hold_the_same_tokens_one_refreshes
                no_token_is_in_debug_output
            ];
        }
    };
    ($(#[$attribute:meta])* $name:ident, $make:expr, time: $time:expr $(,)?) => {
        $crate::token_conformance!($(#[$attribute])* $name, let _kept = (); $make, time: $time);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __client_tests {
    (
        $attributes:tt $name:ident $setup:tt;
        $group:ident: [$($promise:ident)*];
    ) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                $crate::__promise!($attributes $promise {
                    $crate::__with_client_bench!($setup, bench => {
                        $crate::testing::conformance::$group::$promise(bench).await;
                    });
                });
            )*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __with_client_bench {
    ({ let $kept:ident = $keep:expr; ($make:expr, $time:expr) }, $bench:ident => $promise:block) => {
        let $kept = $keep;
        let store = ::std::sync::Arc::new($make);
        let $bench = $crate::testing::conformance::oauth_tokens::TokenBench::new(store, $time);
        $promise
    };
    ({ let $kept:ident = $keep:expr; $make:expr }, $bench:ident => $promise:block) => {
        let $kept = $keep;
        let $bench: ::std::sync::Arc<dyn $crate::client::IdempotencyStore> =
            ::std::sync::Arc::new($make);
        $promise
    };
}
