//! Reads, writes and invalidations of two instances in orders that chance comes up with.
//!
//! A source has a version a key. In each round somebody writes and invalidates, while both instances read; what
//! is read and told takes a random time. When all is over, neither may answer the old version.

use std::{collections::HashMap, convert::Infallible};

use seawall_cache::l2::{Ask, Ear, Fill, Heard, L2, Look, Record, Tag};

use super::{faulty::Faulty, *};

const ROUNDS: u32 = 400;

/// What an instance is made of, and what the test does to it.
type Made = [(Users, Hand); 2];

/// One round: whether an instance answers the old version at its end.
async fn is_stale((users, key): (&Made, u32), turns: &Hand) -> bool {
    let source = Arc::new(AtomicU32::new(1));
    let most = millis(4);
    let read = |users: Users| {
        let (source, turns) = (source.clone(), turns.clone());
        async move {
            sleep(turns.random(millis(8))).await;
            let load = move || async move {
                sleep(turns.random(most)).await;
                let version = source.load(Relaxed);
                sleep(turns.random(3 * most)).await;
                Ok::<_, io::Error>(version)
            };
            users.get_or_load(&key, load).await.unwrap()
        }
    };
    let write = |users: Users| {
        let (source, turns) = (source.clone(), turns.clone());
        async move {
            sleep(turns.random(millis(8))).await;
            source.store(2, Relaxed);
            users.invalidate(&key).await
        }
    };

    let tasks: Vec<_> = (0..6).map(|n| tokio::spawn(read(users[n % 2].0.clone()))).collect();
    drop(write(users[0].0.clone()).await); // told or not:
    let mut stale = read(users[0].0.clone()).await != 2; // who invalidated reads what it wrote
    for task in tasks {
        task.await.unwrap();
    }
    sleep(millis(50)).await; // all is told
    for (users, _) in users {
        stale |= read(users.clone()).await != 2;
    }
    stale
}

async fn stale_rounds<L: L2<u32, u32>>(stores: [L; 2]) -> u32 {
    let mut seed = 0;
    let users = stores.map(|inner| {
        seed += 1;
        let hand = Hand::new(seed);
        let store = Faulty { inner, hand: hand.clone() };
        (builder().l2(store).build().unwrap(), hand)
    });
    for (users, _) in &users {
        assert_eq!(loads(users, u32::MAX, 0).await, 0);
    }
    sleep(millis(1)).await;
    users.iter().for_each(|(_, hand)| hand.set(Fault::Random(millis(3))));
    let turns = Hand::new(99);
    let mut stale = 0;
    for key in 0..ROUNDS {
        stale += u32::from(is_stale((&users, key), &turns).await);
    }
    stale
}

#[tokio::test(start_paused = true)]
async fn with_leases_no_round_is_stale() {
    let between = between();
    assert_eq!(stale_rounds([between.instance(), between.instance()]).await, 0);
}

/// What the test above sees where leases are ignored.
#[tokio::test(start_paused = true)]
async fn without_leases_many_rounds_are_stale() {
    let naive = Naive::default();
    let stale = stale_rounds([naive.clone(), naive]).await;
    assert!(stale > ROUNDS / 20, "{stale} of {ROUNDS}");
}

/// Calls fail, hang, lose their replies, and both instances miss a while of what is told.
#[tokio::test(start_paused = true)]
async fn with_leases_no_round_is_stale_whatever_fails() {
    let between = between();
    let ((one, hand_one, _), (other, hand_other, _)) =
        (instance(&between).await, instance(&between).await);
    let users = [(one, hand_one), (other, hand_other)];
    let turns = Hand::new(5);
    let faults =
        [Fault::Fails, Fault::Hangs, Fault::LosesReply, Fault::Random(millis(3)), Fault::None];
    for key in 0..ROUNDS {
        let draw =
            |most: usize| turns.random(Duration::from_micros(most as u64 - 1)).as_micros() as usize;
        let deaf = draw(4);
        if let Some((_, hand)) = users.get(deaf) {
            hand.deafen();
        }
        users.iter().for_each(|(_, hand)| hand.set(faults[draw(faults.len())]));
        let _ = is_stale((&users, key), &turns).await; // the other may be, while something is owed
        users.iter().for_each(|(_, hand)| hand.set(Fault::None));
        if let Some((_, hand)) = users.get(deaf) {
            hand.listen();
        }
        sleep(Duration::from_secs(12)).await; // what is owed is told; the gutter is over

        for (users, _) in &users {
            assert_eq!(loads(users, key, 2).await, 2, "round {key}");
        }
    }
}

/// A second level without leases: what comes last stays.
#[derive(Clone, Default)]
struct Naive(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    records: HashMap<u32, Record<u32>>,
    ears: Vec<Ear<u32>>,
}

impl L2<u32, u32> for Naive {
    type Error = Infallible;

    async fn look(&self, keys: &[u32], _: Ask) -> Result<Vec<Look<u32>>, Infallible> {
        let kept = self.0.lock();
        let lease = seawall_cache::l2::Lease { token: 0, mark: 0, since: 0 };
        let look =
            |key| kept.records.get(key).map_or(Look::Lease(lease), |of| Look::Hit(of.clone()));
        Ok(keys.iter().map(look).collect())
    }

    async fn fill(&self, fills: &[Fill<u32, u32>]) -> Result<Vec<bool>, Infallible> {
        let of = fills.iter().map(|fill| (fill.key, fill.record.clone()));
        self.0.lock().records.extend(of);
        Ok(vec![true; fills.len()])
    }

    async fn invalidate(&self, keys: &[u32]) -> Result<(), Infallible> {
        let mut kept = self.0.lock();
        for key in keys {
            kept.records.remove(key);
            kept.ears.iter().for_each(|ear| ear.hear(Heard::Key(*key)));
        }
        Ok(())
    }

    async fn invalidate_tags(&self, _: &[Tag]) -> Result<(), Infallible> {
        Ok(())
    }

    async fn clear(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn listen(&self, ear: Ear<u32>) {
        ear.hear(Heard::Listening);
        self.0.lock().ears.push(ear);
        std::future::pending().await
    }
}
