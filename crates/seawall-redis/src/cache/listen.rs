//! What is told by others, from the server to the cache's ear.

use std::sync::Arc;

use seawall_cache::l2::{Ear, Heard};
use seawall_core::sync::unmodelled::Ordering::Relaxed;

use super::{key::CacheKey, names::Told, shared::Shared};
use crate::connection::Said;

/// Tells `ear` what others do, until the future is dropped.
pub(super) async fn listen<K, C>(shared: Arc<Shared<C>>, ear: Ear<K>)
where
    K: CacheKey,
    C: Send + Sync + 'static,
{
    let own = shared.clone();
    let hear = move |said: Said<'_>| own.hear(said, &ear);
    shared.connection.track(shared.names.told(), shared.heartbeat, hear).await;
}

impl<C> Shared<C> {
    fn hear<K: CacheKey>(&self, said: Said<'_>, ear: &Ear<K>) {
        let heard = match said {
            Said::Begun => {
                self.stats.listening.store(true, Relaxed); // for snapshots
                Heard::Listening
            }
            Said::Lost(why) => {
                self.stats.listening.store(false, Relaxed);
                self.stats.gaps.add(1);
                self.trace_gap(why);
                Heard::Deaf
            }
            Said::Flushed => Heard::All,
            Said::Changed(name) => match self.names.read(name) {
                Some((_, by)) if self.is_own(by) => return,
                Some((Told::Key(key), _)) => Heard::Key(key),
                Some((Told::Tag(tag), _)) => Heard::Tag(tag),
                // What can't be read may be about anything.
                Some((Told::All, _)) | None => Heard::All,
            },
        };
        if !matches!(heard, Heard::Listening | Heard::Deaf) {
            self.stats.heard.add(1);
        }
        ear.hear(heard);
    }

    fn trace_gap(&self, why: &str) {
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "seawall::redis", name = self.prefix.as_str(), why, "deaf to other instances");
        #[cfg(not(feature = "tracing"))]
        let _ = why;
    }
}
