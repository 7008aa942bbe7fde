//! A home timeline: three readers follow three authors, one of whom has too many followers to push to.
//!
//! Run it with `cargo run --example hello_timeline`.

use std::cell::RefCell;

use seawall::{
    BoxError,
    cache::timeline::{Delivery, Item, Memory, Rebuilt, Threshold, Timeline},
};

/// A reader's list of what is pushed to him, or an author's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum List {
    Home(&'static str),
    Of(&'static str),
}

const FOLLOWS: [(&str, &[&str]); 3] =
    [("ada", &["kim", "leo", "star"]), ("bob", &["leo", "star"]), ("cyd", &["star"])];

const POSTS: [(&str, &str, u64); 5] = [
    ("kim", "my first", 1),
    ("star", "hello all", 2_000_000), // followers, as they are counted elsewhere
    ("leo", "good morning", 2),
    ("star", "a tour!", 2_000_000),
    ("kim", "my second", 1),
];

/// The database: every post, with its author.
type Posts = RefCell<Vec<(&'static str, Item<&'static str>)>>;

/// One query for all lists that are asked for.
async fn select(
    posts: &Posts,
    lists: Vec<List>,
) -> Result<Vec<(List, Rebuilt<&'static str>)>, BoxError> {
    println!("    a query for {lists:?}");
    let rebuilt = |list| {
        let posts = posts.borrow();
        let belongs = |author: &str| match list {
            List::Of(of) => author == of,
            List::Home(reader) => follows(reader).contains(&author) && author != "star",
        };
        let found = posts.iter().filter(|(author, _)| belongs(author));
        Rebuilt::complete(found.map(|(_, post)| *post).collect::<Vec<_>>())
    };
    Ok(lists.into_iter().map(|list| (list, rebuilt(list))).collect())
}

fn follows(reader: &str) -> &'static [&'static str] {
    FOLLOWS.iter().find(|(name, _)| *name == reader).map_or(&[], |(_, authors)| authors)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let home = Timeline::builder("home")
        .length(800)
        .chunk(2)
        .store(Memory::new(10_000)?)
        .on_event(|event| println!("    [{}] {:?}", event.name, event.turn))
        .build()?;
    let posts = Posts::default();
    let select = |lists| select(&posts, lists);
    let threshold = Threshold::new(100_000, 80_000)?;

    // Ada reads now and then. The others have never been here: what is pushed to them costs nothing.
    home.read_merged(&[List::Home("ada"), List::Of("star")], None, 10, select).await?;

    println!("\n{:<6} {:<14} {:<6} {:>7} {:>7}", "author", "post", "by", "reached", "skipped");
    for ((author, text, followers), time) in POSTS.into_iter().zip(1..) {
        let post = Item::new(time, text);
        posts.borrow_mut().push((author, post)); // before it is pushed
        let delivery = threshold.next(Delivery::Push, followers);
        let readers = FOLLOWS.iter().filter(|(_, authors)| authors.contains(&author));
        let pushed_to = readers.filter(|_| delivery.pushes()).map(|(name, _)| List::Home(name));
        let mut fan_out = home.fan_out(post, pushed_to.chain([List::Of(author)]));
        // A rate limiter would wait here for so many lists.
        let pushed = fan_out.push_all(|_lists| async {}).await?;
        let by = if delivery.pushes() { "push" } else { "pull" };
        println!("{author:<6} {text:<14} {by:<6} {:>7} {:>7}", pushed.reached, pushed.absent);
    }

    println!();
    for reader in ["ada", "bob"] {
        let lists = [List::Home(reader), List::Of("star")];
        let page = home.read_merged(&lists, None, 3, select).await?;
        let texts: Vec<_> = page.items.iter().map(|item| item.id).collect();
        println!("{reader} reads {texts:?}");
    }
    println!("{:?}", home.snapshot().counters);
    Ok(())
}
