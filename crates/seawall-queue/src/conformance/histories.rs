//! Calls that meet: several tasks push, claim, settle and cancel at once, each writes down what it was told,
//! and what they were told must fit together.
//!
//! The clock stands still, so no lease is over: each belongs to the task that got it, from the answer to its
//! claim until it settles. In that time nobody else may get the job, and no key may be leased more often
//! than its limit.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use seawall_core::{Chance, sync::Mutex};

use super::{
    Stand,
    stand::{LEASE, job, retry, well},
    suite::Bench,
};
use crate::{
    job::{Cancelled, JobId, Lease, Settled, State, Token, Verdict},
    storage::{Claim, Claimed, Enqueued, Room, Settings, Settlement, Storage},
};

const TASKS: u64 = 4;
const ROUNDS: usize = 60;
const KEY_LIMIT: u32 = 2;

/// What all tasks know.
#[derive(Default)]
struct Books {
    pushed: HashSet<JobId>,
    tokens: HashSet<Token>,
    /// Who is in whose hands.
    held: HashMap<JobId, u64>,
    /// How many of a key are in anybody's hands.
    keys: HashMap<Arc<str>, u32>,
    /// How often each was told to be over.
    over: HashMap<JobId, u32>,
}

impl Books {
    fn claimed(&mut self, task: u64, claimed: &[Claimed<Vec<u8>>]) {
        for one in claimed {
            let Lease { id, token } = one.lease;
            assert!(self.tokens.insert(token), "token {token} was given twice");
            let before = self.held.insert(id, task);
            assert_eq!(before, None, "job {id} is in the hands of two");
            assert!(!self.over.contains_key(&id), "job {id} was over, and ran again");
            if let Some(key) = &one.key {
                let held = self.keys.entry(Arc::clone(key)).or_default();
                *held += 1;
                assert!(*held <= KEY_LIMIT, "{held} of `{key}` are leased");
            }
        }
    }

    /// Before it is settled: afterwards it may be another one's.
    fn let_go(&mut self, claimed: &Claimed<Vec<u8>>) {
        self.held.remove(&claimed.lease.id);
        if let Some(key) = &claimed.key {
            *self.keys.get_mut(key).expect("it was counted") -= 1;
        }
    }

    fn ended(&mut self, id: JobId) {
        let times = self.over.entry(id).or_default();
        *times += 1;
        assert_eq!(*times, 1, "job {id} was over twice");
    }
}

pub(super) async fn are_consistent<S: Storage>(bench: Bench<S>) {
    let settings = Settings::new(100_000).key_limit(KEY_LIMIT);
    for settings in [settings.clone(), settings.fair_keys()] {
        meet(bench.open(settings).await).await;
    }
}

async fn meet<S: Storage>(stand: Stand<S>) {
    let stand = Arc::new(stand);
    let books = Arc::new(Mutex::new(Books::default()));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(live(task, Arc::clone(&stand), Arc::clone(&books))))
        .collect();
    for task in tasks {
        if let Err(error) = task.await {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    finish(&stand, &books).await;
}

async fn live<S: Storage>(task: u64, stand: Arc<Stand<S>>, books: Arc<Mutex<Books>>) {
    let chance = Chance::seeded(task);
    let mut hands = Vec::new();
    for _ in 0..ROUNDS {
        match chance.uniform(0, 9) {
            0..=3 => push(&stand, &books, &chance).await,
            4..=6 => {
                let claim = Claim::new(chance.uniform(1, 4) as usize, LEASE);
                let claimed = well(stand.storage.claim(claim).await);
                books.lock().claimed(task, &claimed);
                hands.extend(claimed);
            }
            7..=8 => {
                let some = hands.drain(..hands.len() / 2).collect();
                settle(&stand, &books, some, &chance).await;
            }
            _ => cancel(&stand, &books, &chance).await,
        }
    }
    settle(&stand, &books, hands, &chance).await;
}

async fn push<S: Storage>(stand: &Stand<S>, books: &Mutex<Books>, chance: &Chance) {
    let some = (0..chance.uniform(1, 4)).map(|_| match chance.uniform(0, 2) {
        0 => job("a"),
        key => job("a").key(format!("key {key}")),
    });
    for answer in stand.enqueue(some.collect(), Room::Refuse).await {
        let Enqueued::New { id, .. } = answer else { panic!("there is room: {answer:?}") };
        assert!(books.lock().pushed.insert(id), "id {id} was given twice");
    }
}

async fn settle<S: Storage>(
    stand: &Stand<S>,
    books: &Mutex<Books>,
    hands: Vec<Claimed<Vec<u8>>>,
    chance: &Chance,
) {
    let settlement = |held: Claimed<Vec<u8>>| {
        books.lock().let_go(&held);
        let verdict = match chance.uniform(0, 3) {
            0 => retry(0),
            1 => Verdict::Release,
            _ => Verdict::DONE,
        };
        Settlement { lease: held.lease, verdict }
    };
    let settlements: Vec<_> = hands.into_iter().map(settlement).collect();
    let leases: Vec<_> = settlements.iter().map(|one| one.lease).collect();
    let answers = well(stand.storage.settle(settlements).await);
    for (lease, answer) in leases.into_iter().zip(answers) {
        match answer {
            Settled::Done(state) if state.is_over() => books.lock().ended(lease.id),
            Settled::Done(_) => {}
            other => panic!("the holder of job {} settled, and was told {other:?}", lease.id),
        }
    }
}

async fn cancel<S: Storage>(stand: &Stand<S>, books: &Mutex<Books>, chance: &Chance) {
    let some = {
        let books = books.lock();
        let at = chance.uniform(0, books.pushed.len() as u64) as usize;
        books.pushed.iter().nth(at).copied()
    };
    if let Some(id) = some
        && well(stand.storage.cancel(vec![id]).await) == [Cancelled::Now]
    {
        books.lock().ended(id);
    }
}

/// Nobody is left: all that was pushed is over, as its task was told, or waits.
async fn finish<S: Storage>(stand: &Stand<S>, books: &Mutex<Books>) {
    let (pushed, over) = {
        let books = books.lock();
        assert!(books.held.is_empty(), "all was settled");
        (books.pushed.clone(), books.over.len())
    };
    let stats = stand.stats().await;
    assert_eq!(stats.leased, 0, "{stats:?}");
    assert_eq!(stats.waiting() + over, pushed.len(), "{stats:?}");
    loop {
        let rest = stand.claim(100).await;
        if rest.is_empty() {
            break;
        }
        for held in rest {
            assert!(pushed.contains(&held.lease.id), "it was pushed");
            assert_eq!(stand.settle(held.lease, Verdict::DONE).await, Settled::Done(State::Done));
        }
    }
    let stats = stand.stats().await;
    assert_eq!((stats.waiting(), stats.leased), (0, 0), "{stats:?}");
}
