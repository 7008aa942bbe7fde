//! Paths between all words of up to three nodes of six.

use super::*;

fn words() -> Vec<Word> {
    let mut words = Vec::new();
    for a in 0..6_u16 {
        words.push(Word::of([a]));
        for b in (0..6).filter(|&b| b != a) {
            words.push(Word::of([a, b]));
            words.extend((0..6).filter(|&c| c != a && c != b).map(|c| Word::of([a, b, c])));
        }
    }
    words
}

fn legs(path: &Path) -> impl Iterator<Item = Leg> {
    (0..path.legs()).map(|legs| Stop::at(legs).leg(path))
}

/// Promises 1 and 2, and a slot never has fewer nodes than it had and is to have.
#[test]
fn a_path_copies_and_drops_what_a_plan_does_and_no_more() {
    for before in words() {
        for after in words() {
            let path = Path::between(before, after);
            let at = format!("{before:?} to {after:?}");
            assert_eq!(path.word(path.legs()), after, "{at}");
            let joined: Vec<_> = legs(&path).filter_map(Leg::joins).collect();
            let left: Vec<_> = legs(&path).filter_map(Leg::leaves).collect();
            let new = after.nodes().filter(|&node| !before.names(node));
            let gone = before.nodes().filter(|&node| !after.names(node));
            assert_eq!(sorted(joined), sorted(new.collect()), "{at}");
            assert_eq!(sorted(left), sorted(gone.collect()), "{at}");
            let handed = legs(&path).filter(|leg| leg.moves_owner()).count();
            assert_eq!(handed, usize::from(before.owner() != after.owner()), "{at}");
            let fewest = before.len().min(after.len());
            assert!((0..=path.legs()).all(|legs| path.word(legs).len() >= fewest), "{at}");
        }
    }
}

/// Every stop has a word, and the way back from it leads to where it came from.
#[test]
fn who_turns_round_is_on_the_path_and_ends_where_it_began() {
    for before in words().into_iter().step_by(7) {
        for after in words() {
            let path = Path::between(before, after);
            for legs in 0..path.legs() {
                let Some(first) = Stop::at(legs).leg(&path).first_phase() else { continue };
                let stop = Stop::at(legs).in_phase(first);
                for phase in [Phase::Copying, Phase::CatchUp, Phase::HandOff, Phase::DualRead] {
                    let stop = stop.in_phase(phase);
                    if !stop.is_on(&path) {
                        continue;
                    }
                    let turned = stop.turned(&path).expect("it is not too late");
                    assert!(turned.is_on(&path), "{stop:?} and {turned:?}");
                    assert_eq!(turned.end(), Stop::at(legs));
                    if phase == Phase::DualRead && stop.leg(&path).moves_owner() {
                        // The target has writes: they wait while it hands the slot back.
                        assert_eq!(turned.phase, Some(Phase::CatchUp));
                        assert!(turned.in_phase(Phase::HandOff).is_on(&path));
                    }
                    // Who owned goes on to own, whichever way it goes.
                    assert_eq!(turned.word(&path).owner(), stop.word(&path).owner());
                }
            }
        }
    }
}

fn sorted(mut nodes: Vec<u16>) -> Vec<u16> {
    nodes.sort_unstable();
    nodes
}
