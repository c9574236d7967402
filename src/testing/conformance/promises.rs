//! The lists of the promises, which the macros turn into tests.

/// The list of a store's promises.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_promises {
    ($attributes:tt $name:ident $setup:tt) => {
        $crate::__store_tests! {
            $attributes $name $setup;
            outbox: [
                recording_makes_no_link
                recording_a_revision_twice_changes_nothing
                recording_waits_for_no_lease
                a_change_is_settled_only_by_its_name
                changes_come_oldest_first_and_in_pages
                one_revision_recorded_at_once_is_stored_once
                a_change_keeps_its_source
            ];
            inbox: [
                accepting_makes_no_link
                a_delivery_comes_as_it_was_accepted
                bytes_that_wait_are_a_duplicate
                settled_bytes_are_one_more_reason_to_look
                an_ignored_delivery_is_stored_once
                a_delivery_without_a_booking_is_ignored
                accepting_waits_for_no_lease
                deliveries_come_oldest_first_and_in_pages
                identical_deliveries_at_once_are_stored_once
                a_delivery_keeps_its_source
                health_counts_by_source_and_fate
                health_looks_back_as_far_as_asked
            ];
            routing: [
                a_change_goes_to_the_link_of_its_appointment
                a_delivery_goes_to_the_link_of_its_booking
                a_delivery_goes_to_the_link_it_was_rescheduled_from
                a_delivery_goes_to_the_link_of_its_sync_key
                the_uid_counts_before_the_replaced_one_and_the_sync_key
                a_link_that_is_made_is_bare
                routing_follows_the_order_of_intake
                all_that_waits_for_a_link_comes_with_one_claim
                many_links_are_all_claimed
                what_waits_for_a_leased_link_hides_no_other
                what_came_with_a_claim_comes_once
                doors_and_claimers_at_once_make_one_link
                nothing_that_waits_is_left_behind
                what_is_not_named_comes_again
                the_same_names_in_two_tenants_are_two_links
            ];
            order: [
                an_empty_store_has_nothing_due
                links_are_claimed_in_the_order_of_intake
                known_links_are_claimed_in_the_order_of_intake
                a_later_change_keeps_the_place
                a_settled_link_is_not_due
                a_link_wakes_when_the_settlement_says
                a_link_can_wake_at_once
                what_was_left_comes_when_the_link_wakes
                a_new_change_overtakes_the_time_to_wake
                what_comes_during_a_lease_is_due_after_it
                what_was_routed_during_a_lease_is_due_after_it
                nothing_new_comes_before_not_before
                not_before_wakes_nobody
                a_link_wakes_no_sooner_than_not_before
                the_next_settlement_forgets_not_before
                next_due_is_the_soonest_link
                the_longest_times_never_end
            ];
            turns: [
                tenants_take_turns
                a_turn_comes_back_to_the_same_tenant
                a_long_queue_delays_no_other_tenant
                a_held_tenant_is_passed_over_until_time_ends_it
                a_hold_is_never_shortened
                a_hold_leaves_leases_valid
                resuming_ends_a_hold
                a_paused_tenant_is_passed_over
                no_link_goes_to_two_claimers
            ];
            formats: [
                a_newer_format_is_left_to_a_newer_worker
                next_due_counts_what_the_worker_reads
                bytes_come_back_as_they_were_stored
            ];
            leases: [
                a_leased_link_is_not_claimed_until_the_lease_runs_out
                nothing_new_ends_a_lease
                a_lease_is_valid_until_the_link_is_claimed_again
                a_later_claim_makes_a_lease_void
                a_returned_lease_is_void
                a_lease_on_an_absorbed_link_is_void
                a_lease_of_another_tenant_is_void
                a_lease_is_good_for_its_own_link
                a_void_lease_never_wins_a_race
            ];
            checkpoints: [
                a_checkpoint_stores_link_keys_and_log
                a_delivery_finds_what_a_checkpoint_stored
                a_checkpoint_prolongs_the_lease
                a_checkpoint_takes_no_key_of_another_link
            ];
            claims: [
                claims_are_counted_until_a_settlement
                a_claim_tells_the_first_revision
                a_claim_tells_the_stores_time
                a_lease_names_its_link
                a_link_is_found_by_each_of_its_keys
            ];
            settlements: [
                a_settled_link_is_read_back_as_it_was_stored
                bookings_of_the_chain_lead_to_the_link
                a_settlement_that_fails_changes_nothing
                a_settlement_settles_only_what_waits_for_its_link
                nothing_is_settled_twice
                a_mark_stays_until_a_settlement_names_it
                a_settlement_removes_no_mark_of_another_link
                siblings_are_marked
                a_link_without_a_series_has_no_siblings
                a_settlement_reaches_across_no_tenant
                an_appointment_stays_with_its_link
            ];
            absorption: [
                a_settlement_absorbs_the_bare_link_of_an_appointment
                a_settlement_absorbs_the_bare_links_of_bookings
                an_idle_link_is_absorbed_without_work
                an_absorbed_link_brings_its_appointment
                marks_move_with_an_absorbed_link
                what_cannot_be_absorbed_is_a_conflict
                a_link_that_is_not_bare_is_not_absorbed
                giving_up_a_bare_link_moves_all_it_holds
                giving_up_a_bare_link_moves_its_marks
                giving_up_a_bare_link_brings_its_appointment
                a_link_that_is_not_bare_cannot_be_given_up
                a_link_cannot_be_given_up_to_one_that_is_gone
                what_is_absorbed_during_a_lease_is_not_lost
                a_second_appointment_during_a_lease_is_a_conflict
                two_links_given_up_to_each_other_leave_one
            ];
            reviews: [
                a_settlement_opens_an_item
                a_links_cause_has_one_open_item
                another_cause_or_link_has_its_own_item
                a_tenants_cause_has_one_open_item
                a_cause_is_the_tenants_own
                a_closed_item_is_not_opened_again
                open_items_come_oldest_first_and_in_pages
                a_settled_links_items_close_themselves
                an_unsettled_link_keeps_its_items
                a_tenants_item_closes_with_its_last_link
                an_item_closes_with_its_cause
                an_item_for_a_person_stays_open
                items_move_with_an_absorbed_link
                twins_become_one_with_an_absorbed_link
            ];
            resolutions: [
                an_item_is_resolved_once
                an_item_that_closed_itself_is_not_resolved
                an_unknown_item_is_not_found
                a_decision_is_an_instruction_for_the_link
                a_decision_instructs_every_link_with_a_part
                dismissing_instructs_nobody
                a_decision_outlives_the_turn_it_came_in
                the_outcome_is_stored_by_a_later_settlement
                an_outcome_of_an_open_item_is_passed_over
                an_instruction_follows_an_absorbed_link
                retrying_the_item_of_a_pause_resumes
                other_items_do_not_resume
                after_the_pause_the_cause_is_one_like_others
                an_item_resolved_at_once_is_resolved_once
            ];
            log: [
                lines_come_in_order_and_in_pages
                lines_name_the_link_and_the_appointment
                lines_of_a_checkpoint_come_first
                a_line_about_the_tenant_names_no_link
                a_decision_is_logged
                resuming_is_logged
                the_latest_lines_come_first_and_in_pages
                lines_by_persons_have_an_actor
                an_appended_line_is_one_like_others
                an_appended_line_goes_like_others
            ];
            tenants: [
                resuming_ends_a_pause_and_closes_its_item
                what_becomes_due_during_a_pause_stays_due
                a_pause_leaves_leases_valid
                a_hold_does_not_touch_a_pause
                a_pause_keeps_its_item
                resuming_twice_is_harmless
                resuming_is_the_tenants_own
                a_person_pauses_one_tenant
                a_tenant_is_paused_once
                pauses_at_once_are_one
                a_pause_takes_up_the_item_of_its_cause
                the_item_of_a_persons_pause_stays_open
                resuming_ends_a_persons_pause
                retrying_ends_a_persons_pause
                a_persons_pause_leaves_a_hold
                a_pause_is_not_taken_over
                no_item_outlives_the_pauses_that_opened_it
                no_list_reaches_across_tenants
            ];
            sweeps: [
                the_first_sweep_is_due_at_once
                a_sweep_excludes_others
                sweeps_begun_at_once_are_one
                a_sweep_is_not_due_until_the_last_one_is_long_over
                a_sweep_can_be_due_at_once
                a_rest_postpones_the_next_sweep
                a_cursor_is_read_back_as_it_was_stored
                an_expired_sweep_goes_on_in_other_hands
                an_overtaken_sweep_is_refused
                a_sweep_that_nobody_overtook_stays_valid
                advancing_prolongs_the_lease
                an_ended_sweep_is_over
                sweeps_of_tenants_are_apart
                a_sweep_tells_the_stores_time
            ];
            sender_events: [
                an_event_is_read_back_as_it_was_stored
                the_senders_id_recognizes_duplicates
                an_event_sent_many_times_at_once_is_stored_once
                events_of_a_key_come_one_at_a_time
                an_event_that_is_put_off_holds_up_its_key
                no_event_and_no_key_goes_to_two
                tenants_take_turns_with_events
                events_of_senders_that_are_left_out_wait
                events_go_on_during_a_pause
                an_expired_event_goes_to_another_worker
                a_lease_that_was_given_up_is_void
                an_event_that_is_handed_back_was_not_claimed
                a_parked_event_waits_for_a_person
                a_retried_event_is_due_again
                an_event_that_is_parked_again_has_a_new_item
                a_dismissed_event_is_over
                events_come_oldest_first_and_in_pages
                ended_events_are_pruned
                bodies_of_ended_events_are_emptied
                events_are_erased_with_their_tenant
            ];
            service_links: [
                the_first_service_sync_is_due_at_once
                a_service_sync_excludes_others
                service_syncs_begun_at_once_are_one
                a_service_sync_is_due_by_schedule_or_for_a_retry
                a_rest_postpones_the_next_service_sync
                a_service_link_is_read_back_as_it_was_stored
                a_service_link_is_replaced_by_its_id
                service_links_come_in_order_and_in_pages
                an_expired_service_sync_goes_on_in_other_hands
                storing_prolongs_the_service_sync
                an_ended_service_sync_is_over
                services_of_tenants_are_apart
            ];
            documents: [
                a_document_begins_with_its_first_version
                a_document_is_read_back_as_it_was_saved
                a_document_is_saved_only_over_the_expected_version
                documents_saved_at_once_are_one
                versions_come_newest_first_and_in_pages
                old_versions_are_removed
                a_document_is_bounded
                documents_are_apart
                a_document_tells_the_stores_time
                the_documents_of_an_erased_tenant_go
            ];
            upkeep: [
                what_is_over_is_removed
                a_removed_item_is_gone
                what_is_over_since_lately_stays
                what_is_not_over_stays
                no_call_removes_more_than_its_limit
                what_was_removed_may_come_anew
                bytes_that_wait_again_stay_one_delivery
                each_kind_is_kept_for_its_own_span
                a_body_may_go_before_its_delivery
            ];
            reports: [
                a_history_holds_all_in_order
                a_history_is_of_one_appointment
                a_history_ends_with_what_is_kept
                a_status_tells_what_waits
                work_is_counted_by_state_and_origin
                the_queue_is_counted
                a_link_can_be_marked
                what_ended_is_counted_in_slices
                slices_go_back_as_far_as_asked
                waiting_changes_come_in_order
            ];
            review_lists: [
                a_filter_lets_through_what_it_says
                items_are_counted_by_reason
            ];
            erasure: [
                a_tenant_is_erased_whole
                erasing_makes_leases_void
                an_erased_tenant_may_come_anew
                marks_are_erased
                links_come_in_order_and_in_pages
                a_state_is_replaced_as_it_was_read
                bodies_are_read_and_emptied
                evidence_is_replaced
            ];
        }
    };
}

