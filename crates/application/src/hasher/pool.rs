//! The hashing threads: a bounded queue in front of them, and the memory each of them works in.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use argon2::Block;
use tokio::sync::{oneshot, watch};

use super::HasherBusy;

/// How much the pool may take.
pub struct Limits {
    /// Threads.
    pub threads: usize,
    /// Tasks that may wait.
    pub queue: usize,
    /// Blocks that a usual task needs; memory beyond that is given back right after the task.
    pub usual_blocks: usize,
    /// Time without work after which a thread gives all its memory back.
    pub release_after: Duration,
}

/// Threads that work off a queue. They end when the pool is dropped.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    capacity: usize,
    release_after: Duration,
    /// Bytes of working memory over all threads.
    held: watch::Sender<usize>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    queued_at: Instant,
    task: Box<dyn Task>,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says when it gives no thread; those already started end.
    pub fn start(limits: &Limits) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            capacity: limits.queue,
            release_after: limits.release_after,
            held: watch::Sender::new(0),
        });
        let mut pool = Self { shared, threads: Vec::with_capacity(limits.threads) };
        for number in 0..limits.threads {
            let shared = Arc::clone(&pool.shared);
            let memory = Memory { blocks: Vec::new(), usual: limits.usual_blocks, held: shared.held.clone() };
            // The kernel cuts names after 15 characters.
            let thread = std::thread::Builder::new().name(format!("hasher-{number}"));
            pool.threads.push(thread.spawn(move || shared.work(memory))?);
        }
        Ok(pool)
    }

    /// Queues `work` and waits for its result. When the caller stops waiting before a thread gets to it, it is not done at all.
    ///
    /// # Errors
    ///
    /// [`HasherBusy`] at once when the queue is full, and when the work yields nothing or panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Option<T> + Send + 'static,
    ) -> Result<T, HasherBusy> {
        let (answer, result) = oneshot::channel();
        self.shared.enqueue(Job { queued_at: Instant::now(), task: Box::new(Call { work, answer }) })?;
        result.await.map_err(|_| HasherBusy)
    }

    /// How many tasks may wait.
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Bytes of working memory over all threads, as they change.
    #[cfg(test)]
    pub fn held(&self) -> watch::Receiver<usize> {
        self.shared.held.subscribe()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread can only have panicked outside a task, and then there is nothing left of it to end.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, job: Job) -> Result<(), HasherBusy> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.capacity {
            queue.jobs.retain(|job| !job.task.is_abandoned());
        }
        if queue.jobs.len() >= self.capacity {
            return Err(HasherBusy);
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self, mut memory: Memory) {
        yield_to_others();
        while let Some(job) = self.next(&mut memory) {
            if job.task.is_abandoned() {
                continue;
            }
            metrics::histogram!("vestibule_password_hash_wait_seconds").record(job.queued_at.elapsed());
            let started_at = Instant::now();
            if catch_unwind(AssertUnwindSafe(|| job.task.run(&mut memory))).is_err() {
                tracing::error!("a password hashing task panicked; its caller was told to try again");
            }
            metrics::histogram!("vestibule_password_hash_seconds").record(started_at.elapsed());
            memory.settle();
        }
    }

    /// The next job as soon as there is one; `None` when the pool is closed. Gives the memory back when that takes too long.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let idle_since = Instant::now();
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue = if memory.is_empty() {
                self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
            } else if let Some(patience) = self.release_after.checked_sub(idle_since.elapsed()) {
                self.changed.wait_timeout(queue, patience).unwrap_or_else(PoisonError::into_inner).0
            } else {
                drop(queue);
                memory.release();
                self.lock()
            };
        }
    }
}

/// Lets the threads that answer requests go first. Linux has priorities for single threads; elsewhere this would slow down
/// the whole process.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "hashing threads keep their normal priority");
    }
}

trait Task: Send {
    /// Whether nobody waits for the result any more.
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>, memory: &mut Memory);
}

struct Call<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<W: FnOnce(&mut Memory) -> Option<T> + Send, T: Send> Task for Call<W, T> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        let Self { work, answer } = *self;
        if let Some(result) = work(memory) {
            // Whoever has gone meanwhile does not want it.
            let _ = answer.send(result);
        }
    }
}

/// The blocks a thread hashes in, kept from one hash to the next: taking and clearing them anew costs a fifth of a hash.
pub struct Memory {
    blocks: Vec<Block>,
    usual: usize,
    held: watch::Sender<usize>,
}

/// glibc keeps freed memory for itself up to this size, once it has seen it freed. Only room that is larger goes back to the
/// system every time; the part that is never touched costs nothing.
const ALWAYS_RETURNED_BLOCKS: usize = (33 << 20) / Block::SIZE;

impl Memory {
    /// `count` blocks with whatever was left in them; `None` when there is no memory.
    pub fn blocks(&mut self, count: usize) -> Option<&mut [Block]> {
        if self.blocks.len() < count {
            self.release();
            if let Err(error) = self.blocks.try_reserve_exact(count.max(ALWAYS_RETURNED_BLOCKS)) {
                tracing::error!(%error, "no memory to hash a password in; lower passwords.threads or passwords.memory_kib");
                return None;
            }
            self.blocks.resize(count, Block::new());
            self.held.send_modify(|bytes| *bytes += count * Block::SIZE);
        }
        self.blocks.get_mut(..count)
    }

