//! What a reader gets: a page, and what is below it.

use std::collections::BTreeSet;

use super::Item;

/// A part of a list, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<I> {
    /// The items.
    pub items: Vec<Item<I>>,
    /// What is below them.
    pub rest: Rest<I>,
}

/// What is below a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest<I> {
    /// There may be more: read on with this cursor.
    More(Item<I>),
    /// Nothing: this was the end.
    Complete,
    /// The list was cut. What is below this item, if anything, must be loaded elsewhere.
    TruncatedBelow(Item<I>),
}

impl<I> Rest<I> {
    /// Nothing is known below it.
    const fn bound(&self) -> Option<&Item<I>> {
        match self {
            Self::More(item) | Self::TruncatedBelow(item) => Some(item),
            Self::Complete => None,
        }
    }
}

impl<I> Page<I> {
    /// Drops what its reader must not see: deleted items, those of blocked authors.
    ///
    /// The cursor stays: a page may become empty while there is more.
    pub fn retain(&mut self, mut keep: impl FnMut(&I) -> bool) {
        self.items.retain(|item| keep(&item.id));
    }
}

impl<I: Ord + Clone> Page<I> {
    /// The newest `count` items of several pages that were read below one cursor, each once.
    ///
    /// It ends where the first of them stops to know: below that, another page might miss an item.
    #[must_use]
    pub fn merge(pages: impl IntoIterator<Item = Self>, count: usize) -> Self {
        let mut all = BTreeSet::new();
        let mut rest = Rest::Complete;
        for page in pages {
            all.extend(page.items);
            if page.rest.bound() > rest.bound() {
                rest = page.rest;
            }
        }
        let known = rest.bound().cloned();
        let mut items: Vec<_> =
            all.into_iter().rev().take_while(|item| known.as_ref() <= Some(item)).collect();
        if items.len() > count {
            items.truncate(count);
            if let Some(last) = items.last() {
                rest = Rest::More(last.clone());
            }
        }
        Self { items, rest }
    }
}
