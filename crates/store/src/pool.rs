//! Connections lent to blocking threads, with a bound on how many wait for one and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, NopErrorHandler, PooledConnection, R2D2Connection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;
use crate::error::{Unit, one_line};

pub(crate) type Pool<C> = diesel::r2d2::Pool<ConnectionManager<C>>;
pub(crate) type Pooled<C> = PooledConnection<ConnectionManager<C>>;

/// An r2d2 pool with a door: whoever is through finds a connection, so that no blocking thread waits for one.
pub(crate) struct BoundedPool<C: R2D2Connection + Send + 'static> {
    connections: Pool<C>,
    places: Arc<Semaphore>,
    size: u32,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
    closed: AtomicBool,
    runtime: Handle,
}

/// How a [`BoundedPool`] is bounded.
pub(crate) struct Bounds {
    /// Connections at most.
    pub(crate) size: u32,
    /// Units that wait at most.
    pub(crate) queue: usize,
    /// How long they wait at most.
    pub(crate) wait: Duration,
}

impl<C: R2D2Connection + Send + 'static> BoundedPool<C> {
    /// A pool that connects to `url` when first needed and prepares each connection with `customizer`.
    pub(crate) fn new(
        url: &str,
        customizer: Box<dyn CustomizeConnection<C, Error>>,
        bounds: &Bounds,
        runtime: Handle,
    ) -> Self {
        let connections = diesel::r2d2::Pool::builder()
            .max_size(bounds.size)
            .min_idle(Some(0))
            .connection_timeout(bounds.wait)
            // A question before each unit would double the round trips; broken connections are noticed when they fail.
            .test_on_check_out(false)
            .error_handler(Box::new(NopErrorHandler))
            .connection_customizer(customizer)
            .build_unchecked(ConnectionManager::new(url));
        Self {
            connections,
            places: Arc::new(Semaphore::new(bounds.size as usize)),
            size: bounds.size,
            waiting: AtomicUsize::new(0),
            queue: bounds.queue,
            wait: bounds.wait,
            closed: AtomicBool::new(false),
            runtime,
        }
    }

    /// The connections themselves, for what happens before there are callers.
    pub(crate) const fn connections(&self) -> &Pool<C> {
        &self.connections
    }

    /// Runs `work` on a blocking thread as soon as there is a connection for it. It runs to its end even when the
    /// caller has gone, so that no transaction stays open.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Pool<C>) -> Unit<T> + Send + 'static,
    ) -> Unit<T> {
        let place = self.place().await?;
        let connections = self.connections.clone();
        let done = self.runtime.spawn_blocking(move || {
            let outcome = work(&connections);
            drop(place);
            outcome
        });
        done.await.unwrap_or_else(|_| Err(StoreError::Other("a unit of work panicked".to_owned()).into()))
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        let waiting = Waiting::enter(&self.waiting);
        if waiting.before >= self.queue {
            return Err(StoreError::Busy);
        }
        match tokio::time::timeout(self.wait, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Refuses new units, and returns when those that wait are done.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // The semaphore is fair: all places at once are only given to who asks last when everyone before is through.
        if self.places.acquire_many(self.size).await.is_ok() {
            self.places.close();
        }
    }
}

/// A connection, or why there is none.
pub(crate) fn connect<C: R2D2Connection + Send + 'static>(connections: &Pool<C>) -> Result<Pooled<C>, StoreError> {
    connections.get().map_err(|error| StoreError::Unavailable(one_line(&error.to_string())))
}

/// One who waits, counted until it no longer does, also when its future is dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        let before = count.fetch_add(1, Ordering::SeqCst);
        show_queue(before + 1);
        Self { count, before }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        show_queue(self.count.fetch_sub(1, Ordering::SeqCst).saturating_sub(1));
    }
}

/// Shows how many units wait for the database.
pub(crate) fn show_queue(waiting: usize) {
    metrics::gauge!("vestibule_store_queue_units").set(u32::try_from(waiting).unwrap_or(u32::MAX));
}

pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
