//! Retries, timeouts, hedges and fallbacks beside their peers and the floor: `cargo xtask bench retry`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`settings`] and [`peers`]. All calls do well at once: what a pattern costs while nothing is wrong.
//!
//! | file | question |
//! |---|---|
//! | [`plain`] | what does a call cost that does well at its first try? |
//! | [`layer`] | what does the Tower layer add to a service? |
//! | [`timeout`] | what does a call cost whose time is limited? |
//! | [`hedge`] | what does a call cost that is never hedged? |
//! | [`budget`] | what do paying for retries, and their refusal, cost? |
//! | [`fallback`] | what does a call cost that never falls? |

mod budget;
mod fallback;
mod hedge;
mod layer;
mod peers;
mod plain;
mod settings;
mod timeout;

fn main() {
    let mut criterion = seawall_benches::criterion();
    plain::all(&mut criterion);
    layer::all(&mut criterion);
    timeout::all(&mut criterion);
    hedge::all(&mut criterion);
    budget::all(&mut criterion);
    fallback::all(&mut criterion);
    criterion.final_summary();
}
