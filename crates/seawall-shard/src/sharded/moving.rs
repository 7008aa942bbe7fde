//! What a call does at the second of two nodes, while its slot moves from the one to the other.
//!
//! # The steps of a call whose slot moves
//!
//! | | the first node | and then the second |
//! |---|---|---|
//! | a write while [copying](crate::migration::Phase), in the catch-up, in the dual read | takes it | is [told](WhileMoving::forward) what the first made of it, and only then the caller |
//! | a read in the dual read | answers | is asked, if that answer [says nothing](WhileMoving::is_unknown) of the key |
//! | a write in the hand-off | is not asked: refused as `Overloaded` | |
//! | all others | answers | |
//!
//! A write of which the second node could not be told is not acknowledged: the call ends with the second one's
//! error, and may have had its effect or not. Where that node has no service, the write is refused before it is
//! made, as `NoShard`; a read that needs its answer, after. The second node is asked without a place of its own:
//! half of a call must not be refused.

/// What a request needs on its way while its slot [moves](crate::migration): made by
/// [`both_sides`](super::Sharded::both_sides), or of one's own kind for
/// [`while_moving`](super::Sharded::while_moving).
pub trait WhileMoving<Request, Response> {
    /// Whether the ways of slots are looked at, at all.
    fn looks(&self) -> bool {
        true
    }

    /// Tells a request by which route it goes: what it shows to the [`Fence`](crate::migration::Fence) of whoever
    /// it comes to. Asked of each call, also of one that rests.
    fn tell(&self, request: &mut Request, slot: u32, epoch: u64) {
        let _ = (request, slot, epoch);
    }

    /// A copy for the second node, asked for only where there is one; `None` where it is not to be asked. A write
    /// is not forwarded then: right where the target learns of it by the catch-up, from a log of changes.
    fn copy(&self, request: &Request) -> Option<Request>;

    /// Whether the node knows nothing of what was read: it has neither a value nor a deletion.
    fn is_unknown(&self, response: &Response) -> bool;

    /// What the second node is told of a write that the first has taken: the write, with the version that it has
    /// got there; `None` where nothing was written.
    fn forward(&self, request: Request, response: &Response) -> Option<Request>;
}

/// One node is asked: of a store whose nodes do the rest themselves, or whose slots never move.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneSide;

impl<Request, Response> WhileMoving<Request, Response> for OneSide {
    #[inline]
    fn looks(&self) -> bool {
        false
    }

    #[inline]
    fn copy(&self, _request: &Request) -> Option<Request> {
        None
    }

    #[inline]
    fn is_unknown(&self, _response: &Response) -> bool {
        false
    }

    #[inline]
    fn forward(&self, _request: Request, _response: &Response) -> Option<Request> {
        None
    }
}

/// Both sides of a move are asked, by two closures over what is cloned: made by `both_sides`.
#[derive(Clone, Copy, Debug)]
pub struct BothSides<U, W> {
    pub(crate) unknown: U,
    pub(crate) forward: W,
}

impl<U, W, Request, Response> WhileMoving<Request, Response> for BothSides<U, W>
where
    Request: Clone,
    U: Fn(&Response) -> bool,
    W: Fn(Request, &Response) -> Option<Request>,
{
    fn copy(&self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }

    fn is_unknown(&self, response: &Response) -> bool {
        (self.unknown)(response)
    }

    fn forward(&self, request: Request, response: &Response) -> Option<Request> {
        (self.forward)(request, response)
    }
}
