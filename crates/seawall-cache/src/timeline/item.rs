//! What a list is made of.

/// An id with the score (mostly a time) that gives its place: a greater one is newer.
///
/// It is a cursor too: a read goes on below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item<I> {
    /// Its place; ties are ordered by id.
    pub score: u64,
    /// What is listed.
    pub id: I,
}

impl<I> Item<I> {
    /// An item of this score.
    pub const fn new(score: u64, id: I) -> Self {
        Self { score, id }
    }
}

/// What a loader found for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt<I> {
    pub(super) items: Vec<Item<I>>,
    pub(super) complete: bool,
}

impl<I> Rebuilt<I> {
    /// All that there is, in any order.
    pub fn complete(items: impl IntoIterator<Item = Item<I>>) -> Self {
        Self { items: items.into_iter().collect(), complete: true }
    }

    /// The newest ones, in any order; there may be older ones. If it is empty, it counts as complete.
    pub fn newest(items: impl IntoIterator<Item = Item<I>>) -> Self {
        Self { items: items.into_iter().collect(), complete: false }
    }
}
