//! The storm: a fleet in trouble, called by a bare client, by one that retries in a loop, and by Seawall.
//!
//! ```text
//! cargo run --release --example storm
//! cargo run --release --example storm -- --rate 2000 --seconds 60
//! cargo run --release --example storm -- --upstream http://127.0.0.1:8080/health
//! ```
//!
//! Real HTTP servers on the loopback, a real client, traffic that does not wait for anybody. Each of the three
//! members has a part of the keys. The database behind them stalls for a moment, and the question is who is up
//! again when it is. Later one of the members turns slow, then hangs, then heals, and the question is who
//! answers for its keys, and for the others', as all share the client's pool of connections.
//! In the end one of five tenants sends twenty times his share, and the question is what the others get.
//! The seven runs differ in one thing: what the client does about all that.
//!
//! In a second act everybody reads one page, which expires, and then the database goes away: once with what one
//! writes first, and once with Seawall's cache. In a third act many photos come at once that are to be resized:
//! in the request, and accepted by Seawall's queue.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the story |
//! | `args.rs`, `upstream.rs` | what may be asked for, and what may be stormed |
//! | `phases.rs` | when what happens |
//! | `fleet.rs`, `database.rs`, `illness.rs` | the members, what is behind them, and what ails them |
//! | `defence.rs` | **the seven runs: here a run is added** |
//! | `client.rs`, `tenants.rs`, `retries.rs`, `keys.rs`, `guard.rs` | **the client; here patterns are added** |
//! | `pool.rs` | the connections that all members share |
//! | `generator.rs` | the traffic |
//! | `recorder.rs`, `tally.rs`, `answers.rs` | what happened to each call |
//! | `progress.rs`, `report.rs` | the display, the table |
//! | `plot.rs`, `legend.rs`, `side.rs` | the picture |
//! | `page.rs`, `shelf.rs` | **the second act, and where the page is kept** |
//! | `page_report.rs`, `page_plot.rs` | its table, its part of the picture |
//! | `act.rs` | how long the later acts are, and when their scenes begin and end |
//! | `burst.rs`, `front.rs`, `studio.rs` | **the third act, who answers in it, and who does the work** |
//! | `burst_report.rs`, `burst_plot.rs` | its table, its part of the picture |

#![forbid(unsafe_code)]

mod act;
mod answers;
mod args;
mod burst;
mod burst_plot;
mod burst_report;
mod client;
mod database;
mod defence;
mod fleet;
mod front;
mod generator;
mod guard;
mod illness;
mod keys;
mod legend;
mod page;
mod page_plot;
mod page_report;
mod phases;
mod plot;
mod pool;
mod progress;
mod recorder;
mod report;
mod retries;
mod shelf;
mod side;
mod studio;
mod tally;
mod tenants;
mod upstream;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use seawall_core::BoxError;
use tokio::time::{Instant, interval};

use crate::{
    args::Args,
    client::{Client, Failed},
    defence::{ATTEMPTS, Defence, TIME_OUT},
    fleet::{Fleet, NAMES, SICK},
    generator::{generate, traffic},
    guard::{Tuning, slow_limit},
    illness::Illness,
    keys::Key,
    phases::{Phase, Phases},
    pool::Pool,
    progress::Stage,
    recorder::{Record, Recorder},
    report::Run,
    tenants::{NOISE, Tenant},
    upstream::Upstream,
};

/// The exit code of a program that an interrupt ended, as shells have it.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Whichever is dropped takes its servers, its calls and its display with it.
    tokio::select! {
        told = story(&args) => match told {
            Ok(ending) => {
                // A reader that has seen enough, such as `head`, is no failure.
                let _ = writeln!(io::stdout(), "\n{}", ending.figures);
                match ending.picture {
                    Ok(()) => return ExitCode::SUCCESS,
                    Err(error) => eprintln!("storm: no picture: {}: {error}", args.out.display()),
                }
            }
            Err(error) => eprintln!("storm: {error}"),
        },
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nstorm: interrupted, nothing was written");
            return ExitCode::from(INTERRUPTED);
        }
    }
    ExitCode::FAILURE
}

/// What is left when the storm is over: figures, whether or not the picture could be written.
struct Ending {
    figures: String,
    picture: io::Result<()>,
}

/// How often it is looked up what has reached the fleet, and what the sick member holds.
const LOOK: Duration = Duration::from_millis(10);

/// Open files that suffice: both ends of each connection are this program's, those of callers who gave up
/// are closed a moment later, and a shell's limit can be as low as 256.
const FILES: u64 = 8192;

