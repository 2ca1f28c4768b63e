//! What is tried out: small plays of two or three threads, each of which must end well in every
//! order.
//!
//! A lost wake shows as a thread that waits for ever: shuttle then tells that nobody can go on, or,
//! beside an `executor`, that there is no end.

pub mod blob;
pub mod departure;
mod executor;
pub mod lease;
pub mod live;
pub mod pipe;
pub mod pool;
pub mod slot;
pub mod waking;

use shuttle::{future::block_on, thread};

/// Runs a future to its end in a thread of its own.
fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Thread<T> {
    Thread(thread::spawn(move || block_on(future)))
}

/// A thread of a play.
struct Thread<T>(thread::JoinHandle<T>);

impl<T> Thread<T> {
    /// Waits for the thread's end.
    fn join(self) -> T {
        self.0.join().expect("a thread of the play panicked")
    }
}
