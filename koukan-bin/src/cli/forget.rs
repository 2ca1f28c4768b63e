//! `koukan forget`.

use std::process::ExitCode;

use crate::{
    Builder,
    command::{block_on, complain},
};
use clap::Args;
use koukan_core::path::Mailbox;
use koukan_storage::Named;
use tower::BoxError;

use super::{
    database::{Database, Found, refuse},
    printed::say,
};

/// The address to forget.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    #[command(flatten)]
    database: Database,
    /// The address, as in `bob@example.com`; also in angle brackets.
    #[arg(value_parser = address)]
    address: Mailbox,
    /// Erase. Without this option, nothing is changed; the command tells what would be erased. With SQLite
    /// the agent must be stopped.
    #[arg(long)]
    erase: bool,
}

fn address(text: &str) -> Result<Mailbox, String> {
    let inner = text.strip_prefix('<');
    let inner = inner.and_then(|rest| rest.strip_suffix('>'));
    let address = inner.unwrap_or(text).parse();
    address.map_err(|_| "not an address, as in `bob@example.com`".to_owned())
}

impl Forget {
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        let database = match self.database.find(agent) {
            Ok((_, database)) => database,
            Err(error) => return refuse(&error),
        };
        match block_on(Some(1), self.carry_out(&database)) {
            Ok(Ok(found)) => self.tell(&found),
            Ok(Err(error)) => return refuse(&error),
            Err(error) => return complain(&error),
        }
        ExitCode::SUCCESS
    }

    async fn carry_out(&self, database: &Found) -> Result<Vec<Named>, BoxError> {
        let address = &self.address;
        Ok(match (database, self.erase) {
            (Found::Sqlite(_, options), true) => options.forget(address).await?,
            (Found::Sqlite(_, options), false) => options.find_address(address).await?,
            (Found::Postgres(options), true) => options.forget(address).await?,
            (Found::Postgres(options), false) => options.find_address(address).await?,
        })
    }

    fn tell(&self, found: &[Named]) {
        let address = self.address.as_str();
        if found.is_empty() {
            say(format_args!("nothing is kept of {address}"));
            return;
        }
        for named in found {
            let part = match (named.is_sender, named.is_recipient) {
                (true, true) => "sender and recipient",
                (true, false) => "sender",
                _ => "recipient",
            };
            let fate = match (named.is_final, self.erase) {
                (false, _) => "kept: it is still to be delivered or reported",
                (true, true) => "erased",
                (true, false) => "would be erased",
            };
            say(format_args!("{}  {part}  {fate}", named.id));
        }
        let finals = found.iter().filter(|named| named.is_final).count();
        match self.erase {
            true => say(format_args!(
                "erased {finals} of {} messages of {address}",
                found.len()
            )),
            false => say(format_args!(
                "nothing was changed: with --erase, {finals} of {} messages of {address} are erased",
                found.len()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_stand_in_angle_brackets() {
        for text in ["bob@example.com", "<bob@example.com>"] {
            assert_eq!(address(text).unwrap().as_str(), "bob@example.com");
        }
        for text in ["", "<>", "bob", "<bob@example.com", "bob@example.com>"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