/// The runs, and what they come to.
async fn story(args: &Args) -> Result<Ending, BoxError> {
    let phases = Phases::over(args.run());
    let upstream = match &args.upstream {
        Some(url) => Some(url.resolve().await?),
        None => None,
    };
    eprintln!("{}\n", opening(args, phases));
    let stage = Stage::new();
    // Where it can't be raised, it may do all the same.
    let _ = rlimit::increase_nofile_limit(FILES);
    let [bare, naive, retry, breaker, bulkhead, replicas, limiter] =
        Defence::ALL.map(|defence| run(defence, args, upstream.as_ref(), &stage));
    // One after the other.
    let runs = [
        bare.await?,
        naive.await?,
        retry.await?,
        breaker.await?,
        bulkhead.await?,
        replicas.await?,
        limiter.await?,
    ];
    stage.say("The second act: everybody reads one page, bare and with a cache.");
    let page = page::act(args, async || fleet(args, upstream.as_ref()).await).await?;
    stage.say("The third act: a burst of photos, in the request and with a queue, side by side.");
    let burst = burst::act(args).await?;
    let table = report::table(phases, &runs);
    let log = report::breaker_log(&runs[runs.len() - 1]);
    let verdict = report::verdict(phases, &runs);
    let second = format!("{}{}", page_report::table(&page), page_report::verdict(&page));
    let third = format!("{}{}", burst_report::table(&burst), burst_report::verdict(&burst));
    let picture = std::fs::write(&args.out, plot::picture(args, phases, &runs, &page, &burst)?);
    let where_to = match picture {
        Ok(()) => format!("\nThe picture is in {}.", args.out.display()),
        Err(_) => String::new(),
    };
    Ok(Ending {
        figures: format!("{table}\n{log}\n{verdict}\n\n{second}\n\n{third}{where_to}"),
        picture,
    })
}

/// A fleet that nothing has befallen yet.
async fn fleet(args: &Args, upstream: Option<&Upstream>) -> Result<Fleet, BoxError> {
    let illness = Illness::new(args.seed, args.rate)?;
    Ok(match upstream {
        Some(upstream) => Fleet::upstream(upstream, illness),
        None => Fleet::built_in(illness).await?,
    })
}

/// One storm: a fresh fleet, the same arrivals, one client.
async fn run(
    defence: Defence,
    args: &Args,
    upstream: Option<&Upstream>,
    stage: &Stage,
) -> Result<Run, BoxError> {
    let phases = Phases::over(args.run());
    let fleet = fleet(args, upstream).await?;
    let slow = slow_limit(greet(&fleet, args).await?);
    let connections = pool::size(args.rate);
    let tuning = Tuning { seed: args.seed, rate: args.rate, share: pool::share(connections), slow };
    let client = Client::new(defence, &fleet, Pool::new(connections), tuning)?;

    let recorder = Recorder::new(Record::new(phases, args.rate, TIME_OUT * ATTEMPTS));
    let start = Instant::now();
    let traffic = async {
        let arrivals = traffic(args.seed, args.rate, phases);
        let (illness, ()) = tokio::join!(
            fleet.illness.live(phases, start),
            generate(arrivals, start, &client, &recorder),
        );
        illness
    };
    let greetings = fleet.illness.reached();
    let books = async {
        let mut beat = interval(LOOK);
        loop {
            beat.tick().await;
            let reached = fleet.illness.reached() - greetings;
            recorder.seen(start.elapsed(), reached, client.pool.held_by_sick());
        }
    };
    tokio::select! {
        ended = traffic => ended?,
        () = stage.show(defence, phases, start, &client, &recorder) => {}
        () = books => {}
    }
    Ok(Run {
        defence,
        record: recorder.record(),
        connections,
        visits: fleet.illness.visits(),
        changes: client.guards.iter().map(|guard| guard.changes(start)).collect(),
    })
}

/// One call to each member before the storm, by a client of its own: how long the slowest took, or who
/// does not answer.
async fn greet(fleet: &Fleet, args: &Args) -> Result<Duration, BoxError> {
    let tuning = Tuning { seed: args.seed, rate: args.rate, share: 1, slow: TIME_OUT };
    let client = Client::new(Defence::Bare, fleet, Pool::new(1), tuning)?;
    let mut slowest = Duration::ZERO;
    for name in NAMES {
        let key = Key::at(name, &client.map).expect("each member has some of the keys");
        let start = Instant::now();
        let greeting = client.call(Tenant::NOISY, key, Duration::ZERO).await; // not noisy yet
        greeting.map_err(|failed| greeting_failed(args, &failed))?;
        slowest = slowest.max(start.elapsed());
    }
    Ok(slowest)
}

fn greeting_failed(args: &Args, failed: &Failed) -> String {
    match &args.upstream {
        None => format!("the built-in fleet does not answer: {failed}"),
        Some(url) => format!(
            "{url} does not answer well before the storm: {failed}. It must run, and answer a GET with a \
             2xx or 3xx within {} s",
            TIME_OUT.as_secs_f64()
        ),
    }
}

