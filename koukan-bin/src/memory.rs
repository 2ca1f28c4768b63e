//! Returns unused memory to the operating system.

use std::{hint::black_box, time::Duration};

use tokio::time::interval;

/// How often the allocator is prompted.
const INTERVAL: Duration = Duration::from_secs(3);
/// Octets to allocate: so many that they get pages of their own.
const ASKED: usize = 1 << 20;

/// Makes the allocator return memory that it no longer uses; never ends.
///
/// The allocator of the binaries, mimalloc, keeps freed memory for a second in case it is needed
/// again, and only returns it when pages are next allocated or freed. A process that becomes idle
/// after a burst would keep all memory of the burst. It is enough to allocate and free some pages.
/// This costs a microsecond: they are never written to.
pub(crate) async fn give_back() {
    let mut ticks = interval(INTERVAL);
    loop {
        ticks.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(ASKED)));
    }
}
