//! What every store engine promises, as one suite. An engine joins by saying how it is opened, broken and mended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod digests;
mod journal;
mod ledger;
mod outbox;
mod processing;
mod recovery;
mod retention;
mod samples;
mod sqlite;
mod stale;
mod telling;
mod threads;

use std::sync::Arc;

use pulsewarden::store::Store;

/// A place where an engine keeps one store, empty at first.
pub trait Engine {
    fn new() -> Self;

    /// Opens the store; again after a close, it finds what it kept.
    fn open(&self) -> Arc<dyn Store>;

    /// From now on every write to `table` fails.
    fn break_table(&self, table: &str);

    /// Takes that back.
    fn mend_table(&self, table: &str);
}

macro_rules! suite {
    ($name:ident, $engine:ty: $($module:ident { $($test:ident),* $(,)? })*) => {
        mod $name {
            $(mod $module {
                $(#[test] fn $test() { crate::$module::$test::<$engine>(); })*
            })*
        }
    };
}

suite! { on_sqlite, crate::sqlite::Files:
    journal {
        rows_come_back_in_order_as_they_went_in,
        an_event_is_kept_once,
        a_repeat_beside_new_events_leaves_no_gap,
        times_never_go_back,
        a_held_frontier_binds_later_rows,
        a_frontier_is_held_against_rows_that_come_meanwhile,
        a_failed_append_keeps_nothing_and_heals,
        a_bad_body_is_quarantined_once,
        events_are_listed_newest_first,
        a_rare_type_is_found_far_back,
        the_kept_are_counted_by_type,
    }
    recovery {
        the_whole_envelope_is_found_by_its_id,
        without_an_id_each_row_pairs_with_one_webhook,
        the_window_of_a_pair_is_that_of_clocks_and_retries,
        a_late_webhook_comes_when_impilo_sends_and_no_other_is_taken_for_it,
        rows_of_several_subscriptions_are_one_event,
        a_late_webhook_takes_its_recovered_copy_over,
        what_is_recovered_in_order_stands_before_what_came_later,
        how_far_the_log_was_read_is_remembered,
        what_is_remembered_of_the_log_is_kept_with_its_rows_or_not_at_all,
    }
    processing {
        nothing_is_known_at_first,
        what_was_committed_is_loaded,
        a_commit_is_whole_or_nothing,
        due_subjects_come_in_order,
        ended_alerts_leave_their_slice_and_stay_listed,
        members_come_and_go_and_a_spent_group_is_forgotten,
        an_unchanged_alert_is_left_alone,
        moves_come_oldest_first,
        alerts_are_found_by_every_filter,
        the_most_urgent_alerts_come_first_however_old,
        subjects_are_listed_page_by_page,
        progress_outlives_a_close,
    }
    outbox {
        a_message_is_rendered_once,
        what_is_leased_is_leased_to_nobody_else,
        a_known_key_is_left_alone,
        results_are_recorded,
        a_delivery_given_up_reaches_its_group_through_the_journal,
        a_result_and_its_journal_row_are_kept_together,
        leases_of_an_ended_daemon_are_released,
        deliveries_are_listed_by_alert_and_state,
    }
    ledger {
        each_attempt_is_kept_with_its_result,
        an_attempt_whose_answer_was_lost_is_told_as_such,
        a_receiver_is_proven_by_its_last_delivery,
        a_lane_takes_what_its_limit_lets,
        what_waits_in_a_lane_that_is_back_is_hastened,
        a_fallback_hears_what_is_given_up_once,
        a_fallback_hears_what_waits_too_long_once,
        what_was_given_up_is_sent_again,
        old_attempts_go_with_their_delivery,
    }
    stale {
        what_is_young_or_still_so_stands,
        what_has_ended_meanwhile_is_told_in_a_line,
        what_fired_and_ended_is_one_line_of_the_message_of_its_end,
        a_message_that_was_overtaken_is_not_sent,
        what_is_being_sent_is_left_alone,
    }
    digests {
        a_digest_runs_once,
        a_schedule_is_kept_until_it_changes,
        alerts_in_short_come_page_by_page,
        rule_sets_are_kept_by_hash,
    }
    retention {
        old_bodies_shrink_and_go_but_repeats_stay_known,
        what_is_not_processed_stays,
        old_quarantined_bodies_go,
        old_deliveries_and_alerts_go,
    }
    threads {
        messages_of_a_group_go_out_one_after_the_other,
        what_a_group_hangs_on_is_kept_with_the_result,
        old_threads_are_forgotten,
    }
    telling {
        what_was_told_outlives_a_close_and_is_told_once,
        it_is_remembered_with_its_messages_or_not_at_all,
    }
}
