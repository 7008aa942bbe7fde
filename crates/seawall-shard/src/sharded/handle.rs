//! What both services have in common: their members, and how they are seen.

/// The methods of a service with a `pool` of members.
macro_rules! handle {
    ($Service:ident<S, $($Rest:ident),+>) => {
        impl<S, $($Rest),+> $Service<S, $($Rest),+> {
            /// The name, as it stands in rejections and snapshots.
            #[must_use]
            pub fn name(&self) -> &str {
                self.pool.name()
            }

            /// Gives a node its service, or another one. A service whose node is not known yet is kept until
            /// that comes.
            pub fn insert(&self, name: impl Into<seawall_core::Name>, service: S) {
                self.pool.insert(name.into(), service);
            }

            /// Takes a node's service away, whose calls go on; whether it had one. The node is passed over from now
            /// on.
            pub fn remove(&self, name: &str) -> bool {
                self.pool.remove(name)
            }

            /// The names of those that have a service, in no order.
            #[must_use]
            pub fn services(&self) -> Vec<seawall_core::Name> {
                self.pool.view().seats.iter().map(|seat| seat.name.clone()).collect()
            }

            /// How long a call waits for the member that it prefers and that is not ready, before it takes whoever
            /// gets ready first; none at first. For all clones, and the calls to come.
            ///
            /// Another member has the same data and, as a rule, a colder memory: some milliseconds are well spent
            /// on one that keeps its connections full, and none where calls are short.
            #[cfg(feature = "tokio")]
            #[must_use]
            pub fn patience(self, patience: std::time::Duration) -> Self {
                self.set_patience(patience);
                self
            }

            /// Changes the [patience](Self::patience) while calls run.
            #[cfg(feature = "tokio")]
            pub fn set_patience(&self, patience: std::time::Duration) {
                self.pool.set_patience(patience);
            }

            /// The same service with the members' own error in the place of [`Error`](seawall_core::Error), where
            /// that can be made of a rejection.
            pub const fn flatten(self) -> seawall_core::flatten::FlattenService<Self> {
                seawall_core::flatten::FlattenService::new(self)
            }

            /// How it stands now; see the crate's page for the names of the numbers.
            #[must_use]
            pub fn snapshot(&self) -> seawall_core::Snapshot
            where
                S: Send + Sync,
            {
                seawall_core::Observe::snapshot(&*self.pool)
            }

            /// Adds it to a registry, which does not keep it alive.
            pub fn register(&self, registry: &seawall_core::Registry)
            where
                S: Send + Sync + 'static,
            {
                registry.add(&self.pool);
            }
        }

        #[cfg(feature = "discover")]
        impl<S, $($Rest),+> $Service<S, $($Rest),+> {
            /// Takes the services from what is discovered, each for the node that its key names.
            ///
            /// The stream is looked at when a call comes, if there is news. To have services take part before
            /// that, spawn [`follow`](Self::follow) instead. When the stream ends, or fails, the services stay
            /// as they are.
            ///
            /// # Examples
            ///
            /// How do I follow my service discovery?
            ///
            /// ```
            /// # use seawall_shard::{Node, ShardMap, Sharded};
            /// # use tower::{ServiceExt, discover::Change, service_fn};
            /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            /// # let client = service_fn(|key: u64| async move { Ok::<_, std::io::Error>(key) });
            /// # let found = ["db-a", "db-b"].map(|name| Ok::<_, std::io::Error>(Change::Insert(name, client)));
            /// # let endpoints = futures_util::stream::iter(found);
            /// let shards = ShardMap::builder("photos").nodes(["db-a", "db-b"].map(Node::new)).build()?;
            /// let service = Sharded::new(shards, |&key: &u64| key).discover(endpoints);
            /// assert_eq!(service.oneshot(42).await?, 42);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// # }).unwrap();
            /// ```
            #[must_use]
            pub fn discover<D>(self, discover: D) -> Self
            where
                D: tower::discover::Discover<Service = S> + Send + 'static,
                D::Key: std::fmt::Display,
                D::Error: std::fmt::Display,
            {
                self.pool.discovery.add(discover);
                self
            }

            /// The same by a future that is to be spawned beside the service, and that says how the stream ended.
            pub fn follow<D>(&self, discover: D) -> super::Follow<D>
            where
                D: tower::discover::Discover<Service = S>,
                D::Key: std::fmt::Display,
            {
                let pool = std::sync::Arc::clone(&self.pool);
                super::Follow::new(discover, crate::follow::Target::Pool(pool))
            }
        }

        impl<S: Send + Sync, $($Rest),+> seawall_core::Observe for $Service<S, $($Rest),+>
        where
            $($Rest: Send + Sync),+
        {
            fn snapshot(&self) -> seawall_core::Snapshot {
                seawall_core::Observe::snapshot(&*self.pool)
            }
        }

        impl<S, $($Rest),+> std::fmt::Debug for $Service<S, $($Rest),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($Service)).field("name", self.pool.name()).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use handle;
