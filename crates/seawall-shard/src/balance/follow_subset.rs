//! Learning the peers from a stream of changes, and keeping those that are for this client.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::discover::{Change, Discover};

use super::{Balance, Subset};

/// After so many changes at once the peers are set, though more changes are there.
const AT_ONCE: usize = 1_024;

pin_project! {
    /// A future that keeps a [`Balance`] at a part of what is discovered: made by [`Balance::follow_subset`].
    ///
    /// It ends when the stream ends, and with the stream's first error; the peers stay as they are then.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the peers as they are.
    #[must_use = "futures do nothing unless polled"]
    pub struct FollowSubset<D: Discover> {
        #[pin]
        discover: D,
        chosen: Chosen<D::Service>,
    }
}

/// What is discovered, and what of it is in the balance.
struct Chosen<S> {
    balance: Balance<S>,
    subset: Subset,
    discovered: BTreeMap<String, S>,
    /// Those in the balance, with the weights that they have there.
    inside: BTreeMap<String, u32>,
    /// Whose service is another one since the peers were set.
    fresh: BTreeSet<String>,
    changes: usize,
}

impl<S: Clone> Balance<S> {
    /// As [`follow`](Self::follow), with those peers alone that are this client's part of the fleet, by the
    /// weights of that part. Peers that stay keep what is known of them when weights change.
    ///
    /// All services that are discovered are kept, since any can become one of the part: let them connect when
    /// they are first called.
    ///
    /// # Examples
    ///
    /// How do I keep 1 000 clients from being connected to 1 000 servers each?
    ///
    /// ```
    /// # use seawall_shard::{Balance, balance::Subset};
    /// # use tower::discover::Change;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let changes = (0..1_000).map(|at| Ok::<_, std::io::Error>(Change::Insert(at, "a client")));
    /// # let discover = futures_util::stream::iter(changes);
    /// let balance = Balance::builder("search").build()?;
    /// let subset = Subset::random(seawall_shard::hash(b"host-17"), 20)?;
    /// balance.follow_subset(discover, subset).await?; // or `tokio::spawn` it
    /// assert_eq!(balance.peers().len(), 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn follow_subset<D>(&self, discover: D, subset: Subset) -> FollowSubset<D>
    where
        D: Discover<Service = S>,
        D::Key: fmt::Display,
    {
        let chosen = Chosen {
            balance: self.clone(),
            subset,
            discovered: BTreeMap::new(),
            inside: BTreeMap::new(),
            fresh: BTreeSet::new(),
            changes: 0,
        };
        FollowSubset { discover, chosen }
    }
}

impl<D> Future for FollowSubset<D>
where
    D: Discover,
    D::Service: Clone,
    D::Key: fmt::Display,
{
    type Output = Result<(), D::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let end = match this.discover.as_mut().poll_discover(cx) {
                Poll::Ready(Some(Ok(change))) => {
                    this.chosen.take_in(change);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
                Poll::Ready(None) => Poll::Ready(Ok(())),
                Poll::Pending => Poll::Pending,
            };
            this.chosen.settle();
            return end;
        }
    }
}

impl<S: Clone> Chosen<S> {
    fn take_in<K: fmt::Display>(&mut self, change: Change<K, S>) {
        match change {
            Change::Insert(key, service) => {
                let name = key.to_string();
                self.fresh.insert(name.clone());
                self.discovered.insert(name, service);
            }
            Change::Remove(key) => _ = self.discovered.remove(&key.to_string()),
        }
        self.changes += 1;
        if self.changes >= AT_ONCE {
            self.settle();
        }
    }

    /// Sets the peers: who comes before who goes, so that somebody is always there.
    fn settle(&mut self) {
        if std::mem::take(&mut self.changes) == 0 {
            return;
        }
        let names: Vec<_> = self.discovered.keys().collect();
        let weights: BTreeMap<_, _> = self
            .subset
            .of(&names)
            .into_iter()
            .map(|chosen| (names[chosen.at].clone(), chosen.weight))
            .collect();
        for (name, &weight) in &weights {
            match self.inside.get(name) {
                Some(&before) if !self.fresh.contains(name) => {
                    if before != weight {
                        self.balance.shared.set_weight(name, weight);
                    }
                }
                _ => {
                    let service = self.discovered[name].clone();
                    self.balance.shared.insert(&name.clone().into(), weight, service);
                }
            }
        }
        for gone in self.inside.keys().filter(|name| !weights.contains_key(*name)) {
            self.balance.remove(gone);
        }
        self.inside = weights;
        self.fresh.clear();
    }
}

impl<D: Discover> fmt::Debug for FollowSubset<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowSubset")
            .field("balance", &self.chosen.balance)
            .finish_non_exhaustive()
    }
}
