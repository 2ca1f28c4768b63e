use std::cell::Cell;

use tracing::Span;

use crate::signals::TraceId;

use super::TARGET;

thread_local! {
    static CURRENT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// The message that this thread is working on now, if it is known. A log can use it to mark each line.
///
/// In contrast to a span it costs almost nothing, but it does not follow work to other tasks or
/// threads.
pub fn current() -> Option<TraceId> {
    CURRENT.get()
}

/// Marks the message that some code works on: for [`current`], and as a span `transaction` where
/// the target [`TARGET`] is enabled at level `DEBUG`.
#[derive(Debug, Clone)]
pub(crate) struct Following {
    id: TraceId,
    span: Span,
}

impl Following {
    pub(crate) fn new(id: TraceId) -> Self {
        let span = tracing::debug_span!(target: TARGET, "transaction", %id);
        Self { id, span }
    }

    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(Some(self.id)));
        let _entered = self.span.enter();
        work()
    }
}

/// The previous message, which is restored when this is dropped.
struct Before(Option<TraceId>);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}
