//! A program without a counting allocator: zero must not look like success there.

use std::panic::catch_unwind;

#[test]
fn counting_without_a_counter_says_what_is_missing() {
    let outcome = catch_unwind(|| seawall_test::allocations(|| vec![1]));

    let panic = outcome.expect_err("nothing counts");
    let text = panic.downcast_ref::<&str>().expect("it is a text");
    assert!(text.contains("#[global_allocator]"), "{text}");
}
