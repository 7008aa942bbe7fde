//! The service over equals: writes to the primary, reads to whom they prefer.

use std::{
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use seawall_core::{ConfigError, Error, Name};
use tower_service::Service;

use super::{
    Again, ChooseAccess, FailOver, Once, OneSide, ResponseFuture,
    candidate::Ask,
    equals::{Equals, Known},
    pool::{Field, Pool},
    view::View,
};
use crate::{Node, NodeState};

/// A service over servers that have the same data: writes go to the primary, reads to whom they prefer.
///
/// It is always ready, as a [`Sharded`](super::Sharded) is, and looks for a member in the same way: one whose
/// readiness fails, or that is not ready, is passed over where others may be asked. Who is the primary can change
/// while calls run: a write goes to whoever that is when it is called. One that waits for a primary
/// that is not ready goes on to another as soon as that is named (with the feature `tokio`). Without a primary, writes are refused as
/// [`NoShard`](seawall_core::Reason::NoShard).
///
/// Cloning shares the members.
///
/// # Examples
///
/// How do I write to the primary, and read in my own zone?
///
/// ```
/// # use seawall_shard::{Node, Read, ReplicaSet, sharded::Access};
/// # use tower::{ServiceExt, service_fn};
/// # #[derive(Clone, Copy)] enum Request { Get, Set }
/// # let client = |name: &'static str| service_fn(move |_: Request| async move { Ok::<_, std::io::Error>(name) });
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users = ReplicaSet::new("users", |request: &Request| match request {
///     Request::Get => Access::Read(Read::Nearest),
///     Request::Set => Access::Write,
/// })
/// .node(Node::new("db-a").zone("eu-1"))?
/// .node(Node::new("db-b").zone("eu-2"))?
/// .zone("eu-2")
/// .primary("db-a");
/// users.insert("db-a", client("db-a")); // or `.discover(endpoints)`
/// users.insert("db-b", client("db-b"));
///
/// assert_eq!(users.clone().oneshot(Request::Get).await?, "db-b");
/// assert_eq!(users.clone().oneshot(Request::Set).await?, "db-a");
/// users.set_primary("db-b"); // after a fail-over of the database
/// assert_eq!(users.oneshot(Request::Set).await?, "db-b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct ReplicaSet<S, A, F = Once> {
    pool: Arc<Pool<S>>,
    /// The list of services that it saw last.
    seen: Weak<View<S>>,
    access: A,
    fail_over: F,
}

impl<S, A> ReplicaSet<S, A> {
    /// A set without members, called `name` in rejections and snapshots; `access` says what each request wants.
    pub fn new<Request>(name: impl Into<Name>, access: A) -> Self
    where
        A: Fn(&Request) -> super::Access,
    {
        let pool = Pool::new(name.into(), Field::Equals(Equals::new()));
        Self { pool, seen: Weak::new(), access, fail_over: Once }
    }
}

impl<S, A, F> ReplicaSet<S, A, F> {
    /// Describes a member: its zone, and its state. Who is not described is active, and in no zone. The weight
    /// is not looked at.
    ///
    /// # Errors
    ///
    /// Where its name or its zone is empty, and where it has been described.
    pub fn node(self, node: Node) -> Result<Self, ConfigError> {
        node.check()?;
        self.change(|known| match known.nodes.iter().find(|other| other.name == node.name) {
            Some(twice) => {
                Err(ConfigError::new("node.name", &twice.name, "another name for each node"))
            }
            None => {
                known.nodes.push(node);
                Ok(())
            }
        })?;
        Ok(self)
    }

    /// The zone of the one who asks.
    #[must_use]
    pub fn zone(self, zone: impl Into<Name>) -> Self {
        self.change(|known| known.zone = Some(zone.into()));
        self
    }

    /// Who orders the writes, at first.
    #[must_use]
    pub fn primary(self, name: impl Into<Name>) -> Self {
        self.set_primary(name);
        self
    }

    /// Another one orders the writes from now on. It may come later: until then, writes are refused.
    pub fn set_primary(&self, name: impl Into<Name>) {
        self.change(|known| known.primary = Some(name.into()));
    }

    /// Nobody orders writes: they are refused, until there is a primary again.
    pub fn clear_primary(&self) {
        self.change(|known| known.primary = None);
    }

    /// Whether a member can be asked, from now on; of one that was not described, too, and of one that is to come.
    pub fn set_state(&self, name: impl Into<Name>, state: NodeState) {
        let name = name.into();
        self.change(|known| match known.nodes.iter_mut().find(|node| node.name == name) {
            Some(node) => node.state = state,
            None => known.nodes.push(Node::new(name).state(state)),
        });
    }

    /// Who orders the writes.
    #[must_use]
    pub fn current_primary(&self) -> Option<Name> {
        self.equals().primary()
    }

    /// A call that a member refuses is made again at the next one: see
    /// [`Sharded::fail_over`](super::Sharded::fail_over).
    pub fn fail_over<C, R, Request, E>(self, copy: C, refused: R) -> ReplicaSet<S, A, Again<C, R>>
    where
        C: Fn(&Request) -> Option<Request>,
        R: Fn(&E) -> bool,
    {
        let fail_over = Again { copy, refused };
        ReplicaSet { pool: self.pool, seen: self.seen, access: self.access, fail_over }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        let changed = self.equals().change(change);
        self.pool.review();
        changed
    }

    fn equals(&self) -> &Equals {
        match &self.pool.common.field {
            Field::Equals(equals) => equals,
            Field::Shards(_) => unreachable!("it was made with equals"),
        }
    }
}

impl<S, A: Clone, F: Clone> Clone for ReplicaSet<S, A, F> {
    /// There is no readiness to copy: clones share the members, and look for themselves.
    fn clone(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            seen: self.seen.clone(),
            access: self.access.clone(),
            fail_over: self.fail_over.clone(),
        }
    }
}

impl<S, A, F, Request> Service<Request> for ReplicaSet<S, A, F>
where
    S: Service<Request> + Clone,
    A: ChooseAccess<Request>,
    F: FailOver<Request, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, F, Request>;

    #[inline]
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        self.pool.look_around();
        let ask = Ask { hash: 0, access: self.access.access(&request), looks: false };
        let fail_over = self.fail_over.clone();
        ResponseFuture::new(self.pool.newest(&mut self.seen), ask, fail_over, OneSide, request)
    }
}

super::handle::handle!(ReplicaSet<S, A, F>);
