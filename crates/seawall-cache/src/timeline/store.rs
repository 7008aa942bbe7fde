//! What keeps the lists: four steps, each of them one script where the store is elsewhere.

use super::{Item, Page, Rebuilt};

/// Where lists are kept. The table of states is on the module's page.
///
/// Each step is atomic for each list; a batch need not be.
pub trait Store<U, I>: Send + Sync {
    /// What can go wrong.
    type Error;

    /// Adds an item to each of these lists that exists or gathers, and trims it in the same step.
    fn push(
        &self,
        lists: &[U],
        item: &Item<I>,
        length: usize,
    ) -> impl Future<Output = Result<Pushed, Self::Error>> + Send;

    /// Pages of `count` items below a cursor, in the order of `lists`; `None` for a list that is not live.
    fn read(
        &self,
        lists: &[U],
        below: Option<&Item<I>>,
        count: usize,
    ) -> impl Future<Output = Result<Vec<Option<Page<I>>>, Self::Error>> + Send;

    /// Begins to gather what is pushed to this list. If it exists already: its present ticket.
    fn open(&self, list: &U) -> impl Future<Output = Result<Ticket, Self::Error>> + Send;

    /// Merges what a loader found with what was gathered, and makes the list live.
    ///
    /// False, and nothing is done, if the list is not the one that `open` gave this ticket for: pushes
    /// may have been missed.
    fn install(
        &self,
        list: &U,
        ticket: Ticket,
        rebuilt: Rebuilt<I>,
        length: usize,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Removes lists, those that gather too.
    fn remove(&self, lists: &[U]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Which life of a list it is: never given twice by a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// What became of a push, counted in lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// The list exists: it has the item now, or the item is below its floor.
    pub reached: u64,
    /// The list is absent: nothing was done.
    pub absent: u64,
    /// The list was cut.
    pub trimmed: u64,
}
