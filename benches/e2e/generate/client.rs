//! One client, which sends the next message whenever it is free.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::Semaphore;

use crate::{Failed, tls::Counts};

use super::{Load, rest::Rest, schedule::Schedule, smtp::Smtp, tally::Tally};

/// A client for either protocol.
pub(super) struct Client {
    messages: u64,
    next: Arc<AtomicU64>,
    timing: Option<(Schedule, Arc<Semaphore>)>,
    protocol: Protocol,
    tally: Tally,
}

enum Protocol {
    Smtp(Box<Smtp>),
    Rest(Box<Rest>),
}

impl Client {
    /// With a timing, a message is sent when there is a permit, and its latency counts from when it
    /// was due. Without one, it is sent at once, and the latency counts from then.
    pub(super) fn new(
        load: &Load,
        next: Arc<AtomicU64>,
        timing: Option<(Schedule, Arc<Semaphore>)>,
        counts: &Arc<Counts>,
    ) -> Result<Self, Failed> {
        Ok(Self {
            messages: load.messages,
            next,
            timing,
            protocol: match load.rest {
                true => Protocol::Rest(Box::new(Rest::new(load))),
                false => Protocol::Smtp(Box::new(Smtp::new(load, counts)?)),
            },
            tally: Tally::default(),
        })
    }

    pub(super) async fn run(mut self) -> Result<Tally, Failed> {
        loop {
            if let Some((_, permits)) = &self.timing {
                match permits.acquire().await {
                    Ok(permit) => permit.forget(),
                    // All messages have been given to clients.
                    Err(_) => return Ok(self.tally),
                }
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if let Some((_, permits)) = &self.timing
                && number + 1 == self.messages
            {
                permits.close();
            }
            if number >= self.messages {
                return Ok(self.tally);
            }
            let start = match &self.timing {
                Some((schedule, _)) => schedule.due(number),
                None => Instant::now(),
            };
            let is_accepted = match &mut self.protocol {
                Protocol::Smtp(smtp) => smtp.send(number).await?,
                Protocol::Rest(rest) => rest.send(number).await?,
            };
            self.tally.latencies.add(start.elapsed());
            if !is_accepted {
                self.tally.refuse(number);
            }
            match &mut self.protocol {
                Protocol::Smtp(smtp) => smtp.rest().await?,
                Protocol::Rest(rest) => rest.rest(),
            }
        }
    }
}
