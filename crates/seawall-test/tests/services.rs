//! What the services of this crate do when they are used by themselves.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use seawall_test::{
    Answer, CountingAllocator, Failure, Held, Probe, Scripted, Settled, Step, Task, allocations,
};
use tower::Service;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

fn panics<T>(f: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else {
        panic!("it should have panicked");
    };
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .expect("it is a text")
}

fn ready<S: Service<u8>>(service: &mut S) -> bool {
    let task = Task::new();
    task.enter(|cx| matches!(service.poll_ready(cx), Poll::Ready(Ok(()))))
}

#[test]
fn a_probe_refuses_a_call_that_nobody_announced() {
    let (mut probe, seen) = Probe::new(Scripted::new([Step::Ok]));

    let said = panics(|| probe.call(1_u8));

    assert!(said.contains("without `poll_ready`"), "{said}");
    assert_eq!(seen.unready_calls(), 1);
}

#[test]
fn a_probe_takes_one_call_for_one_readiness() {
    let (mut probe, seen) = Probe::lenient(Scripted::new([Step::Ok]));
    assert!(ready(&mut probe));

    drop(probe.call(1));
    drop(probe.call(2));

    assert_eq!((seen.calls(), seen.unready_calls()), (2, 1));
}

#[test]
fn the_clone_of_a_ready_probe_is_not_ready() {
    let (mut probe, seen) = Probe::lenient(Scripted::new([Step::Ok]));
    assert!(ready(&mut probe));

    drop(probe.clone().call(1_u8));

    assert_eq!(seen.unready_calls(), 1);
    assert_eq!(seen.reserved(), 1);
}

#[test]
fn a_probe_that_is_dropped_reserves_nothing() {
    let (mut probe, seen) = Probe::new(Scripted::new([Step::Ok]));
    assert!(ready(&mut probe));
    assert_eq!(seen.reserved(), 1);

    drop(probe);

    assert_eq!(seen.reserved(), 0);
}

#[test]
fn a_probe_tells_how_each_call_ended() {
    let (mut probe, seen) = Probe::new(Scripted::new([
        Step::Ok,
        Step::Err,
        Step::Hang,
        Step::Panic,
        Step::PanicInCall,
    ]));
    let task = Task::new();

    for call in 0..5_u8 {
        assert!(ready(&mut probe));
        let _ = catch_unwind(AssertUnwindSafe(|| task.poll(pin!(probe.call(call))).is_ready()));
    }

    let ended = (seen.completed(), seen.dropped(), seen.panicked());
    assert_eq!(ended, (2, 1, 2));
    assert_eq!((seen.calls(), seen.in_flight(), seen.peak()), (5, 0, 1));
}

#[test]
fn a_probe_remembers_the_most_at_once() {
    let (mut probe, seen) = Probe::lenient(Scripted::new([Step::Hang]));

    let three = [probe.call(1_u8), probe.call(2), probe.call(3)];
    drop(three);
    drop(probe.call(4));

    assert_eq!((seen.peak(), seen.in_flight()), (3, 0));
}

#[test]
fn held_calls_can_be_answered_in_any_order() {
    let (mut held, handle) = Held::<u8, char, Failure>::new();
    let task = Task::new();
    let (mut first, mut second) = (held.call(1), held.call(2));
    assert!(task.poll(pin!(&mut first)).is_pending());
    assert!(task.poll(pin!(&mut second)).is_pending());

    let earlier = handle.take_call().expect("two wait");
    assert_eq!(handle.ok('b'), 2);
    assert_eq!(earlier.err(Failure(1)), 1);

    assert_eq!(task.wakes(), 2);
    assert_eq!(task.poll(pin!(second)), Poll::Ready(Ok('b')));
    assert_eq!(task.poll(pin!(first)), Poll::Ready(Err(Failure(1))));
}

#[test]
fn a_held_call_whose_future_is_dropped_waits_no_more() {
    let (mut held, handle) = Held::<u8, char, Failure>::new();
    let (first, second) = (held.call(1), held.call(2));
    assert_eq!(handle.waiting(), 2);

    drop(first);

    assert_eq!(handle.waiting(), 1);
    assert_eq!(handle.take_call().map(|call| *call.request()), Some(2));
    drop(second);
}

