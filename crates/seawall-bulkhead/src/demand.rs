//! What a call asks of a bulkhead, read off its request.

use seawall_core::Priority;

/// What a call asks of a bulkhead: how many places, and how important it is.
///
/// # Examples
///
/// How do I take the weight and the priority from the request?
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, BulkheadLayer, Demand, Priority, Shedding};
/// struct Query { rows: u32, interactive: bool }
///
/// let bulkhead = Bulkhead::builder("db").limit(100).shed(Shedding::by_priority()).build()?;
/// let layer = BulkheadLayer::new(bulkhead).demand(|query: &Query| {
///     let priority = if query.interactive { Priority::HIGH } else { Priority::LOW };
///     Demand::new().weight(1 + query.rows / 10_000).priority(priority)
/// });
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a demand does nothing by itself"]
pub struct Demand {
    pub(crate) weight: u32,
    pub(crate) priority: Option<Priority>,
}

impl Demand {
    /// One place, with the priority of the call's [context](seawall_core::context).
    pub const fn new() -> Self {
        Self { weight: 1, priority: None }
    }

    /// The same for so many places. None at all waits its turn and takes no place.
    pub const fn weight(mut self, places: u32) -> Self {
        self.weight = places;
        self
    }

    /// The same with a priority of its own.
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }
}

impl Default for Demand {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells what a request asks for.
///
/// Closures over `&Request` implement it.
pub trait Demands<Request> {
    /// What `request` asks for.
    fn demand(&self, request: &Request) -> Demand;
}

impl<Request, F: Fn(&Request) -> Demand> Demands<Request> for F {
    #[inline]
    fn demand(&self, request: &Request) -> Demand {
        self(request)
    }
}

/// The default: one place for every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnePlace;

impl<Request> Demands<Request> for OnePlace {
    #[inline]
    fn demand(&self, _: &Request) -> Demand {
        Demand::new()
    }
}
