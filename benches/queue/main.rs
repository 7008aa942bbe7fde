//! The queue beside its peers: `cargo xtask bench queue`.
//!
//! What is set equal, and what cannot be, in [`ring::peers`] and [`jobs`]. What a file costs is asked by `queue_file`.
//!
//! | file | question |
//! |---|---|
//! | [`jobs`] | how many jobs a second are pushed and done, in memory? |
//! | [`ring`] | what does an item cost that goes through a bounded channel? |

mod jobs;
mod ring;

use seawall_benches::instructions::Instructions;

fn main() {
    if let Some(mut counted) = Instructions::asked_for() {
        return ring::instructions::all(&mut counted);
    }
    let mut criterion = seawall_benches::criterion();
    ring::all(&mut criterion);
    jobs::all(&mut criterion);
    criterion.final_summary();
}
