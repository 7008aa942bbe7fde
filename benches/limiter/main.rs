//! The rate limiter beside its peers and the floor: `cargo xtask bench limiter`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`settings`] and [`peers`].
//!
//! | file | question |
//! |---|---|
//! | [`direct`] | what does a cell cost that is there? |
//! | [`denied`] | what does a call cost for which there is no cell? |
//! | [`keyed`] | what does it cost more to have a quota a key, and a million keys? |
//! | [`layer`] | what does the Tower layer add to a service? |
//! | [`wait`] | how often is a call looked at that waits for its turn? |
//! | [`instructions`] | the same in instructions: `cargo xtask bench limiter --instructions` |

mod denied;
mod direct;
mod instructions;
mod keyed;
mod layer;
mod peers;
mod settings;
mod wait;

use seawall_benches::instructions::Instructions;

fn main() {
    if let Some(mut counted) = Instructions::asked_for() {
        return instructions::all(&mut counted);
    }
    let mut criterion = seawall_benches::criterion();
    direct::all(&mut criterion);
    denied::all(&mut criterion);
    keyed::all(&mut criterion);
    layer::all(&mut criterion);
    criterion.final_summary();
    wait::all();
}