/// The list of a repository's promises, given to the macro that is named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __appointment_promises {
    ($with:ident $($arguments:tt)*) => {
        $crate::$with! {
            $($arguments)*;
            appointments: [
                an_unknown_appointment_is_none
                an_id_has_one_spelling
                a_created_appointment_is_read_back
                creating_for_a_chain_twice_writes_once
                chain_keys_are_compared_byte_by_byte
                one_chain_in_two_tenants_is_two_appointments
                nothing_reaches_across_tenants
                an_update_raises_the_revision
                an_update_without_a_change_raises_the_revision
                every_status_is_kept
                an_appointment_can_be_created_as_ended
                a_reason_goes_with_its_write
                an_update_expects_the_revision
                an_update_of_an_unknown_appointment_is_not_found
            ];
            details: [
                details_are_kept_or_unknown
                what_an_attendee_lacks_stays_absent
                no_guests_is_not_unknown_guests
                no_notes_is_not_unknown_notes
                fractions_of_a_second_are_cut_off_alike
                an_instant_is_kept_where_clocks_change
                hostile_texts_are_kept
                an_address_keeps_its_case
                the_longest_texts_are_kept
            ];
            scans: [
                a_scan_walks_the_window_in_order
                pages_miss_nothing_and_repeat_nothing
                a_scan_goes_on_from_where_it_stood
                a_scan_gives_what_has_ended
                a_scan_does_not_reach_across_tenants
            ];
            races: [
                creating_for_a_chain_at_once_writes_once
                of_updates_at_once_one_wins
                different_appointments_do_not_meet
                a_dropped_call_leaves_nothing_half_done
            ];
            host_writes: [
                what_the_application_makes_is_its_own
                every_appointment_of_the_application_has_its_own_id
                the_application_is_not_overwritten
                an_origin_does_not_outlive_its_write
                what_the_application_cancels_has_ended
                a_race_with_the_application_loses_nothing
            ];
        }
    };
}

