//! The threads: plain ones that take jobs from the line, or those of a tokio runtime.

use std::{fmt, io, pin::pin, sync::Arc, thread};

use seawall_core::{ConfigError, Name, Parker};

use super::{Compartment, Shared, panicked::quietly, pool::Pool};

/// The threads to start.
pub(crate) struct Threads {
    pub(crate) name: Name,
    pub(crate) count: usize,
    pub(crate) stack_size: Option<usize>,
}

impl Threads {
    /// Threads that take jobs from the line.
    pub(crate) fn plain(&self, pool: Pool) -> Result<Compartment, ConfigError> {
        let pool = Arc::new(pool);
        let compartment = Compartment::new(Shared::new(pool.clone())); // ends them if one is missing
        self.start(|| {
            let pool = pool.clone();
            move || {
                let parker = Parker::new();
                while let Some(job) = pool.next() {
                    quietly(|| parker.block_on(pin!(job.run())));
                }
            }
        })?;
        Ok(compartment)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn runtime(&self, mut pool: Pool) -> Result<Compartment, ConfigError> {
        use seawall_core::sync::unmodelled::{AtomicUsize, Ordering::Relaxed};

        // Tokio panics, or waits for ever, where it can't start a thread: tries with plain ones.
        let trial = Pool::new(
            self.name.clone(),
            pool.clock.clone(),
            seawall_core::Listeners::new(),
            pool.limits,
        );
        drop(self.plain(trial)?);

        let (name, number) = (self.name.clone(), AtomicUsize::new(0));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if let Some(bytes) = self.stack_size {
            builder.thread_stack_size(bytes);
        }
        let runtime = builder
            .worker_threads(self.count)
            .thread_name_fn(move || format!("{name}-{}", number.fetch_add(1, Relaxed)))
            .enable_all()
            .build()
            .map_err(|error| self.not_started(&error))?;
        pool.runtime = Some(runtime.handle().clone());
        Ok(Compartment::new(Shared::on_runtime(Arc::new(pool), runtime)))
    }

    /// Starts all of them, or none is left once what they wait for is dropped.
    fn start<F: FnOnce() + Send + 'static>(
        &self,
        mut body: impl FnMut() -> F,
    ) -> Result<(), ConfigError> {
        for number in 0..self.count {
            let mut thread = thread::Builder::new().name(format!("{}-{number}", self.name));
            if let Some(bytes) = self.stack_size {
                thread = thread.stack_size(bytes);
            }
            thread.spawn(body()).map_err(|error| self.not_started(&error))?;
        }
        Ok(())
    }

    fn not_started(&self, error: &io::Error) -> ConfigError {
        let value = fmt::from_fn(|f| write!(f, "{} ({error})", self.count));
        ConfigError::new("threads", value, "as many as the system starts")
    }
}
