//! Whose calls they are: five tenants share the fleet alike, until one of them sends twenty times his share.
//!
//! | calls a second, at a rate of 600 | each of the four | the noisy one | together |
//! |---|---:|---:|---:|
//! | at all times | 120 | 120 | 600 |
//! | while he is noisy | 120 | 2400 | 2880 |
//! | what the database can do | | | 1200 |
//! | the quota of each, in the last run | 240 | 240 | 1200 |
//!
//! What nobody bounds is served first come first served, so that who sends most gets most, and all wait in
//! his line. Breakers and bulkheads know members and not tenants: they keep the fleet up, and refuse the one
//! as the other.
//!
//! | quota of a tenant | value | why, for this storm |
//! |---|---|---|
//! | rate | what the database can do, by five | twice a tenant's share; if all use theirs up, it is still enough |
//! | burst | what comes back in 0.2 s, 20 at least | arrivals come in crowds, and on a busy machine late, in heaps |
//! | a call that comes too soon | refused at once | who waits would hold what the others need |
//!
//! The price: a quota is not lent. While the others leave half of theirs, the noisy one gets his and no more.

use seawall_core::{Clock, ConfigError};
use seawall_rate_limiter::{Quota, RateLimiters};

use crate::{database::ROOM, defence::Defence};

/// The tenants' names.
const NAMES: [&str; 5] = ["tenant-1", "tenant-2", "tenant-3", "tenant-4", "tenant-5"];

/// How many times his share the noisy one sends.
pub(crate) const NOISE: u32 = 20;

/// A quota's burst is what comes back in a second, by this.
const BURSTS_A_SECOND: u32 = 5;

/// Enough for a crowd, however low the rate.
const LEAST_BURST: u32 = 20;

/// Who calls, as an index of [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant(usize);

impl Tenant {
    pub(crate) const COUNT: u32 = NAMES.len() as u32;

    /// The one who gets noisy.
    pub(crate) const NOISY: Self = Self(2);

    /// One of the others, for tests.
    #[cfg(test)]
    pub(crate) const QUIET: Self = Self(0);

    /// One of them, each as likely as another.
    pub(crate) fn any(rng: &mut fastrand::Rng) -> Self {
        Self(rng.usize(..NAMES.len()))
    }

    pub(crate) const fn name(self) -> &'static str {
        NAMES[self.0]
    }

    pub(crate) fn is_noisy(self) -> bool {
        self == Self::NOISY
    }
}

/// What each tenant may send, of a fleet that gets `rate` calls a second in the calm; nothing where all may
/// send what they like.
pub(crate) fn quotas(
    defence: Defence,
    rate: u32,
) -> Result<Option<RateLimiters<str>>, ConfigError> {
    if defence != Defence::Limiter {
        return Ok(None);
    }
    let each = ROOM * rate / Tenant::COUNT;
    let burst = (each / BURSTS_A_SECOND).max(LEAST_BURST);
    let tenants = RateLimiters::builder("tenants")
        .quota(Quota::per_second(each)?.burst(burst)?)
        .max_keys(NAMES.len())
        .clock(Clock::tokio()) // a test can stop it
        .build()?;
    Ok(Some(tenants))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        task::JoinSet,
        time::{Instant, sleep_until, timeout},
    };

    use super::*;
    use crate::{
        database::Database,
        defence::TIME_OUT,
        generator::{Arrival, traffic},
        phases::{Phase, Phases},
    };

    const SEED: u64 = 7;

    #[test]
    fn only_the_last_run_has_quotas() {
        let limited =
            Defence::ALL.map(|defence| quotas(defence, 600).expect("they can be").is_some());
        assert_eq!(limited, [false, false, false, false, false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_quotas_together_are_what_the_database_can_do_at_any_rate() {
        for (rate, each, burst) in [(50, 20, 20), (600, 240, 48), (2000, 800, 160)] {
            let quotas = quotas(Defence::Limiter, rate).expect("they can be").expect("there are");
            let quota = quotas.config().quotas[0];
            assert_eq!((quota.cells(), quota.period()), (each, Duration::from_secs(1)));
            assert_eq!(quota.most_at_once(), burst);
            assert_eq!(each * Tenant::COUNT, ROOM * rate);
        }
    }

    /// What comes of the calls of a noisy time that only the database can fail: the shares that are
    /// answered of the others', and of the noisy one's.
    async fn noise(defence: Defence, rate: u32) -> (f64, f64) {
        let phases = Phases::over(Duration::from_secs(8));
        let (start, database) = (Instant::now(), Database::new(rate));
        let quotas = quotas(defence, rate).expect("they can be");
        let mut calls = JoinSet::new();
        for Arrival { due, tenant, work, .. } in traffic(SEED, rate, phases) {
            sleep_until(start + due).await;
            let (quotas, database) = (quotas.clone(), database.clone());
            calls.spawn(async move {
                if let Some(quotas) = quotas
                    && quotas.try_acquire(tenant.name()).is_err()
                {
                    return (due, tenant, false);
                }
                (due, tenant, timeout(TIME_OUT, database.query(work)).await.is_ok())
            });
        }
        let mut calls = calls.join_all().await;
        calls.retain(|&(due, ..)| phases.at(due) == Phase::Noisy);
        let share = |noisy| {
            let theirs = calls.iter().filter(|(_, tenant, _)| tenant.is_noisy() == noisy);
            let answered = theirs.clone().filter(|(.., answered)| *answered).count();
            answered as f64 / theirs.count() as f64
        };
        (share(false), share(true))
    }

    #[tokio::test(start_paused = true)]
    async fn a_noisy_tenant_is_felt_by_the_others_where_he_has_no_quota() {
        let (others, noisy) = noise(Defence::Replicas, 600).await;
        assert!(others < 0.4 && noisy < 0.4, "{others} of the others', {noisy} of his");
    }

    #[tokio::test(start_paused = true)]
    async fn a_noisy_tenant_is_felt_by_himself_alone_where_each_has_a_quota() {
        for rate in [50, 600] {
            let (others, noisy) = noise(Defence::Limiter, rate).await;
            assert!(others >= 1.0, "{others} of the others' at {rate} a second");
            // A tenth, and the burst.
            assert!((0.1..0.25).contains(&noisy), "{noisy} of his at {rate} a second");
        }
    }
}