/// The list of a service repository's promises: those that borrow it, then those that share it among
/// tasks.
#[doc(hidden)]
#[macro_export]
macro_rules! __service_promises {
    ($attributes:tt $name:ident $setup:tt) => {
        $crate::__service_tests! {
            $attributes $name $setup;
            services: [
                an_unknown_service_is_none
                a_created_service_is_read_back
                creating_for_an_event_type_twice_writes_once
                one_event_type_in_two_tenants_is_two_services
                an_update_of_a_service_raises_the_revision
                an_update_of_a_service_expects_the_revision
                an_update_of_an_unknown_service_is_not_found
                an_update_of_a_service_does_not_reach_across_tenants
                a_service_is_paired_anew_and_the_event_type_is_free
                services_come_in_order_and_in_pages
            ] [
                creating_for_an_event_type_at_once_writes_once
                of_updates_of_a_service_at_once_one_wins
            ];
        }
    };
}

/// The list of a desk's promises.
#[doc(hidden)]
#[macro_export]
macro_rules! __desk_promises {
    ($attributes:tt $name:ident $setup:tt) => {
        $crate::__desk_tests! {
            $attributes $name $setup;
            what_is_taken_is_stored_and_recorded
            taking_twice_takes_once
            taking_again_gets_what_has_become_of_it
            taking_at_once_takes_once
            what_was_requested_is_found
            request_keys_are_their_tenants_own
            a_revision_is_written_and_recorded
            a_number_finds_its_appointments
            a_number_elsewhere_is_nobodys
            a_number_finds_live_appointments_only
            a_number_finds_what_has_not_ended
            ends_are_compared_to_the_millisecond
            what_a_number_finds_is_ordered_and_limited
            a_number_finds_what_came_from_calcom
            a_changed_number_finds_it_and_the_old_one_does_not
            a_number_does_not_reach_across_tenants
        }
    };
}
