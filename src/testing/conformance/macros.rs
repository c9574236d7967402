//! The macros that turn promises into tests.

/// Holds a [`Store`](crate::store::Store) to the promises of its ports: a module with one `#[tokio::test]` a promise.
///
/// The second argument is evaluated anew for each test and gives an empty store. Where something has to outlive the store,
/// such as its folder, it is bound first. The test's crate needs tokio with `macros` and `rt-multi-thread`.
///
/// ```no_run
/// # mod suite {
/// use calcom::sqlite::SqliteStore;
/// use calcom::store::InMemoryStore;
///
/// calcom::store_conformance!(in_memory, InMemoryStore::new());
///
/// calcom::store_conformance!(
///     sqlite,
///     let folder = tempfile::tempdir().unwrap();
///     SqliteStore::open(folder.path().join("books.db")).await.unwrap()
/// );
/// # }
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, let $kept:ident = $keep:expr; $make:expr) => {
        $crate::__store_promises!($name { let $kept = $keep; $make });
    };
    ($name:ident, $make:expr) => {
        $crate::__store_promises!($name { let _kept = (); $make });
    };
}

/// Holds an [`AppointmentRepository`](crate::store::AppointmentRepository) to its promises; used as
/// [`store_conformance!`](crate::store_conformance).
#[macro_export]
macro_rules! appointment_conformance {
    ($name:ident, let $kept:ident = $keep:expr; $make:expr) => {
        $crate::__appointment_promises!($name { let $kept = $keep; $make });
    };
    ($name:ident, $make:expr) => {
        $crate::__appointment_promises!($name { let _kept = (); $make });
    };
}

/// The list of a store's promises: those that borrow the store, then those that share it among tasks.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_promises {
    ($name:ident $setup:tt) => {
        $crate::__promise_tests! {
            $name dyn $crate::store::Store, $setup;
            outbox: [
                recording_makes_a_link_that_is_due
                recording_marks_the_link_of_the_appointment
                recording_a_revision_twice_changes_nothing
                a_change_is_settled_only_by_its_name
                changes_come_oldest_first
            ] [
                one_revision_recorded_at_once_is_stored_once
                revisions_recorded_at_once_make_one_link
            ];
            inbox: [
                accepting_makes_a_link_that_is_due
                the_same_bytes_twice_are_a_duplicate
                an_ignored_delivery_waits_for_nobody
                a_link_is_found_by_any_booking_of_its_chain
                a_link_is_found_by_the_booking_that_was_replaced
                a_link_is_found_by_its_sync_key
                the_booking_counts_before_the_one_it_replaced_and_the_sync_key
                accepting_waits_for_no_lease
                deliveries_come_oldest_first_with_their_fate
            ] [
                identical_deliveries_at_once_are_stored_once
                deliveries_of_one_booking_at_once_make_one_link
            ];
            links: [
                an_empty_store_has_nothing_due
                the_link_that_is_due_for_longest_is_claimed_first
                nothing_is_claimed_before_it_is_due
                a_claim_brings_all_that_waits_and_nothing_else
                a_link_is_found_by_each_of_its_keys
                next_due_is_the_soonest_link
                next_due_of_a_claimed_link_is_the_end_of_its_lease
            ] [
                no_link_goes_to_two_claimers
                marks_are_never_lost
            ];
            leases: [
                a_leased_link_is_not_claimed_until_the_lease_runs_out
                a_later_claim_makes_a_lease_void
                a_lease_of_another_tenant_is_void
                a_mark_after_the_claim_makes_the_link_due_again
                a_write_is_stored_before_it_is_made
                a_write_prolongs_the_lease
                a_key_of_another_link_cannot_be_taken
            ] [
                a_void_lease_never_wins_a_race
            ];
            settlements: [
                a_settled_link_is_read_back_as_it_was_stored
                a_settled_link_is_due_when_the_settlement_says
                a_settlement_gives_the_lease_back
                bookings_of_the_chain_lead_to_the_link
                a_settlement_that_fails_changes_nothing
                a_settlement_cannot_settle_what_waits_for_another_link
                a_settlement_cannot_settle_what_waits_for_another_tenant
                the_series_is_marked_to_be_read
            ] [];
            absorption: [
                a_bare_link_of_the_appointment_is_absorbed
                a_bare_link_of_a_booking_is_absorbed
                the_lease_on_an_absorbed_link_is_void
                a_link_that_is_not_bare_is_not_absorbed
                giving_up_a_bare_link_moves_all_it_holds
                a_link_that_is_not_bare_cannot_be_given_up
                a_link_cannot_be_given_up_to_one_that_is_gone
                open_reviews_move_with_an_absorbed_link
                open_reviews_for_one_reason_become_one
            ] [];
            reviews: [
                a_settlement_opens_an_item
                a_reason_has_one_open_item
                a_closed_item_is_not_opened_again
                open_items_come_oldest_first
                other_items_close_themselves
                a_report_of_a_foreign_booking_stays_open
                an_item_is_resolved_once
                an_unknown_item_is_not_found
                retry_marks_the_link_to_be_read_from_the_first_attempt
                retry_during_the_work_outlives_its_settlement
                dismissing_marks_nothing
                retry_of_a_tenants_item_lets_its_work_go_on
            ] [
                an_item_resolved_at_once_is_resolved_once
            ];
            log: [
                lines_come_in_order_and_in_pages
                lines_name_the_link_and_the_appointment
                a_line_about_the_tenant_names_no_link
                a_resolution_is_logged
            ] [];
            tenants: [
                links_of_a_paused_tenant_are_not_claimed
                what_becomes_due_during_a_pause_stays_due
                other_tenants_go_on
                resuming_twice_is_harmless
                the_same_names_in_two_tenants_are_two_links
                no_call_reaches_across_tenants
            ] [];
        }
    };
}

/// The list of a repository's promises.
#[doc(hidden)]
#[macro_export]
macro_rules! __appointment_promises {
    ($name:ident $setup:tt) => {
        $crate::__promise_tests! {
            $name dyn $crate::store::AppointmentRepository, $setup;
            appointments: [
                an_unknown_appointment_is_none
                a_created_appointment_is_read_back
                creating_for_a_chain_twice_writes_once
                one_chain_in_two_tenants_is_two_appointments
                an_update_raises_the_revision
                an_update_expects_the_revision
                an_update_of_an_unknown_appointment_is_not_found
                an_update_does_not_reach_across_tenants
                a_scan_walks_the_window_in_order
                a_scan_goes_on_after_the_last_page
            ] [
                creating_for_a_chain_at_once_writes_once
                of_updates_at_once_one_wins
            ];
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __promise_tests {
    (
        $name:ident $port:ty, $setup:tt;
        $($group:ident: [$($borrowing:ident)*] [$($sharing:ident)*];)+
    ) => {
        #[allow(unused_imports)]
        mod $name {
            use super::*;
            $(
                mod $group {
                    use super::*;
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $borrowing() {
                            $crate::__hold_to!($port, $setup, store => {
                                $crate::testing::conformance::$group::$borrowing(&*store).await;
                            });
                        }
                    )*
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
                        async fn $sharing() {
                            $crate::__hold_to!($port, $setup, store => {
                                $crate::testing::conformance::$group::$sharing(store).await;
                            });
                        }
                    )*
                }
            )+
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __hold_to {
    ($port:ty, { let $kept:ident = $keep:expr; $make:expr }, $store:ident => $promise:block) => {
        let $kept = $keep;
        let $store: ::std::sync::Arc<$port> = ::std::sync::Arc::new($make);
        $promise
    };
}
