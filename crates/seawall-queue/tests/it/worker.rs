//! What the worker promises, on a paused clock where nothing has to block.
//!
//! | promise | where it is shown |
//! |---|---|
//! | 1. said after done | `dropped`; between processes that are killed in `sqlite::killed_workers` |
//! | 2. one at a time | `leases::a_run_ends_before_its_lease_can_be_anothers`, `a_lease_is_as_old_as_the_question_for_it_and_no_younger`, `heartbeats_that_fail_…` |
//! | 3. a lost lease ends the run | `leases::a_lost_lease_ends_the_run_and_it_says_nothing`, `what_a_late_run_says_is_not_taken` |
//! | 4. whoever panics fails | `jobs::who_panics_has_failed_and_nobody_else`, `panics` |
//! | 5. whoever hangs is cut | `jobs::who_hangs_is_cut`, `settings::a_handler_knows_how_much_time_it_has` |
//! | 6. a blocked handler blocks itself | `leases::a_handler_that_blocks_its_thread_holds_up_no_lease` |
//! | 7. never more than asked for | `jobs::no_more_run_at_a_time_than_asked_for`, `ends::what_the_storage_has_not_heard_of_takes_its_place` |
//! | 8. a shutdown loses nothing | `jobs::a_shutdown_gives_back_…`, `leases::what_comes_of_a_claim_after_the_shutdown_goes_back`, `ends::what_ends_within_the_drain_is_done_and_nothing_else_begins` |

mod auto;
mod dropped;
mod ends;
mod inline;
mod jobs;
mod leases;
mod panics;
mod service;
mod settings;
pub(crate) mod shaky;
mod turns;
