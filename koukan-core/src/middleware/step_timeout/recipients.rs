use std::task::{Context, Poll};

use crate::{
    pipe::{Sender, pipe},
    transaction::{Command, Rcpt, Recipients},
};

use super::state::Steps;

/// Recipients that wait for upstream to take them, at most.
const WAITING: usize = 32;

/// Takes recipients as they come and keeps them for upstream.
pub(super) struct Feed {
    steps: Steps,
    /// `None` once there are no more recipients, or nobody wants them.
    open: Option<(Recipients, Sender<Command<Rcpt>>)>,
}

impl Feed {
    pub(super) fn new(downstream: Recipients, steps: Steps) -> (Self, Recipients) {
        let (sender, receiver) = pipe(WAITING);
        let taking = steps.clone();
        let upstream = Recipients::from_pipe(receiver).map(move |rcpt| {
            taking.rcpt_taken();
            rcpt
        });
        let open = Some((downstream, sender));
        (Self { steps, open }, upstream)
    }

    /// Moves what there is and registers for the rest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        while let Some((downstream, sender)) = &mut self.open {
            match sender.poll_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                // What is dropped here is answered within the grace.
                Poll::Ready(Err(_)) => {
                    self.steps.rcpts_unwanted();
                    self.open = None;
                    return;
                }
            }
            match downstream.poll_recipient(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(rcpt))) => {
                    self.steps.rcpt(rcpt.watch());
                    let _ = sender.send(rcpt);
                }
                Poll::Ready(Some(Err(_))) => self.open = None,
                Poll::Ready(None) => {
                    self.steps.data();
                    if let Some((_, sender)) = self.open.take() {
                        sender.finish();
                    }
                }
            }
        }
    }
}
