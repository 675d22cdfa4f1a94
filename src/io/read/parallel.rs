//! The same work on many things at once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::io::memory;

/// As many threads as the user asks for, or as there are cores for 0; fewer where memory is limited, and at least one.
pub(crate) fn threads(asked: usize) -> usize {
    let wanted = match asked {
        0 => thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    };
    wanted.min(memory::threads())
}

/// `work` on each of `items` by at most `threads` threads; the results are in the order of the items.
pub(crate) fn map<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() <= 1 {
        return items.into_iter().map(work).collect();
    }
    let count = items.len();
    let queue = Mutex::new(items.into_iter().enumerate());
    let worker = || {
        let mut done = Vec::new();
        loop {
            // A worker that panics does so in `work`, never while it holds the queue.
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, item)) = next else { return done };
            done.push((index, work(item)));
        }
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, worker).ok();
        let workers: Vec<_> = (0..threads.min(count)).map_while(start).collect();
        if workers.is_empty() {
            return worker();
        }
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The data of `mutex`. A thread that panicked while it held them is reported by others; the data are sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items() {
        for threads in [1, 2, 7] {
            assert_eq!(map(threads, (0..100).collect(), |n: u32| n * n), (0..100).map(|n| n * n).collect::<Vec<_>>());
        }
    }
}
