//! Settings of an SMTP server.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use koukan_smtp::{
    codec,
    server::{Limits, ServerTimeouts},
};

use crate::config::{BareLineEnds, SmtpListener};

impl From<&SmtpListener> for Limits {
    fn from(listener: &SmtpListener) -> Self {
        let defaults = Self::default();
        let refused_recipients = listener
            .max_refused_recipients
            .map_or(defaults.refused_recipients, NonZeroU32::get);
        // A client that is allowed by name may pass on mail of others, with their errors.
        let errors = match listener.clients.is_empty() {
            true => defaults.errors_per_client,
            false => u32::MAX,
        };
        Self::default()
            .with_message_size(
                listener
                    .max_message_size
                    .map_or(defaults.message_size, |size| size.0),
            )
            .with_recipients(
                listener
                    .max_recipients
                    .map_or(defaults.recipients, NonZeroUsize::get),
            )
            .with_recipient_domains(listener.max_recipient_domains.map(NonZeroUsize::get))
            .with_transactions(
                listener
                    .max_messages_per_connection
                    .map_or(defaults.transactions, NonZeroU32::get),
            )
            .with_connections_per_client(
                listener
                    .max_connections_per_client
                    .map_or(defaults.connections_per_client, NonZeroUsize::get),
            )
            .with_errors_per_client(match &listener.max_errors_per_client {
                Some(max) => max.value.get(),
                None => errors,
            })
            .with_refused_recipients(refused_recipients)
            .with_prompt_refusals(refused_recipients / 10)
    }
}

impl From<&SmtpListener> for ServerTimeouts {
    fn from(listener: &SmtpListener) -> Self {
        let defaults = Self::default();
        Self::default()
            .with_command(
                listener
                    .command_timeout
                    .map_or(defaults.command, |timeout| timeout.0),
            )
            .with_greeting_delay(match &listener.greeting_delay {
                Some(delay) => delay.value.0,
                None => defaults.greeting_delay,
            })
            // Shorter than the agent's own limit, so that clients are told before it is over.
            .with_drain(Duration::from_secs(20))
    }
}

impl From<BareLineEnds> for codec::BareLineEnds {
    fn from(choice: BareLineEnds) -> Self {
        match choice {
            BareLineEnds::Reject => Self::Reject,
            BareLineEnds::Normalise => Self::Normalise,
        }
    }
}
