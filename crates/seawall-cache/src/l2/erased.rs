//! The same trait for a cache that does not name its store.

use std::pin::Pin;

use seawall_core::BoxError;

use super::{Ask, Ear, Fill, L2, Lease, Look, Tag};

/// Boxed: what goes over the network costs more than that.
pub(crate) type Told<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

pub(crate) trait Erased<K, V>: Send + Sync {
    fn look<'a>(&'a self, keys: &'a [K], ask: Ask) -> Told<'a, Vec<Look<V>>>;
    fn fill<'a>(&'a self, fills: &'a [Fill<K, V>]) -> Told<'a, Vec<bool>>;
    fn release<'a>(&'a self, leases: &'a [(K, Lease)]) -> Told<'a, ()>;
    fn invalidate<'a>(&'a self, keys: &'a [K]) -> Told<'a, ()>;
    fn invalidate_tags<'a>(&'a self, tags: &'a [Tag]) -> Told<'a, ()>;
    fn clear(&self) -> Told<'_, ()>;
    fn listen(&self, ear: Ear<K>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<K: Sync + 'static, V: Sync + 'static, L: L2<K, V>> Erased<K, V> for L {
    fn look<'a>(&'a self, keys: &'a [K], ask: Ask) -> Told<'a, Vec<Look<V>>> {
        Box::pin(async move { L2::look(self, keys, ask).await.map_err(Into::into) })
    }

    fn fill<'a>(&'a self, fills: &'a [Fill<K, V>]) -> Told<'a, Vec<bool>> {
        Box::pin(async move { L2::fill(self, fills).await.map_err(Into::into) })
    }

    fn release<'a>(&'a self, leases: &'a [(K, Lease)]) -> Told<'a, ()> {
        Box::pin(async move { L2::release(self, leases).await.map_err(Into::into) })
    }

    fn invalidate<'a>(&'a self, keys: &'a [K]) -> Told<'a, ()> {
        Box::pin(async move { L2::invalidate(self, keys).await.map_err(Into::into) })
    }

    fn invalidate_tags<'a>(&'a self, tags: &'a [Tag]) -> Told<'a, ()> {
        Box::pin(async move { L2::invalidate_tags(self, tags).await.map_err(Into::into) })
    }

    fn clear(&self) -> Told<'_, ()> {
        Box::pin(async move { L2::clear(self).await.map_err(Into::into) })
    }

    fn listen(&self, ear: Ear<K>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(L2::listen(self, ear))
    }
}
