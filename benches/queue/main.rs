//! The queue beside its peers: `cargo xtask bench queue`.
//!
//! What is set equal, and what cannot be, in [`ring::peers`].
//!
//! | file | question |
//! |---|---|
//! | [`ring`] | what does an item cost that goes through a bounded channel? |

mod ring;

use seawall_benches::instructions::Instructions;

fn main() {
    if let Some(mut counted) = Instructions::asked_for() {
        return ring::instructions::all(&mut counted);
    }
    let mut criterion = seawall_benches::criterion();
    ring::all(&mut criterion);
    criterion.final_summary();
}
