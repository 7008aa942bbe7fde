//! Learning the services from a stream of changes.

use std::fmt;

use tower::discover::Change;

use super::pool::Pool;

impl<S> Pool<S> {
    pub(crate) fn take_in<K: fmt::Display>(&self, change: Change<K, S>) {
        match change {
            Change::Insert(key, service) => self.insert(key.to_string().into(), service),
            Change::Remove(key) => _ = self.remove(&key.to_string()),
        }
    }
}
