//! The processor's time: what a process burnt, whoever else ran meanwhile.

use std::time::Duration;

/// What all threads of this process have taken so far.
///
/// # Panics
///
/// On a system that this has not been written for.
#[must_use]
pub fn time() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process has its usage");
        [usage.user_time(), usage.system_time()]
            .into_iter()
            .map(|time| {
                let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
                Duration::from_micros(micros.try_into().expect("time does not run backwards"))
            })
            .sum()
    }
    #[cfg(not(target_os = "linux"))]
    panic!("this bench asks Linux what it has burnt")
}
