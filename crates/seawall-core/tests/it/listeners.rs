//! Who is told, and what it costs when nobody is.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
    mpsc,
};

use seawall_core::Listeners;

#[test]
fn an_event_is_not_made_where_nobody_listens() {
    let listeners = Listeners::<String>::new();

    listeners.tell(|| unreachable!("nobody listens"));

    assert!(listeners.is_empty());
}

#[test]
fn an_event_is_made_once_however_many_listen() {
    let made = AtomicU32::new(0);
    let mut listeners = Listeners::new();
    for _ in 0..3 {
        listeners.add(|_: &u32| {});
    }

    listeners.tell(|| made.fetch_add(1, SeqCst));

    assert_eq!(made.into_inner(), 1);
}

#[test]
fn listeners_are_told_in_the_order_in_which_they_came() {
    let (told, order) = mpsc::channel();
    let mut listeners = Listeners::new();
    for place in 0..3 {
        let told = told.clone();
        listeners.add(move |event: &char| told.send((place, *event)).unwrap());
    }

    listeners.tell(|| 'a');
    listeners.tell(|| 'b');

    let order: Vec<_> = order.try_iter().collect();
    assert_eq!(order, [(0, 'a'), (1, 'a'), (2, 'a'), (0, 'b'), (1, 'b'), (2, 'b')]);
}

#[test]
fn a_listener_that_panics_harms_no_one() {
    let told = Arc::new(AtomicU32::new(0));
    let count = || {
        let told = Arc::clone(&told);
        move |_: &()| _ = told.fetch_add(1, SeqCst)
    };
    let mut listeners = Listeners::new();
    listeners.add(count());
    listeners.add(|_: &()| std::panic::resume_unwind(Box::new("the listener's own trouble")));
    listeners.add(count());

    listeners.tell(|| ());
    listeners.tell(|| ());

    assert_eq!(told.load(SeqCst), 4);
}

#[test]
fn a_panic_that_panics_again_when_it_is_dropped_harms_no_one() {
    struct Grudge;
    impl Drop for Grudge {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("and another thing"));
        }
    }
    let told = Arc::new(AtomicU32::new(0));
    let mut listeners = Listeners::new();
    listeners.add(|_: &()| std::panic::resume_unwind(Box::new(Grudge)));
    let count = Arc::clone(&told);
    listeners.add(move |_: &()| _ = count.fetch_add(1, SeqCst));

    listeners.tell(|| ());

    assert_eq!(told.load(SeqCst), 1);
}

#[test]
fn a_clone_tells_the_same_and_grows_by_itself() {
    let told = Arc::new(AtomicU32::new(0));
    let mut listeners = Listeners::new();
    let count = Arc::clone(&told);
    listeners.add(move |_: &()| _ = count.fetch_add(1, SeqCst));
    let mut clone = listeners.clone();
    clone.add(|_: &()| {});

    listeners.tell(|| ());
    clone.tell(|| ());

    assert_eq!(told.load(SeqCst), 2);
    assert_eq!(format!("{listeners:?} {clone:?}"), "Listeners(1) Listeners(2)");
}
