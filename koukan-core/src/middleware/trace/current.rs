use std::cell::Cell;

use tracing::Span;

use crate::signals::TraceId;

use super::TARGET;

thread_local! {
    static CURRENT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// The message that this thread is working on right now, where it is known: so that a log can say with
/// each line which message it is about.
///
/// It costs next to nothing, other than a span, and does not reach across tasks or threads.
pub fn current() -> Option<TraceId> {
    CURRENT.get()
}

/// Says, while something is done, which message that is done for: to [`current`], and in a span
/// `transaction` where the target [`TARGET`] is enabled at level `DEBUG`.
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

/// What was current before; it is again when this is dropped.
struct Before(Option<TraceId>);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}
