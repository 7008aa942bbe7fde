//! Two processes, one quota: what they admit together, while the server now and then stands still.
//!
//! The test starts itself twice more, as the nodes. It takes [`SECONDS`]; for a long one set
//! `SEAWALL_SOAK_SECONDS`:
//!
//! ```text
//! SEAWALL_SOAK_SECONDS=60 cargo test -p seawall-redis --test fleet
//! ```

mod support;

use std::{
    process::{Child, Command as Process, Stdio},
    time::Duration,
};

use seawall_redis::{Command, Connection, Outage, Quota, RateLimiter};
use tokio::time::{Instant, sleep};

use crate::support::{Server, until_it_answers, until_it_does};

const SECONDS: u64 = 5;

/// Tells a node what to be: a server's URL, how many cells to take ahead, how many seconds to run.
const NODE: &str = "SEAWALL_FLEET_NODE";

/// 2000 a second, and 100 at once.
fn quota() -> Quota {
    Quota::per_second(2_000).and_then(|quota| quota.burst(100)).expect("sound")
}

/// What a node has seen, by the server's clock in microseconds.
struct Seen {
    began: u64,
    ended: u64,
    admitted: u64,
    local: u64,
}

#[tokio::test]
async fn two_processes_share_one_quota() {
    share("two_processes_share_one_quota", 1).await;
}

#[tokio::test]
async fn two_processes_that_take_ahead_share_one_quota_but_for_the_error_that_is_stated() {
    share("two_processes_that_take_ahead_share_one_quota_but_for_the_error_that_is_stated", 50)
        .await;
}

async fn share(test: &str, prebook: u64) {
    if let Ok(task) = std::env::var(NODE) {
        return be_a_node(&task).await;
    }
    let seconds = std::env::var("SEAWALL_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds = seconds.unwrap_or(SECONDS);
    let server = Server::start().await;

    let nodes: Vec<_> = (0..2)
        .map(|_| start_node(test, &format!("{} {prebook} {seconds}", server.url())))
        .collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() + Duration::from_secs(1) < end {
        sleep(Duration::from_millis(900)).await;
        server.stop();
        sleep(Duration::from_millis(100)).await;
        server.go_on();
    }
    let seen: Vec<_> = nodes.into_iter().map(result_of).collect();

    let began = seen.iter().map(|node| node.began).min().expect("there are two");
    let ended = seen.iter().map(|node| node.ended).max().expect("there are two");
    let admitted: u64 = seen.iter().map(|node| node.admitted).sum();
    let ahead: u64 = seen.iter().map(|node| node.local).sum();
    let error = if prebook > 1 { 2 * prebook } else { 0 };
    let most = 100 + (ended - began) * 2_000 / 1_000_000 + error;
    println!("{admitted} of at most {most}, {ahead} of them taken ahead");
    assert!(admitted <= most, "{admitted} of at most {most}");
    // How many it could take depends on the machine; a fleet that is shut out takes next to none.
    assert!(admitted >= most / 50, "cells are not lost: {admitted} of {most}");
    assert!(seen.iter().all(|node| node.admitted > 0), "nobody is shut out");
    assert_eq!(ahead > 0, prebook > 1);
}

fn start_node(test: &str, task: &str) -> Child {
    Process::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", test, "--nocapture"])
        .env(NODE, task)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can run again")
}

fn result_of(node: Child) -> Seen {
    let output = node.wait_with_output().expect("it is ours to wait for");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "a node failed: {text}");
    let line = text.lines().find_map(|line| line.split_once("node:")).expect("it tells").1;
    let numbers: Vec<u64> =
        line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [began, ended, admitted, local] = numbers[..] else { panic!("{line}") };
    Seen { began, ended, admitted, local }
}

/// Takes all that it gets, for the time it was given.
async fn be_a_node(task: &str) {
    let words: Vec<_> = task.split_whitespace().collect();
    let [url, prebook, seconds] = words[..] else { panic!("{task}") };
    let connection = Connection::builder("node")
        .url(url)
        .response_timeout(Duration::from_millis(50))
        .build()
        .expect("sound");
    until_it_answers(&connection).await;
    let limiter = RateLimiter::builder("fleet", connection.clone())
        .quota(quota())
        .prebook(prebook.parse().expect("a number"))
        .on_outage(Outage::Closed)
        .build()
        .expect("sound");

    let began = time(&connection).await;
    let end = Instant::now() + Duration::from_secs(seconds.parse().expect("a number"));
    let mut admitted = 0_u64;
    while Instant::now() < end {
        match limiter.try_acquire("hot").await {
            Ok(()) => admitted += 1,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    let ended = time(&connection).await;
    let local = limiter.snapshot().counters["granted_local"];
    println!("node: {began} {ended} {admitted} {local}");
}

/// The server's time.
async fn time(connection: &Connection) -> u64 {
    let reply = until_it_does(connection, &Command::new("TIME")).await;
    let parts = reply.array().expect("two parts").into_iter().map(|part| {
        let digits = part.bytes().expect("digits").expect("digits");
        String::from_utf8(digits).expect("digits").parse::<u64>().expect("digits")
    });
    parts.fold(0, |sum, part| sum * 1_000_000 + part)
}
