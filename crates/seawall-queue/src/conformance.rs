//! Whether a storage keeps what [`storage`](crate::storage) promises: laws that any backend is run through.
//!
//! Read in this order: this page; [`Suite`], all of it in one go; `stand`, a storage under test; `laws`,
//! one promise each, by example; `model`, random calls beside a slow reference; `histories`, calls that meet.
//!
//! # Examples
//!
//! Does my storage keep the contract?
//!
//! ```
//! use seawall_core::Clock;
//! use seawall_queue::{Memory, conformance::{Stand, Suite}};
//!
//! Suite::new(|settings| async {
//!     let (clock, hand) = Clock::manual();
//!     let storage = Memory::new(settings, clock).unwrap();
//!     Stand::new(storage, move |time| hand.advance(time))
//! })
//! # .cases(4)
//! .run();
//! ```
//!
//! How do I say that one law is not meant to hold?
//!
//! ```
//! # use seawall_core::Clock;
//! # use seawall_queue::{Memory, conformance::{Stand, Suite}};
//! # Suite::new(|settings| async {
//! #     let (clock, hand) = Clock::manual();
//! #     Stand::new(Memory::new(settings, clock).unwrap(), move |time| hand.advance(time))
//! # })
//! # .cases(4)
//! .except("forgets_the_oldest_dead_letters", "another system does that")
//! # .run();
//! ```
//!
//! # The laws
//!
//! | promise | laws |
//! |---|---|
//! | one lease, a fresh token | `every_claim_has_a_greater_token`, `a_leased_job_is_nobody_elses` |
//! | only by the token | `a_late_settle_is_lost`, `a_late_retry_moves_nothing`, `a_swept_lease_is_lost` |
//! | settled once | `a_settle_that_comes_twice_moves_once`, `the_first_verdict_counts` |
//! | leases | `a_lease_ends_by_time_alone`, `a_kept_lease_goes_on`, `a_lease_that_is_over_can_be_kept_until_it_is_swept`, `ten_thousand_leases_of_a_dead_worker_come_back` |
//! | counts | `attempts_end_in_death`, `a_snooze_is_no_attempt`, `a_release_keeps_its_place`, `crashes_end_in_death`, `a_crashed_job_goes_behind_the_others`, `a_crash_on_the_last_attempt_is_death`, `a_jobs_own_attempts_count` |
//! | in turn | `first_come_first_served`, `the_important_go_first`, `nobody_starves`, `a_delay_is_kept`, `a_burst_is_taken_in_bounded_steps` |
//! | unique | `a_unique_job_is_in_once`, `a_queued_scope_ends_with_the_claim`, `a_timed_scope_outlives_the_job`, `a_replacement_takes_over_what_waits`, `what_runs_is_not_replaced`, `a_dead_job_takes_its_key_again`, `of_many_at_once_one_is_in` |
//! | by key | `a_key_has_its_limit`, `a_key_holds_up_no_other`, `a_dead_workers_share_of_a_key_comes_back`, `the_most_important_of_a_key_is_next` |
//! | by key, in turns | `no_key_waits_for_anothers_backlog`, `keys_go_round`, `who_ends_first_has_no_more_turns`, `one_key_alone_goes_as_fast_as_none`, `the_urgent_one_takes_its_keys_place`, `a_place_passes_to_the_next_of_its_key`, `priorities_age_between_keys`, `a_key_at_its_limit_leaves_its_turn_to_others`, `what_comes_back_takes_turns_too`, `a_turn_changes_nothing_of_a_jobs_time`, `who_has_many_is_shed_before_who_has_one` |
//! | bounded | `a_full_queue_refuses`, `what_comes_back_finds_a_place`, `the_least_important_is_shed`, `nobody_is_shed_for_his_like` |
//! | control | `a_waiting_job_is_cancelled`, `a_running_job_is_asked_to_stop`, `a_cancelled_job_never_runs_again`, `a_dead_job_comes_back_whole`, `nothing_is_claimed_while_paused` |
//! | looking | `what_is_known_of_a_job`, `pages_are_whole`, `forgets_the_oldest_that_are_done`, `forgets_the_oldest_dead_letters` |
//! | unclear is not undone | `a_dropped_call_is_done_or_not_done` |
//! | all of it | `behaves_as_its_model`, `histories_are_consistent` |
//!
//! What it can't know: whether what was acknowledged survives the process, and how fast it is. A
//! storage that says that it is durable has crash tests of its own.

mod histories;
mod laws;
mod model;
mod reference;
mod stand;
mod suite;

pub use self::{
    stand::Stand,
    suite::{Outcome, Suite, Verdict},
};
