//! The service: each call goes to the node that has its key.

use std::{
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use seawall_core::{Error, Name};
use tower_service::Service;

use super::{
    Again, BothSides, ChooseAccess, FailOver, Once, OneSide, OwnerFirst, ResponseFuture,
    WhileMoving,
    candidate::Ask,
    pool::{Field, Pool},
    view::View,
};
use crate::{ShardKey, ShardMap};

/// A service that sends each call to the node that has its key, by the services of a [`ShardMap`]'s nodes.
///
/// It is always ready: whom a call goes to depends on its key, which is not known before. The key is taken in
/// `call`; the node's service is cloned, its readiness waited for, and the next node tried where that fails, in
/// the call's future. See [the module's page](super) for who is asked when.
///
/// Cloning shares the map and the services. Services must be `Sync` to be shared: take tower's
/// `BoxCloneSyncService` where they are boxed.
///
/// # Examples
///
/// How do I send each request to the shard that has its user?
///
/// ```
/// # use seawall_shard::{Node, ShardKey, ShardMap, Sharded};
/// # use tower::{ServiceExt, service_fn};
/// # #[derive(Clone)] struct Request { user: String }
/// # let client = |node: &'static str| service_fn(move |_: Request| async move { Ok::<_, std::io::Error>(node) });
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let shards = ShardMap::builder("photos").nodes(["db-a", "db-b"].map(Node::new)).build()?;
///
/// let service = Sharded::new(shards.clone(), |request: &Request| request.user.shard_hash());
/// service.insert("db-a", client("db-a")); // or `.discover(endpoints)`
/// service.insert("db-b", client("db-b"));
///
/// let request = Request { user: "user:42".to_owned() };
/// let owner = shards.lookup("user:42").name();
/// assert_eq!(service.oneshot(request).await?, owner);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// How do I send writes to the owner, and reads to the nearest replica?
///
/// ```
/// # use seawall_shard::{Node, Read, ShardKey, ShardMap, Sharded, sharded::Access};
/// # struct Request { key: Vec<u8>, writes: bool }
/// # let nodes = ["eu-1", "eu-2"].map(|zone| Node::new(zone).zone(zone));
/// let shards = ShardMap::builder("photos").nodes(nodes).replicas(2).zone("eu-2").build()?;
/// let service = Sharded::new(shards, |request: &Request| request.key.shard_hash())
///     .access(|request: &Request| match request.writes {
///         true => Access::Write,
///         false => Access::Read(Read::Nearest),
///     });
/// # service.insert("eu-1", ());
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
pub struct Sharded<S, K, A = OwnerFirst, F = Once, M = OneSide> {
    pool: Arc<Pool<S>>,
    /// The list of services that it saw last.
    seen: Weak<View<S>>,
    key: K,
    access: A,
    fail_over: F,
    moving: M,
}

impl<S, K> Sharded<S, K> {
    /// A service over the nodes of `shards`, which have no services yet.
    ///
    /// `key` says by what a request is placed. A `u64` is taken for a [hash](crate::hash()) as it stands: of a
    /// number that is not one, take `number.to_be_bytes()`; of what the request owns, its
    /// [`shard_hash`](ShardKey::shard_hash).
    pub fn new<Request, Key>(shards: ShardMap, key: K) -> Self
    where
        K: Fn(&Request) -> Key,
        Key: ShardKey,
    {
        let pool = Pool::new(Name::from(shards.name().to_owned()), Field::Shards(shards));
        Self { pool, seen: Weak::new(), key, access: OwnerFirst, fail_over: Once, moving: OneSide }
    }
}

impl<S, K, A, F, M> Sharded<S, K, A, F, M> {
    /// What each request wants; where nothing is said, all ask the [owner first](super::Access::OwnerFirst), and
    /// the other nodes that have the key where that cannot take the call. Say which requests write: a replica may
    /// not be the one to ask for that.
    pub fn access<B>(self, access: B) -> Sharded<S, K, B, F, M> {
        let Self { pool, seen, key, access: _, fail_over, moving } = self;
        Sharded { pool, seen, key, access, fail_over, moving }
    }

    /// A call that a node refuses is made again at the next, with a copy of the request that is made before.
    ///
    /// `copy` gives the copy, or `None` of a request that is not to be made twice. It is not asked where there
    /// is no other node. `refused` says of which errors it is certain that nothing was done:
    /// [`was_refused`](super::was_refused) knows the refusals of this family of crates, wherever they stand in an
    /// error's chain.
    ///
    /// Who has only refusals to come back to gives the last one, as it is.
    ///
    /// # Examples
    ///
    /// How do I go to a replica when the owner's circuit is open?
    ///
    /// ```
    /// # use seawall_core::{Error, Reason, Rejection};
    /// # use seawall_shard::{Node, ShardMap, Sharded, sharded::was_refused};
    /// # use tower::{ServiceExt, service_fn};
    /// # type Answer = Result<&'static str, Error<std::io::Error>>;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let client = |name: &'static str, is_open| service_fn(move |_: u64| async move {
    /// #     if is_open { Answer::Err(Rejection::new(Reason::CircuitOpen, name).into()) } else { Ok(name) }
    /// # });
    /// # let shards = ShardMap::builder("photos").nodes(["a", "b"].map(Node::new)).replicas(2).build()?;
    /// # let owner = shards.lookup(&7).name().to_owned();
    /// let service = Sharded::new(shards, |&key: &u64| key)
    ///     .fail_over(|&key: &u64| Some(key), |error: &Error<std::io::Error>| was_refused(error));
    /// # for name in ["a", "b"] { service.insert(name, client(name, name == owner)); }
    ///
    /// assert_ne!(service.oneshot(7).await?, owner); // which is open
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn fail_over<C, R, Request, E>(
        self,
        copy: C,
        refused: R,
    ) -> Sharded<S, K, A, Again<C, R>, M>
    where
        C: Fn(&Request) -> Option<Request>,
        R: Fn(&E) -> bool,
    {
        let Self { pool, seen, key, access, fail_over: _, moving } = self;
        Sharded { pool, seen, key, access, fail_over: Again { copy, refused }, moving }
    }

    /// While a slot [moves](crate::migration), a write is told to both sides, and a read asks the second node where
    /// the first knows nothing of the key.
    ///
    /// `unknown` says of which answers that is so: the node has neither a value nor a deletion of the key. `forward`
    /// makes of a write, and of what the owner answered, what the other side is told: the same write with the
    /// version that it has got. Requests are cloned, only where there are two sides. Which requests write is said by
    /// [`access`](Self::access).
    ///
    /// Nodes that keep a [`Fence`](crate::migration::Fence) must be shown the epoch of the route:
    /// [`while_moving`](Self::while_moving) tells it.
    ///
    /// # Examples
    ///
    /// How do I read and write while a node joins?
    ///
    /// ```
    /// # use seawall_shard::{Node, Read, ShardKey, ShardMap, Sharded, sharded::Access};
    /// #[derive(Clone)]
    /// struct Request { key: Vec<u8>, write: Option<Row> }
    /// #[derive(Clone)]
    /// struct Row { version: u64, value: Option<String> } // without a value: deleted
    ///
    /// # let shards = ShardMap::builder("photos").node(Node::new("db-a")).build()?;
    /// let service = Sharded::new(shards, |request: &Request| request.key.shard_hash())
    ///     .access(|request: &Request| match &request.write {
    ///         Some(_) => Access::Write,
    ///         None => Access::Read(Read::Primary),
    ///     })
    ///     .both_sides(
    ///         |row: &Option<Row>| row.is_none(),
    ///         |request: Request, written: &Option<Row>| Some(Request { write: written.clone(), ..request }),
    ///     );
    /// # service.insert("db-a", ());
    /// # Ok::<(), seawall_shard::ConfigError>(())
    /// ```
    pub fn both_sides<U, W, Request, Response>(
        self,
        unknown: U,
        forward: W,
    ) -> Sharded<S, K, A, F, BothSides<U, W>>
    where
        Request: Clone,
        U: Fn(&Response) -> bool,
        W: Fn(Request, &Response) -> Option<Request>,
    {
        self.while_moving(BothSides { unknown, forward })
    }

    /// The same by rules of one's own: which copies are made, and how a request is told the epoch of its route.
    pub fn while_moving<N>(self, moving: N) -> Sharded<S, K, A, F, N> {
        let Self { pool, seen, key, access, fail_over, moving: _ } = self;
        Sharded { pool, seen, key, access, fail_over, moving }
    }

    /// The map.
    pub fn shards(&self) -> &ShardMap {
        match &self.pool.common.field {
            Field::Shards(shards) => shards,
            Field::Equals(_) => unreachable!("it was made with a map"),
        }
    }
}

impl<S, K: Clone, A: Clone, F: Clone, M: Clone> Clone for Sharded<S, K, A, F, M> {
    /// There is no readiness to copy: clones share the services, and look for themselves.
    fn clone(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            seen: self.seen.clone(),
            key: self.key.clone(),
            access: self.access.clone(),
            fail_over: self.fail_over.clone(),
            moving: self.moving.clone(),
        }
    }
}

impl<S, K, A, F, M, Request, Key> Service<Request> for Sharded<S, K, A, F, M>
where
    S: Service<Request> + Clone,
    K: Fn(&Request) -> Key,
    Key: ShardKey,
    A: ChooseAccess<Request>,
    F: FailOver<Request, S::Error> + Clone,
    M: WhileMoving<Request, S::Response> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, F, Request, M>;

    #[inline]
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        self.pool.look_around();
        let hash = (self.key)(&request).shard_hash();
        let ask = Ask { hash, access: self.access.access(&request), looks: self.moving.looks() };
        let (fail_over, moving) = (self.fail_over.clone(), self.moving.clone());
        ResponseFuture::new(self.pool.newest(&mut self.seen), ask, fail_over, moving, request)
    }
}

super::handle::handle!(Sharded<S, K, A, F, M>);