    /// After a hash of unusual size: gives back what the usual ones do not need.
    fn settle(&mut self) {
        if self.blocks.len() > self.usual {
            self.release();
        }
    }

    fn release(&mut self) {
        let bytes = self.blocks.len() * Block::SIZE;
        self.blocks = Vec::new();
        if bytes > 0 {
            self.held.send_modify(|held| *held -= bytes);
        }
    }

    fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn pool(queue: usize, release_after: Duration) -> Pool {
        Pool::start(&Limits { threads: 1, queue, usual_blocks: 16, release_after }).unwrap()
    }

    fn take(count: usize) -> impl FnOnce(&mut Memory) -> Option<usize> {
        move |memory| Some(memory.blocks(count)?.len())
    }

    async fn wait_until_given_back(held: &mut watch::Receiver<usize>) {
        let given_back = held.wait_for(|bytes| *bytes == 0);
        tokio::time::timeout(Duration::from_secs(30), given_back).await.expect("the memory is given back").unwrap();
    }

    /// Polls once, which is when a task is queued.
    fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_again_when_somebody_gives_up() {
        let pool = pool(1, HOUR);
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel();
        let mut running = Box::pin(pool.run(move |_| {
            begun.send(()).unwrap();
            may_end.recv().ok()
        }));
        assert!(is_pending(running.as_mut()));
        has_begun.recv().unwrap();

        let was_run = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&was_run);
        let mut abandoned = Box::pin(pool.run(move |_| {
            flag.store(true, Ordering::SeqCst);
            Some(())
        }));
        assert!(is_pending(abandoned.as_mut()));
        assert_eq!(pool.run(|_| Some(())).await, Err(HasherBusy));
        drop(abandoned);
        let mut next = Box::pin(pool.run(|_| Some(7)));
        assert!(is_pending(next.as_mut()));

        end.send(()).unwrap();
        assert_eq!(running.await, Ok(()));
        assert_eq!(next.await, Ok(7));
        assert!(!was_run.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn work_that_was_given_up_while_it_waited_is_not_done() {
        let pool = pool(8, HOUR);
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel();
        let mut running = Box::pin(pool.run(move |_| {
            begun.send(()).unwrap();
            may_end.recv().ok()
        }));
        assert!(is_pending(running.as_mut()));
        has_begun.recv().unwrap();
        let was_run = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&was_run);
        let mut abandoned = Box::pin(pool.run(move |_| {
            flag.store(true, Ordering::SeqCst);
            Some(())
        }));
        assert!(is_pending(abandoned.as_mut()));
        drop(abandoned);
        end.send(()).unwrap();
        assert_eq!(running.await, Ok(()));
        // The queue is worked off in order, so the abandoned task has had its turn when this one is done.
        assert_eq!(pool.run(|_| Some(())).await, Ok(()));
        assert!(!was_run.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_ends_the_task_and_not_the_thread() {
        let pool = pool(8, HOUR);
        let explode = |_: &mut Memory| -> Option<()> { panic!("on purpose") };
        assert_eq!(pool.run(explode).await, Err(HasherBusy));
        assert_eq!(pool.run(|_| Some(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn memory_is_kept_between_tasks() {
        let pool = pool(8, HOUR);
        let address = |memory: &mut Memory| memory.blocks(16).map(|blocks| blocks.as_ptr().addr());
        let first = pool.run(address).await.unwrap();
        assert_eq!(*pool.held().borrow(), 16 * Block::SIZE);
        assert_eq!(pool.run(address).await.unwrap(), first);
        assert_eq!(*pool.held().borrow(), 16 * Block::SIZE);
    }

    #[tokio::test]
    async fn memory_is_given_back_when_there_is_no_work_and_taken_again() {
        let pool = pool(8, Duration::ZERO);
        let mut held = pool.held();
        for _ in 0..2 {
            let during = pool.held();
            let used = pool.run(move |memory| memory.blocks(16).map(|_| *during.borrow())).await;
            assert_eq!(used, Ok(16 * Block::SIZE));
            wait_until_given_back(&mut held).await;
        }
    }

    #[tokio::test]
    async fn more_than_the_usual_memory_is_given_back_at_once() {
        let pool = pool(8, HOUR);
        let mut held = pool.held();
        assert_eq!(pool.run(take(17)).await, Ok(17));
        wait_until_given_back(&mut held).await;
    }

    #[tokio::test]
    async fn memory_that_cannot_be_had_is_no_crash() {
        let pool = pool(8, HOUR);
        assert_eq!(pool.run(take(usize::MAX / Block::SIZE / 4)).await, Err(HasherBusy));
        assert_eq!(pool.run(take(16)).await, Ok(16));
    }

    #[tokio::test]
    async fn the_threads_end_with_the_pool() {
        let pool = pool(8, HOUR);
        assert_eq!(pool.run(take(16)).await, Ok(16));
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        assert!(shared.upgrade().is_none());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_have_lower_priority_than_the_rest_of_the_process() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let inside = pool(8, HOUR).run(move |_| Some(priority())).await.unwrap();
        assert!(inside >= 10, "{inside}");
        assert_eq!(priority(), before);
    }
}
