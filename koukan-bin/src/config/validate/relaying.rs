//! Checks who may send mail to where.

use std::collections::BTreeSet;

use super::Check;
use crate::{
    config::{Chain, Endpoint, SmtpListener},
    registry::{AddRoute, Routes, may_refuse},
};

impl<'a> Check<'a> {
    /// Checks that no listener accepts mail for anywhere from everybody, unless its `clients`
    /// restrict who may connect.
    pub(super) fn relays(&mut self) {
        let config = self.config;
        for listener in &config.smtp_listener {
            if !is_for_everybody(listener) {
                continue;
            }
            let chain = config.chain_of(&listener.principal().to_sender());
            let leads = |takes| chain.is_some_and(|chain| self.sends_anywhere(chain, takes));
            let what = if leads(takes_all) {
                "take your own domains alone"
            } else if leads(takes_all_addresses) {
                "take the addresses of its `literal: { networks: […] }` alone"
            } else {
                continue;
            };
            let address = &listener.address;
            let message = format!("everybody could send mail to anywhere by {}", address.value);
            let help = format!(
                "name who may connect, as in `clients: [\"192.0.2.0/24\"]`, let a `router` \
                 of the chain {what}, set `auth: {{ required: true, … }}`, \
                 or listen on 127.0.0.1"
            );
            self.wrong(address, message, Some(help));
        }
    }

    /// Whether mail for recipients in all domains, or at all address literals, gets through a
    /// chain, and those to which it leads by exploders or copies, to an SMTP client.
    ///
    /// An HTTP server at the end may do with mail what it likes, and a filter of the embedder's may
    /// refuse anything, so these do not count.
    fn sends_anywhere(&self, chain: &'a Chain, takes: fn(&Chain) -> bool) -> bool {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![chain];
        while let Some(chain) = ahead.pop() {
            let mut filters = chain.filter.iter();
            if !seen.insert(chain.name.value.as_str())
                || !takes(chain)
                || filters.any(|filter| may_refuse(&filter.value.name))
            {
                continue;
            }
            if let Endpoint::Smtp(_) = &chain.endpoint {
                return true;
            }
            let copies = AddRoute::all(chain).map(|route| route.to_sender());
            let handed_over = Routes::of(chain).senders;
            let next = copies.chain(handed_over);
            let next = next.filter_map(|sender| self.config.chain_of(&sender));
            ahead.extend(next.chain(self.exploded(chain)));
        }
        false
    }

    /// The chain to which an exploder leads, for recipients in no particular domain.
    fn exploded(&self, chain: &Chain) -> Option<&'a Chain> {
        let Endpoint::Exploder(exploder) = &chain.endpoint else {
            return None;
        };
        self.config.chain_of(&exploder.general_sender())
    }

    /// The chain, and those through which it leads to servers, for recipients in no particular domain.
    fn path(&self, chain: &'a Chain) -> Vec<&'a Chain> {
        let mut seen = BTreeSet::new();
        let mut path = Vec::new();
        let mut next = Some(chain);
        // A circle is reported by another check.
        while let Some(chain) = next.filter(|chain| seen.insert(&*chain.name.value)) {
            path.push(chain);
            next = self.exploded(chain);
        }
        path
    }

    /// Checks that notifications can reach every sender, wherever it is.
    pub(super) fn notifications(&mut self) {
        let config = self.config;
        let Some(notification) = &config.notification else {
            return self.without_notification();
        };
        if !config.storage.keeps() {
            return;
        }
        let Some(first) = config.chain_of(&notification.to_sender()) else {
            return;
        };
        let path = self.path(first);
        let reason = if let Some(chain) = path.iter().find(|chain| !takes_all(chain)) {
            format!(
                "the router of chain `{}` takes some recipients only",
                chain.name.value
            )
        } else if let Some(chain) = path.last().filter(|chain| ends_in_application(chain)) {
            format!("chain `{}` ends in an application", chain.name.value)
        } else {
            return;
        };
        let message = format!("senders elsewhere would not hear that their mail is lost: {reason}");
        let help = "let `notification` name a sender whose chain delivers to every domain";
        self.odd(&notification.sender, message, help);
    }
}

/// Whether clients from elsewhere may send mail without authenticating.
fn is_for_everybody(listener: &SmtpListener) -> bool {
    !listener.address.value.is_here()
        && listener.clients.is_empty()
        && !listener.auth.as_ref().is_some_and(|auth| auth.required)
}

/// Whether no router of the chain refuses recipients at address literals.
fn takes_all_addresses(chain: &Chain) -> bool {
    let routes = Routes::of(chain);
    !routes.is_there || routes.takes_all_addresses
}

/// Whether no router of the chain refuses recipients because of their domain.
fn takes_all(chain: &Chain) -> bool {
    let routes = Routes::of(chain);
    !routes.is_there || routes.takes_all
}

fn ends_in_application(chain: &Chain) -> bool {
    match &chain.endpoint {
        Endpoint::Rest(rest) => rest.incremental == Some(false),
        Endpoint::Webhook(_) | Endpoint::Own(_) => true,
        Endpoint::Exploder(_) | Endpoint::Smtp(_) => false,
    }
}
