//! The connections held for a message.

use std::{fmt, future::poll_fn, sync::Arc, task::Poll};

use crate::body::Body;

use super::{MessageToken, Shared};

/// The number of connections held for a message. A holder must not wait long for another
/// connection.
#[derive(Clone, Default)]
pub struct Holdings(Option<Arc<Shared>>);

/// One held connection. Dropping this releases it.
#[derive(Debug)]
#[must_use = "it counts for as long as this lives"]
pub struct Held(Holdings);

impl Holdings {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Some(Arc::clone(shared)))
    }

    /// Whether both belong to the same message, which has several copies.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(shared), Some(other)) => Arc::ptr_eq(shared, other),
            _ => false,
        }
    }

    /// Notes that a connection is held.
    pub fn hold(&self) -> Held {
        if let Self(Some(shared)) = self {
            let holders = {
                let mut state = shared.lock();
                state.held += 1;
                state.holders.take()
            };
            holders.wake();
        }
        Held(self.clone())
    }

    /// Waits until a connection is held; for ever where the message has no other copies.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn held(&self) {
        poll_fn(|cx| {
            let Self(Some(shared)) = self else {
                return Poll::Pending;
            };
            let mut state = shared.lock();
            if state.held > 0 {
                return Poll::Ready(());
            }
            state.holders.add(cx.waker());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Self(Holdings(shared)) = self;
        if let Some(shared) = shared {
            shared.lock().held -= 1;
        }
    }
}

impl Body {
    /// The connections held for the message.
    pub fn holdings(&self) -> Holdings {
        let token = self.token.as_ref();
        token.map_or_else(Holdings::default, MessageToken::holdings)
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holdings")
    }
}
