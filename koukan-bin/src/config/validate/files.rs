//! Checks the files that are read at the start.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use koukan_core::{causes::Causes, files, tls::Authorities};
use serde_json::Value;

use super::Check;
use crate::config::{Endpoint, Place, read_template};

impl Check<'_> {
    /// Checks that every named file exists and can be read.
    pub(super) fn files(&mut self) {
        let config = self.config;
        let notification = config.notification.as_ref();
        if let Some(path) = notification.and_then(|it| it.template.as_ref())
            && let Err((message, help)) = read_template(&path.value)
        {
            self.wrong(path, message, Some(help));
        }
        for chain in &config.chain {
            match &chain.endpoint {
                Endpoint::Rest(rest) => {
                    self.file(rest.token_file.as_ref(), "token");
                    self.file(rest.ca_file.as_ref(), "certificate");
                }
                Endpoint::Webhook(webhook) => self.file(webhook.ca_file.as_ref(), "certificate"),
                Endpoint::Exploder(_) | Endpoint::Smtp(_) | Endpoint::Own(_) => {}
            }
        }
    }

    /// Checks that each grey list has a file of its own.
    pub(super) fn grey_lists(&mut self) {
        let mut files = BTreeSet::new();
        let filters = self.config.chain.iter().flat_map(|chain| &chain.filter);
        for filter in filters.filter(|filter| filter.value.name == "greylist") {
            let file = filter.value.config["file"].as_str();
            if let Some(file) = file.filter(|file| !files.insert(*file)) {
                let message = format!(
                    "{file} is of another grey list, too: each writes over what the other knows"
                );
                self.odd(filter, message, "name a file for each of them");
            }
        }
    }

    /// Checks that each list from a server is kept in a file of its own.
    pub(super) fn kept_lists(&mut self) {
        let mut files: Vec<(&Path, &str)> = Vec::new();
        let filters = self.config.chain.iter().flat_map(|chain| &chain.filter);
        for filter in filters.filter(|filter| filter.value.name == "policy_action") {
            let mut kept = Vec::new();
            kept_lists_in(&filter.value.config["match"], &mut kept);
            for (file, url) in kept {
                let other = files.iter().find(|(known, _)| *known == file);
                match other {
                    // The same list may be kept in the same file.
                    Some((_, known)) if *known == url => {}
                    Some((_, known)) => {
                        let message = format!(
                            "{} is the file of the list at `{known}`, too: each would be taken for the other",
                            file.display()
                        );
                        let help = "name a file for each of them".to_owned();
                        self.wrong(filter, message, Some(help));
                    }
                    None => files.push((file, url)),
                }
            }
        }
    }

    pub(super) fn file(&mut self, path: Option<&Place<PathBuf>>, what: &str) {
        let Some(path) = path else { return };
        let shown = path.value.display();
        let problem = match files::read_to_string(&path.value) {
            Err(error) => Some(format!("cannot read {shown}: {error}")),
            Ok(text) if text.trim().is_empty() => Some(format!("{shown} is empty")),
            Ok(text) if what == "certificate" && !text.contains("-----BEGIN CERTIFICATE-----") => {
                Some(format!("{shown} holds no certificate in PEM"))
            }
            Ok(text) if what == "certificate" => Authorities::from_pem(text.as_bytes())
                .err()
                .map(|error| format!("{shown}: {}", Causes(&error))),
            Ok(text) if what == "token" && text.trim().contains(char::is_whitespace) => {
                Some(format!("{shown} holds more than one token"))
            }
            Ok(_) => None,
        };
        if let Some(message) = problem {
            let help = format!("name a file that holds a {what}, and that this user may read");
            self.wrong(path, message, Some(help));
        }
    }
}

/// The lists that the matchers of an expression keep, each with its file and URL.
fn kept_lists_in<'a>(expression: &'a Value, found: &mut Vec<(&'a Path, &'a str)>) {
    match expression {
        Value::Array(all) => all.iter().for_each(|part| kept_lists_in(part, found)),
        Value::Object(keys) => {
            let text = |key: &str| keys.get(key).and_then(Value::as_str);
            if let (Some(file), Some(url)) = (text("kept_in"), text("url")) {
                found.push((Path::new(file), url));
            }
            keys.values().for_each(|part| kept_lists_in(part, found));
        }
        _ => {}
    }
}
