//! Memory that is no longer used goes back to the operating system.

use std::{hint::black_box, time::Duration};

use tokio::time::interval;

/// How often the allocator is asked.
const INTERVAL: Duration = Duration::from_secs(3);
/// Octets that are asked for: so many that they have pages of their own.
const ASKED: usize = 1 << 20;

/// Has the allocator give back what it no longer uses, for ever.
///
/// The allocator of the binaries, mimalloc, keeps what was freed for a second, in case that it is
/// needed again, and looks after it when pages are next taken or freed. A process that becomes idle
/// after a burst would keep all that the burst took. To take some and free it is enough, and costs
/// a microsecond: it is never written to.
pub(crate) async fn give_back() {
    let mut ticks = interval(INTERVAL);
    loop {
        ticks.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(ASKED)));
    }
}
