//! The messages, and how the sink treats each recipient.

use std::fmt;

use koukan_core::{
    path::{ForwardPath, InvalidMailbox, ReversePath},
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::report::Outcome;

/// Sizes of messages in octets, used in turn.
const SIZES: [usize; 6] = [500, 4_000, 20_000, 70_000, 300_000, 1_500_000];
/// Numbers of recipients, used in turn.
const RECIPIENTS: [u32; 5] = [1, 1, 2, 5, 10];

/// How the sink treats a recipient; the recipient's address names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Accepts it.
    Fine,
    /// Refuses it permanently.
    Gone,
    /// Refuses it at RCPT for some time.
    Busy,
    /// Refuses its messages at their end for some time.
    Late,
    /// Refuses it for some time, and then permanently.
    Vanishing,
}

impl Fate {
    const ALL: [Self; 5] = [
        Self::Fine,
        Self::Gone,
        Self::Busy,
        Self::Late,
        Self::Vanishing,
    ];

    /// The fate of one of the demo's addresses.
    pub(super) fn of(address: &str) -> Option<Self> {
        let (name, _) = address.split_once('-')?;
        Self::ALL.into_iter().find(|fate| fate.to_string() == name)
    }

    /// The sink's refusal of the recipient, at RCPT or at the end of the message.
    pub(super) fn refusal(self, at_the_end: bool, is_busy: bool) -> Option<Reply> {
        match (self, at_the_end, is_busy) {
            (Self::Gone, false, _) | (Self::Vanishing, false, false) => Some(Reply::no_such_user()),
            (Self::Busy | Self::Vanishing, false, true) => Some(Reply::mailbox_busy()),
            (Self::Late, true, true) => Some(Reply::insufficient_storage()),
            _ => None,
        }
    }

    /// Whether that outcome is right for such a recipient.
    pub(super) fn allows(self, outcome: Outcome) -> bool {
        let is_delivered = matches!(outcome, Outcome::AtOnce | Outcome::AfterRetry);
        match self {
            Self::Fine | Self::Busy | Self::Late => is_delivered,
            Self::Gone | Self::Vanishing => !is_delivered,
        }
    }

    /// Nine in ten recipients are accepted.
    fn nth(number: u32) -> Self {
        match number % 37 {
            5 => Self::Gone,
            11 => Self::Busy,
            23 => Self::Late,
            31 => Self::Vanishing,
            _ => Self::Fine,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fine => "fine",
            Self::Gone => "gone",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Vanishing => "vanishing",
        })
    }
}

/// One message; its number determines everything about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter(pub(super) u32);

impl Letter {
    /// The letter to which one of the demo's sender addresses belongs.
    pub(super) fn of_sender(address: &str) -> Option<Self> {
        let number = address.strip_prefix("sender-")?.split('@').next()?;
        number.parse().ok().map(Self)
    }

    pub(super) fn sender(self) -> String {
        format!("sender-{}@sender.example", self.0)
    }

    pub(super) fn recipients(self) -> Vec<String> {
        let count = RECIPIENTS[self.0 as usize % RECIPIENTS.len()];
        let address = |index| {
            let fate = Fate::nth(self.0 * 7 + index * 5);
            format!("{fate}-{}-{index}@sink.example", self.0)
        };
        (0..count).map(address).collect()
    }

    /// The message, with dots at the places where dot-stuffing matters.
    pub(super) fn message(self) -> String {
        let size = SIZES[self.0 as usize % SIZES.len()];
        let mut message = format!(
            "From: <{}>\r\nSubject: letter {}\r\n\r\n.\r\n..\r\n",
            self.sender(),
            self.0
        );
        let mut line = 0_u32;
        while message.len() < size {
            message.push_str(&format!(
                "{:>10} of letter {}: lorem ipsum dolor sit amet\r\n",
                line, self.0
            ));
            line += 1;
        }
        message
    }

    pub(super) fn mail(self) -> Result<Mail, InvalidMailbox> {
        Ok(Mail::new(self.sender().parse::<ReversePath>()?))
    }

    pub(super) fn rcpt(address: &str) -> Result<Rcpt, InvalidMailbox> {
        Ok(Rcpt::new(address.parse::<ForwardPath>()?))
    }
}
