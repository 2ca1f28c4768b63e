//! Checks bearer tokens.

use std::collections::BTreeMap;

use koukan_core::clock::{Clock, SystemClock};

use super::Check;
use crate::config::{RestListener, Role, Token};

/// The SHA-256 of an empty text: the hash that a script without a token makes.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl<'a> Check<'a> {
    /// Checks the tokens of every listener.
    pub(super) fn tokens(&mut self) {
        for listener in &self.config.rest_listener {
            self.unique("token", listener.token.iter().map(|token| &token.name));
            self.hashes(listener);
            for token in &listener.token {
                self.lifetime(token);
                self.senders_of(token);
                self.operator(token);
            }
        }
    }

    fn hashes(&mut self, listener: &'a RestListener) {
        let mut seen = BTreeMap::new();
        for token in &listener.token {
            let hash = &token.sha256;
            let digits = hash.value.to_ascii_lowercase();
            let is_hex = digits.bytes().all(|octet| octet.is_ascii_hexdigit());
            let help = "`koukan token` makes a token and its hash";
            if !is_hex || digits.len() != 64 {
                let message = "not a SHA-256 hash: 64 hexadecimal digits are expected";
                self.wrong(hash, message.into(), Some(help.into()));
            } else if digits == OF_NOTHING {
                let message = "the hash of an empty token, which everybody has";
                self.wrong(hash, message.into(), Some(help.into()));
            } else if let Some(other) = seen.insert(digits, &token.name.value) {
                let (name, message) = (&token.name.value, "are one and the same token");
                let message = format!("`{other}` and `{name}` {message}");
                self.wrong(hash, message, Some(format!("leave one of them: {help}")));
            }
        }
    }

    /// Checks a token for operators: it shows the mail of all senders.
    fn operator(&mut self, token: &Token) {
        let role = token.role.filter(|role| role.value == Role::Operate);
        if let Some(role) = role.filter(|_| token.sender.is_some()) {
            let message = "a token with `role: operate` is for all senders";
            let help = "leave `sender` out, or give the token another role";
            self.wrong(&role, message.into(), Some(help.into()));
        }
    }

    fn lifetime(&mut self, token: &Token) {
        let Some(expires) = &token.expires else {
            return;
        };
        if expires.value <= SystemClock.now() {
            let message = format!("token `{}` is no longer valid", token.name.value);
            let help = "leave it out, or make another with `koukan token`";
            self.odd(expires, message, help);
        }
    }

    fn senders_of(&mut self, token: &'a Token) {
        let config = self.config;
        let Some(senders) = &token.sender else {
            return;
        };
        if senders.is_empty() {
            let message = format!("token `{}` is for no sender", token.name.value);
            let help = "name one, or leave `sender` out for all";
            self.wrong(&token.name, message, Some(help.into()));
        }
        for sender in senders {
            let mut known = config.sender.iter().map(|sender| &*sender.name.value);
            if !known.clone().any(|name| name == sender.value) {
                self.unknown("sender", sender, &mut known);
                continue;
            }
            let mut senders = config.sender.iter();
            if senders.any(|one| one.name.value == sender.value && one.rest.is_none()) {
                let message = format!("sender `{}` may not use the REST API", sender.value);
                let help = "give that sender `rest: {}`, or leave it out here";
                self.wrong(sender, message, Some(help.into()));
            }
        }
    }
}
