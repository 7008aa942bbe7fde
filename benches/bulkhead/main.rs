//! The bulkhead beside its peers and the floor: `cargo xtask bench bulkhead`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`settings`] and [`peers`].
//!
//! | file | question |
//! |---|---|
//! | [`acquire`] | what do a place that is free, and giving it back, cost? |
//! | [`layer`] | what does the Tower layer add to a service? |
//! | [`adaptive`] | what more does a limit cost that finds itself? |
//! | [`rejected`] | what does a call cost for which there is no room? |
//! | [`handover`] | what does it cost to wait for a place that is given back? |

mod acquire;
mod adaptive;
mod handover;
mod layer;
mod peers;
mod rejected;
mod settings;

fn main() {
    let mut criterion = seawall_benches::criterion();
    acquire::all(&mut criterion);
    layer::all(&mut criterion);
    adaptive::all(&mut criterion);
    rejected::all(&mut criterion);
    handover::all(&mut criterion);
    criterion.final_summary();
}