fn opening(args: &Args, phases: Phases) -> String {
    let whom = match &args.upstream {
        Some(url) => format!("{url}, seen as {} members", NAMES.len()),
        None => format!("{} members", NAMES.len()),
    };
    let at = |phase| report::seconds(phases.start(phase));
    format!(
        "A storm of {} calls a second at {whom} that share {} connections (seed {}): {} bare, the\n\
         same again with retries in a loop, again with retries that have a budget, again with a breaker\n\
         around each member too, again with a bulkhead too, again with a copy of each key at a second\n\
         member too, and again with a quota for each tenant too.\n\
         In each the database behind the members stalls from {} to {}; {sick} turns slow at {}, hangs\n\
         from {} on, and is healed at {}; from {} on {noisy} sends {NOISE} times his share.\n\
         Then everybody reads one page, bare and with a cache; in the end many photos come at once, to be\n\
         resized in the request and with a queue.",
        args.rate,
        pool::size(args.rate),
        args.seed,
        report::seconds(args.run()),
        at(Phase::Stalled),
        at(Phase::Back),
        at(Phase::Slow),
        at(Phase::Dead),
        at(Phase::Healed),
        at(Phase::Noisy),
        noisy = Tenant::NOISY.name(),
        sick = NAMES[SICK],
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::{Router, routing::get};
    use tokio::{net::TcpListener, time::timeout};

    use super::*;

    /// Far longer than a short storm takes: what hangs fails, and says so.
    const DEADLINE: Duration = Duration::from_secs(60);

    /// The picture of one test, gone with it.
    struct Picture(PathBuf);

    impl Picture {
        fn new(test: &str) -> Self {
            let name = format!("seawall-storm-{}-{test}.svg", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Picture {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    async fn short_storm(picture: &Picture, more: &[&str]) -> Result<String, String> {
        let out = picture.0.to_str().expect("the temporary folder has a plain name");
        let flags = ["storm", "--seconds", "5", "--rate", "60", "--out", out];
        let args =
            Args::try_parse_from(flags.iter().chain(more)).map_err(|error| error.to_string())?;
        let told = timeout(DEADLINE, story(&args)).await.expect("the storm ends by itself");
        told.map(|ending| ending.figures).map_err(|error| error.to_string())
    }

    fn assert_tells(ending: &str, picture: &Picture) {
        for part in [
            "answered well",
            "p99.9",
            "reached the sick member",
            "load on the fleet",
            "recovered",
            "held by the sick member",
            "for its own keys",
            "while one tenant is noisy",
            "calls of the noisy tenant",
            "loads when it expired",
            "answered well in the burst",
            "promised and lost",
            "The picture is in",
        ] {
            assert!(ending.contains(part), "no `{part}` in\n{ending}");
        }
        let svg = std::fs::read_to_string(&picture.0).expect("it was written");
        let svg = roxmltree::Document::parse(&svg).expect("it is XML");
        assert!(svg.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
        let texts: Vec<_> =
            svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        let titles = Defence::ALL.map(Defence::title);
        for part in titles.iter().chain(&["database stalled", "member-b dead", "tenant-3 noisy"]) {
            assert!(texts.contains(part), "no `{part}` in the picture");
        }
        assert!(svg.descendants().filter(|node| node.has_tag_name("polyline")).count() > 12);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_short_storm_leaves_a_table_and_a_picture() {
        let picture = Picture::new("fleet");
        let ending = short_storm(&picture, &[]).await.expect("it runs");
        assert_tells(&ending, &picture);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn somebodys_own_server_can_be_stormed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}/mine?a=b&c=d", listener.local_addr().expect("it is bound"));
        let router = Router::new().route("/mine", get(|| async { "mine" }));
        let server = tokio::spawn(async { axum::serve(listener, router).await });

        let picture = Picture::new("upstream");
        let ending = short_storm(&picture, &["--upstream", &url]).await.expect("it runs");
        server.abort();

        assert_tells(&ending, &picture);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_of_before_the_storm() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        drop(listener);

        let picture = Picture::new("nobody");
        let refusal =
            short_storm(&picture, &["--upstream", &url]).await.expect_err("nobody listens");

        assert!(refusal.contains("does not answer well before the storm"), "{refusal}");
        assert!(!picture.0.exists());
    }

    #[tokio::test]
    async fn a_path_that_is_not_there_is_told_of_before_the_storm() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let server = tokio::spawn(async { axum::serve(listener, Router::new()).await });

        let refusal =
            short_storm(&Picture::new("lost"), &["--upstream", &url]).await.expect_err("404");
        server.abort();

        assert!(refusal.contains("it answered 404"), "{refusal}");
    }
}
