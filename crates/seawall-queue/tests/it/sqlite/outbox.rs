//! Jobs in a transaction of somebody else.

use seawall_queue::{
    sqlite::{SqliteError, rusqlite::Connection},
    storage::{Enqueued, NewJob, Room, Scope, Storage},
};

use super::{block, builder, claim, directory, open, payloads, push};

fn job(payload: &str) -> NewJob<Vec<u8>> {
    NewJob::new(payload.as_bytes().to_vec())
}

#[test]
fn a_job_is_there_if_the_transaction_is() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let mut shop = Connection::open(directory.path().join("jobs.db")).unwrap();

    let taken_back = shop.transaction().unwrap();
    queue.enqueue_tx(&taken_back, &[job("never")], Room::Refuse).unwrap();
    taken_back.rollback().unwrap();
    assert_eq!(block(queue.stats()).unwrap().ready, 0);

    let kept = shop.transaction().unwrap();
    queue.enqueue_tx(&kept, &[job("once"), job("more")], Room::Refuse).unwrap();
    assert_eq!(block(queue.stats()).unwrap().ready, 0, "not before it is committed");
    kept.commit().unwrap();

    assert_eq!(block(queue.stats()).unwrap().ready, 2);
    assert_eq!(payloads(block(claim(&queue, 10))), ["once", "more"]);
}

#[test]
fn ids_go_on_whoever_pushes() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let mut shop = Connection::open(directory.path().join("jobs.db")).unwrap();

    let first = block(push(&queue, "one")).id();
    let tx = shop.transaction().unwrap();
    let second = queue.enqueue_tx(&tx, &[job("two")], Room::Refuse).unwrap()[0].id();
    tx.commit().unwrap();
    let third = block(push(&queue, "three")).id();

    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
}

#[test]
fn a_unique_job_and_a_full_queue_are_told_in_a_transaction_too() {
    let directory = directory();
    let queue = block(builder(directory.path()).capacity(1).open_storage()).unwrap();
    let mut shop = Connection::open(directory.path().join("jobs.db")).unwrap();

    let tx = shop.transaction().unwrap();
    let jobs = [0, 1].map(|_| job("one").unique("photo:7", Scope::Active));
    let put = queue.enqueue_tx(&tx, &jobs, Room::Refuse).unwrap();
    let full = queue.enqueue_tx(&tx, &[job("two")], Room::Refuse).unwrap();
    tx.commit().unwrap();

    assert_eq!(put[1], Enqueued::Existing(put[0].id().unwrap()));
    assert_eq!(full, [Enqueued::Full]);
}

#[test]
fn what_fails_leaves_the_transaction_as_it_was() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let mut shop = Connection::open(directory.path().join("jobs.db")).unwrap();
    shop.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)").unwrap();
    // The second job of a call fails.
    shop.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON seawall_jobs WHEN NEW.payload = CAST('bad' AS BLOB)
        BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .unwrap();

    let tx = shop.transaction().unwrap();
    tx.execute("INSERT INTO orders DEFAULT VALUES", []).unwrap();
    queue.enqueue_tx(&tx, &[job("good"), job("bad")], Room::Refuse).unwrap_err();
    tx.commit().unwrap();

    let orders: u32 = shop.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(orders, 1);
    let jobs: u32 =
        shop.query_row("SELECT count(*) FROM seawall_jobs", [], |row| row.get(0)).unwrap();
    assert_eq!((jobs, block(queue.stats()).unwrap().ready), (0, 0));
}

#[test]
fn without_a_transaction_nothing_is_put_in() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let shop = Connection::open(directory.path().join("jobs.db")).unwrap();

    let refused = queue.enqueue_tx(&shop, &[job("one")], Room::Refuse);

    assert!(matches!(refused, Err(SqliteError::NoTransaction)), "{refused:?}");
    assert_eq!(block(queue.stats()).unwrap().ready, 0);
}

#[test]
fn one_call_that_fails_takes_no_other_with_it() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let file = Connection::open(directory.path().join("jobs.db")).unwrap();
    file.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON seawall_jobs WHEN NEW.payload = CAST('bad' AS BLOB)
        BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .unwrap();
    // While somebody writes, the calls gather to one group.
    file.execute_batch("BEGIN IMMEDIATE").unwrap();

    let answers = block(async {
        let first = queue.enqueue(vec![job("first")], Room::Refuse);
        let good = queue.enqueue(vec![job("good")], Room::Refuse);
        let bad = queue.enqueue(vec![job("bad")], Room::Refuse);
        let other = queue.enqueue(vec![job("other")], Room::Refuse);
        let go = async { file.execute_batch("COMMIT").unwrap() };
        let (first, good, bad, other, ()) = tokio::join!(first, good, bad, other, go);
        [first.is_ok(), good.is_ok(), bad.is_ok(), other.is_ok()]
    });

    assert_eq!(answers, [true, true, false, true]);
    assert_eq!(payloads(block(claim(&queue, 10))), ["first", "good", "other"]);
}
