//! The race, event by event. The promises are those of [`race`](crate::hedge::race).

use std::collections::BTreeSet;

use proptest::prelude::*;
use seawall_core::Nanos;

use crate::hedge::race::{End, MOST, Next, Race};

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The n-th of those on their way ends so.
    Ends(usize, End),
    DelayIsOver,
    /// The budget or the deadline refuses.
    Closes,
}

fn event() -> impl Strategy<Value = Event> {
    let ends = |end| (0..MOST as usize).prop_map(move |nth| Event::Ends(nth, end));
    prop_oneof![
        1 => ends(End::Final),
        3 => ends(End::Failed),
        1 => ends(End::Refused),
        4 => Just(Event::DelayIsOver),
        1 => Just(Event::Closes),
    ]
}

proptest! {
    /// Promises 1, 2 and 3.
    #[test]
    fn a_race_keeps_its_promises(
        most in 1..=MOST,
        events in prop::collection::vec(event(), 0..20),
    ) {
        let mut race = Race::begin(most, Nanos::ZERO);
        let mut running = BTreeSet::from([0]);
        let (mut ended, mut answered) = (0, false);

        for event in events {
            if answered {
                break;
            }
            let another = match event {
                Event::Ends(nth, end) => {
                    let attempt = *running.iter().nth(nth % running.len()).expect("promise 2");
                    running.remove(&attempt);
                    ended += 1;
                    let next = race.ended(attempt, end);
                    prop_assert!(end != End::Final || next == Next::Answer);
                    prop_assert!(end == End::Failed || next != Next::Another);
                    answered = next == Next::Answer;
                    next == Next::Another
                }
                Event::DelayIsOver => race.is_open(),
                Event::Closes => {
                    race.close();
                    false
                }
            };
            if another {
                running.insert(race.made());
                race.another(Nanos::ZERO);
            }
            prop_assert!(race.made() <= most);
            prop_assert_eq!(race.is_over(), running.is_empty());
            prop_assert!(answered || !running.is_empty());
        }

        prop_assert_eq!(race.cut_off(Nanos::ZERO).count(), running.len());
        prop_assert_eq!(race.made() as usize, running.len() + ended);
        prop_assert!(race.is_over());
    }
}
