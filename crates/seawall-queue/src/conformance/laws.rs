//! One promise each, by example: every law opens an empty storage, and panics with what it saw.

mod bounds;
mod control;
mod counts;
mod fair;
mod keys;
mod leases;
mod look;
mod turns;
mod uniques;

use super::suite::Law;
use crate::storage::Storage;

/// `laws!(module: law, …; …)`: the laws with their names.
macro_rules! laws {
    ($($module:ident: $($law:ident),+ $(,)?;)+) => {
        vec![$($((stringify!($law), (|bench| Box::pin($module::$law(bench))) as Law<S>),)+)+]
    };
}

/// All of them.
pub(super) fn all<S: Storage>() -> Vec<(&'static str, Law<S>)> {
    laws! {
        leases:
            every_claim_has_a_greater_token,
            a_leased_job_is_nobody_elses,
            a_late_settle_is_lost,
            a_late_retry_moves_nothing,
            a_swept_lease_is_lost,
            a_settle_that_comes_twice_moves_once,
            the_first_verdict_counts,
            a_lease_ends_by_time_alone,
            a_kept_lease_goes_on,
            a_lease_that_is_over_can_be_kept_until_it_is_swept,
            ten_thousand_leases_of_a_dead_worker_come_back,
            a_dropped_call_is_done_or_not_done;
        counts:
            attempts_end_in_death,
            a_snooze_is_no_attempt,
            a_release_keeps_its_place,
            crashes_end_in_death,
            a_crashed_job_goes_behind_the_others,
            a_crash_on_the_last_attempt_is_death,
            a_jobs_own_attempts_count;
        turns:
            first_come_first_served,
            the_important_go_first,
            nobody_starves,
            a_delay_is_kept,
            a_burst_is_taken_in_bounded_steps;
        uniques:
            a_unique_job_is_in_once,
            a_queued_scope_ends_with_the_claim,
            a_timed_scope_outlives_the_job,
            a_replacement_takes_over_what_waits,
            what_runs_is_not_replaced,
            a_dead_job_takes_its_key_again,
            of_many_at_once_one_is_in;
        keys:
            a_key_has_its_limit,
            a_key_holds_up_no_other,
            a_dead_workers_share_of_a_key_comes_back,
            the_most_important_of_a_key_is_next;
        fair:
            no_key_waits_for_anothers_backlog,
            keys_go_round,
            who_ends_first_has_no_more_turns,
            one_key_alone_goes_as_fast_as_none,
            the_urgent_one_takes_its_keys_place,
            a_place_passes_to_the_next_of_its_key,
            priorities_age_between_keys,
            a_key_at_its_limit_leaves_its_turn_to_others,
            what_comes_back_takes_turns_too,
            a_turn_changes_nothing_of_a_jobs_time,
            who_has_many_is_shed_before_who_has_one;
        bounds:
            a_full_queue_refuses,
            what_comes_back_finds_a_place,
            the_least_important_is_shed,
            nobody_is_shed_for_his_like;
        control:
            a_waiting_job_is_cancelled,
            a_running_job_is_asked_to_stop,
            a_cancelled_job_never_runs_again,
            a_dead_job_comes_back_whole,
            nothing_is_claimed_while_paused;
        look:
            what_is_known_of_a_job,
            pages_are_whole,
            forgets_the_oldest_that_are_done,
            forgets_the_oldest_dead_letters;
    }
}
