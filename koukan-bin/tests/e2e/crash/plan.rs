//! What is sent, and what destinations do with it.
//!
//! A recipient has a name such as `m2n17r0-hda@example.com`: SMTP session or REST client `m2`,
//! message 17, recipient 0. The first attempt hangs, the second is deferred, and from the third on
//! the message is accepted. The sender has a name such as `m2n17-da@senders.example`, and accepts
//! notifications in the same way.

use crate::choices::Choices;

/// How mail comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Submission of messages to one recipient each.
    One,
    /// Submission of messages to several.
    Several,
    /// Deliveries by other agents.
    Ingress,
    /// A create request with the message in it.
    Create,
    /// The same, while the client waits for the outcome.
    Wait,
    /// An upload in ranges.
    Upload,
}

/// What a destination does with one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Accept,
    /// Accepts after a moment, in which the agent may be killed.
    AcceptLate,
    DeferRecipient,
    DeferMessage,
    RefuseRecipient,
    RefuseMessage,
    CloseAtRecipient,
    /// Without a reply.
    CloseAtEnd,
    /// Then closes, without a reply.
    Hang,
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) way: Way,
    /// Its name.
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// The size of the message in octets, approximately.
    pub(super) size: usize,
    /// Whether the client sends its commands without waiting for the replies.
    pub(super) is_pipelined: bool,
}

/// The domain to which notifications go.
pub(super) const SENDERS: &str = "senders.example";
/// A domain whose host is not always there.
pub(super) const FLAPPING: &str = "flapping.example";
const DOMAINS: [&str; 3] = ["example.com", "example.com", FLAPPING];

/// Steps that come before the last.
const PASSING: &[char] = &['d', 'e', 'c', 'k', 'h'];
/// The last step.
const LAST: &[char] = &['a', 'a', 'w', 'r', 's'];
/// The same, if a message has several recipients with one final reply.
const PASSING_ALONE: &[char] = &['d'];
const LAST_ALONE: &[char] = &['a', 'a', 'r'];

impl Way {
    pub(super) const ALL: [Self; 6] = [
        Self::One,
        Self::Several,
        Self::Ingress,
        Self::Create,
        Self::Wait,
        Self::Upload,
    ];

    pub(super) fn is_rest(self) -> bool {
        matches!(self, Self::Create | Self::Wait | Self::Upload)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::One => "SMTP, one recipient",
            Self::Several => "SMTP, several recipients",
            Self::Ingress => "SMTP, from other agents",
            Self::Create => "REST create",
            Self::Wait => "REST create and wait",
            Self::Upload => "REST upload in ranges",
        }
    }
}

impl Letter {
    /// The message with that number of a client; the same seed always gives the same message.
    pub(super) fn choose(seed: u64, way: Way, client: &str, number: u32) -> Self {
        let mut choices = Choices::new(seed, client, number);
        let id = format!("{client}n{number}");
        let recipients = match way {
            Way::One | Way::Upload => 1,
            Way::Several => choices.between(2, 5),
            Way::Ingress => choices.between(1, 3),
            Way::Create | Way::Wait => choices.of(&[1, 1, 2]),
        };
        let is_shared = way.is_rest() && recipients > 1;
        // One transaction has one destination.
        let domain = choices.of(&DOMAINS);
        let to = (0..recipients).map(|index| {
            let steps = steps(&mut choices, is_shared);
            let domain = match way.is_rest() {
                true => domain,
                false => choices.of(&DOMAINS),
            };
            format!("{id}r{index}-{steps}@{domain}")
        });
        let to = to.collect();
        let notified = choices.of(&["a", "a", "w", "da", "ea", "ka", "ha"]);
        let size = match way {
            Way::Upload => choices.between(50_000, 400_000),
            _ if choices.one_in(8) => 150_000,
            _ => choices.between(300, 3_000),
        };
        Self {
            way,
            from: format!("{id}-{notified}@{SENDERS}"),
            to,
            size,
            is_pipelined: choices.one_in(2),
            id,
        }
    }

    pub(super) fn message(&self) -> String {
        message(&self.id, self.size)
    }

    /// The sender that submits it by REST.
    pub(super) fn rest_sender(&self) -> &'static str {
        match self.to[0].ends_with(FLAPPING) {
            true => "flapping",
            false => "steady",
        }
    }
}

/// The message of that name.
pub(super) fn message(id: &str, size: usize) -> String {
    let line = format!("{id} 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789\r\n");
    format!(
        "Subject: {id}\r\n\r\n{}",
        line.repeat(size.div_ceil(line.len()))
    )
}

/// What a destination does at the attempt with that number, from 0.
pub(super) fn step(address: &str, attempt: usize) -> Step {
    let local = address.split('@').next().unwrap_or_default();
    let (_, steps) = local.split_once('-').unwrap_or_default();
    match steps.chars().nth(attempt).or(steps.chars().last()) {
        Some('w') => Step::AcceptLate,
        Some('d') => Step::DeferRecipient,
        Some('e') => Step::DeferMessage,
        Some('r') => Step::RefuseRecipient,
        Some('s') => Step::RefuseMessage,
        Some('c') => Step::CloseAtRecipient,
        Some('k') => Step::CloseAtEnd,
        Some('h') => Step::Hang,
        _ => Step::Accept,
    }
}

/// Whether the message for this recipient is accepted in the end.
pub(super) fn is_taken(address: &str) -> bool {
    matches!(step(address, usize::MAX), Step::Accept | Step::AcceptLate)
}

fn steps(choices: &mut Choices, is_shared: bool) -> String {
    if choices.one_in(2) {
        return "a".to_owned();
    }
    let (passing, last) = match is_shared {
        true => (PASSING_ALONE, LAST_ALONE),
        false => (PASSING, LAST),
    };
    let mut steps = String::new();
    for _ in 0..choices.between(0, 2) {
        steps.push(choices.of(passing));
    }
    steps.push(choices.of(last));
    steps
}

#[test]
fn the_address_says_what_becomes_of_each_attempt() {
    let address = "m2n17r0-hds@example.com";
    let steps = [0, 1, 2, 9].map(|attempt| step(address, attempt));
    use Step::{DeferRecipient, Hang, RefuseMessage};
    assert_eq!(steps, [Hang, DeferRecipient, RefuseMessage, RefuseMessage]);
    assert!(!is_taken(address));
    assert!(is_taken("m2n17-da@senders.example"));
    let [one, again, other] = [1, 1, 2].map(|seed| Letter::choose(seed, Way::Several, "m2", 7));
    assert_eq!((&one.to, &one.from), (&again.to, &again.from));
    assert_ne!((&one.to, one.size), (&other.to, other.size));
}