#[test]
fn a_held_call_can_be_told_to_panic() {
    let (mut held, handle) = Held::<u8, char, Failure>::new();
    let future = held.call(1);

    assert_eq!(handle.panic(), 1);

    let said = panics(|| Task::new().poll(pin!(future)));
    assert!(said.contains("as it was told to"), "{said}");
}

#[test]
fn an_answer_without_a_call_is_a_mistake_of_the_test() {
    let (_held, handle) = Held::<u8, char, Failure>::new();

    let said = panics(|| handle.ok('a'));

    assert!(said.contains("no call waits"), "{said}");
}

#[test]
fn held_readiness_wakes_everybody_when_it_is_released() {
    let (held, handle) = Held::<u8, char, Failure>::new();
    handle.hold_readiness();
    let tasks = [Task::new(), Task::new()];
    let mut clones = [held.clone(), held];
    for (task, clone) in tasks.iter().zip(&mut clones) {
        let settled = task.settle(|cx| clone.poll_ready(cx));
        assert_eq!(settled, Settled::Waiting);
    }

    handle.release_readiness();

    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1]);
    assert!(clones.iter_mut().all(ready));
}

#[test]
fn a_readiness_error_is_told_once() {
    let (mut held, handle) = Held::<u8, char, Failure>::new();
    handle.fail_readiness(Failure(9));
    let task = Task::new();

    let first = task.enter(|cx| held.poll_ready(cx));
    let second = task.enter(|cx| held.poll_ready(cx));

    assert_eq!(first, Poll::Ready(Err(Failure(9))));
    assert_eq!(second, Poll::Ready(Ok(())));
}

#[test]
fn a_rule_answers_without_allocating() {
    let (mut held, handle) = Held::<u8, u8, Failure>::new();
    handle.answer_with(|&request| Answer::Ok(request + 1));
    let task = Task::new();

    let (answered, count) = allocations(|| task.poll(pin!(held.call(1))));

    assert_eq!((answered, count), (Poll::Ready(Ok(2)), 0));
}

#[test]
fn a_script_repeats_its_last_step_for_all_clones() {
    let mut script = Scripted::new([Step::Err, Step::Ok]);
    let mut clone = script.clone();
    let task = Task::new();

    assert_eq!(task.poll(pin!(script.call(1))), Poll::Ready(Err(Failure(0))));
    assert_eq!(task.poll(pin!(clone.call(2))), Poll::Ready(Ok(2)));
    assert_eq!(task.poll(pin!(script.call(3))), Poll::Ready(Ok(3)));
    assert_eq!(clone.calls(), 3);
}

#[test]
fn an_exact_script_says_when_it_is_over() {
    let mut script = Scripted::exactly([Step::Ok]);
    drop(script.call(1));

    let said = panics(|| script.call(2));

    assert_eq!(said, "the script has 1 steps, and this is call 2");
}

#[test]
fn an_empty_script_is_refused() {
    assert!(panics(|| Scripted::new([])).contains("at least one step"));
}

#[test]
fn a_task_tells_waiting_from_spinning() {
    let task = Task::new();

    let waiting = task.settle(|_| Poll::<()>::Pending);
    let spinning = task.settle(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });

    assert_eq!((waiting, spinning), (Settled::Waiting, Settled::Spinning));
}

#[test]
fn a_task_goes_on_with_what_was_woken_meanwhile() {
    let task = Task::new();
    let mut polls = 0;

    let settled = task.settle(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
    });

    assert_eq!(settled.ready(), Some(3));
}

#[test]
fn allocations_of_other_threads_are_not_counted() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let (done, finished) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        gone.recv().expect("the other end is there");
        let (_, count) = allocations(|| vec![0_u8; 100]);
        done.send(count).expect("the other end is there");
    });

    go.send(()).expect("the other end is there");
    let there = finished.recv().expect("the other end is there");
    other.join().expect("it does not panic");
    let ((), here) = allocations(|| ());

    assert_eq!((there, here), (1, 0));
}

#[test]
fn growing_counts_as_allocating() {
    let mut list = Vec::with_capacity(1);
    list.push(0_u64);

    let ((), count) = allocations(|| list.extend([1, 2, 3]));

    assert_eq!(count, 1);
    assert_eq!(list.len(), 4);
}
