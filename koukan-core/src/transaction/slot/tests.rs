use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Wake,
};

use super::*;

/// Records, when it is dropped, whether the lock of a command was free.
struct Probe {
    place: Place,
    was_free: Arc<AtomicBool>,
}

impl Wake for Probe {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Probe {
    fn drop(&mut self) {
        let is_free = self.place.0.try_lock().is_ok();
        self.was_free.store(is_free, Ordering::Relaxed);
    }
}

/// Wakers are foreign code: dropping the last of them may drop a task, and with it the slot.
#[test]
fn a_waker_is_dropped_once_the_lock_is_free() {
    let ways: [fn(&mut Pending); 3] = [
        |pending| assert_eq!(pending.look(), None),
        Pending::unregister,
        |pending| {
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(Pin::new(pending).poll(cx).is_pending());
        },
    ];
    for (number, drop_waker) in ways.into_iter().enumerate() {
        let (_slot, mut pending) = slot(0);
        let was_free = Arc::new(AtomicBool::new(false));
        let waker = Waker::from(Arc::new(Probe {
            place: pending.place(),
            was_free: Arc::clone(&was_free),
        }));
        let cx = &mut Context::from_waker(&waker);
        assert!(Pin::new(&mut pending).poll(cx).is_pending());
        drop(waker);
        drop_waker(&mut pending);
        assert!(was_free.load(Ordering::Relaxed), "{number}");
    }
}
