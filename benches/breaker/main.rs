//! The circuit breaker beside its peers and the floor: `cargo xtask bench breaker`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`settings`] and [`peers`].
//!
//! | file | question |
//! |---|---|
//! | [`closed`] | what does a call cost that is let in and goes well? |
//! | [`rejected`] | what does a call cost that is not let in? |
//! | [`layer`] | what does the Tower layer add to a service? |
//! | [`size`] | does the cost grow with the window? |

mod closed;
mod layer;
mod peers;
mod rejected;
mod settings;
mod size;

fn main() {
    let mut criterion = seawall_benches::criterion();
    closed::all(&mut criterion);
    rejected::all(&mut criterion);
    layer::all(&mut criterion);
    size::all(&mut criterion);
    criterion.final_summary();
}
