//! The queue beside its peers: `cargo xtask bench queue`.
//!
//! What is set equal, and what cannot be, in [`ring::peers`].
//!
//! | file | question |
//! |---|---|
//! | [`ring`] | what does an item cost that goes through a bounded channel? |

mod ring;

fn main() {
    let mut criterion = seawall_benches::criterion();
    ring::all(&mut criterion);
    criterion.final_summary();
}
