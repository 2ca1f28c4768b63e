//! Checks that what is promised is kept somewhere.

use std::path::Path;

use super::Check;
use crate::{
    config::{Endpoint, Place},
    registry::AddRoute,
};

/// What to do about it.
const HELP: &str = "add `storage: { sqlite: FILE }`, or write `storage: memory` where mail may be \
                    lost when the agent stops";

impl Check<'_> {
    /// Whoever is told that a message was taken is told so because it is in storage.
    pub(super) fn storage(&mut self) {
        let config = self.config;
        let storage = &config.storage;
        if storage.memory && storage.sqlite.is_some() {
            let message = "storage is either `sqlite` or `memory`";
            self.wrong(
                &Place::nowhere(()),
                message.into(),
                Some("leave one out".into()),
            );
        }
        if let Some(file) = &storage.sqlite
            && is_no_file(&file.value)
        {
            let message = format!("`{}` is not a file", file.value.display());
            let help = "name one as in `data/koukan.sqlite`, or write `storage: memory`";
            self.wrong(file, message, Some(help.into()));
        }
        if storage.reserve.is_some() && storage.sqlite.is_none() {
            let message =
                "`storage.reserve` is what stays free beside a database, and there is none";
            self.wrong(
                &Place::nowhere(()),
                message.into(),
                Some("leave it out, or name the database by `storage.sqlite`".into()),
            );
        }
        if storage.keeps() {
            return;
        }
        for chain in &config.chain {
            for filter in &chain.filter {
                if AddRoute::of(&filter.value).is_some_and(|route| route.is_stored()) {
                    let message = format!(
                        "chain `{}` stores copies, and no storage keeps them",
                        chain.name.value
                    );
                    self.wrong(filter, message, Some(HELP.into()));
                }
            }
            if let Endpoint::Exploder(_) = chain.endpoint {
                let name = &chain.name.value;
                let message =
                    format!("chain `{name}` promises to deliver, and no storage keeps the mail");
                self.wrong(&chain.name, message, Some(HELP.into()));
            }
        }
        for sender in &config.sender {
            // A gateway is told what the destination says, and nothing before.
            if sender.rest.is_some_and(|rest| !rest.gateway) {
                let name = &sender.name.value;
                let message = format!(
                    "sender `{name}` is promised delivery by REST, and no storage keeps the mail"
                );
                self.wrong(&sender.name, message, Some(HELP.into()));
            }
        }
    }
}

/// What other programs take for a database in memory, or for a URL; or nothing at all.
fn is_no_file(path: &Path) -> bool {
    let Some(text) = path.to_str() else {
        return false;
    };
    let schemes = ["file:", "sqlite:"];
    text.trim().is_empty()
        || text == ":memory:"
        || text.ends_with('/')
        || schemes.iter().any(|scheme| text.starts_with(scheme))
}
