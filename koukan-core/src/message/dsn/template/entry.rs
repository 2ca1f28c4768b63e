//! The texts of a template.

/// The purpose of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Entry {
    /// The display name of the sender of notifications.
    From,
    SubjectFailed,
    SubjectDelayed,
    SubjectRelayed,
    SubjectDelivered,
    SubjectExpanded,
    /// How the text begins.
    Opening,
    /// What has happened.
    Failed,
    Delayed,
    Relayed,
    Delivered,
    Expanded,
    /// One recipient.
    Recipient,
    /// The surrounding text where the attempts or the time ran out.
    GivenUp,
    /// What a host replied.
    HostSaid,
    HostSaidLast,
    ServerSaid,
    AttemptEnded,
    Accepted,
    Refused,
    /// How the text ends; there need not be any.
    Closing,
}

/// A placeholder in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Slot {
    /// The name of the agent that reports.
    Agent,
    /// The id of the message.
    Id,
    /// What has happened.
    Happened,
    /// Until when delivery is tried.
    Until,
    /// The recipient's address.
    To,
    /// The text about the recipient.
    Said,
    /// The host that gave the reply.
    Host,
    /// The reply.
    Reply,
}

impl Entry {
    /// All texts, in the order of their values.
    pub(super) const ALL: [Self; 21] = [
        Self::From,
        Self::SubjectFailed,
        Self::SubjectDelayed,
        Self::SubjectRelayed,
        Self::SubjectDelivered,
        Self::SubjectExpanded,
        Self::Opening,
        Self::Failed,
        Self::Delayed,
        Self::Relayed,
        Self::Delivered,
        Self::Expanded,
        Self::Recipient,
        Self::GivenUp,
        Self::HostSaid,
        Self::HostSaidLast,
        Self::ServerSaid,
        Self::AttemptEnded,
        Self::Accepted,
        Self::Refused,
        Self::Closing,
    ];

    /// Its name in templates.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::SubjectFailed => "subject-failed",
            Self::SubjectDelayed => "subject-delayed",
            Self::SubjectRelayed => "subject-relayed",
            Self::SubjectDelivered => "subject-delivered",
            Self::SubjectExpanded => "subject-expanded",
            Self::Opening => "opening",
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Expanded => "expanded",
            Self::Recipient => "recipient",
            Self::GivenUp => "given-up",
            Self::HostSaid => "host-said",
            Self::HostSaidLast => "host-said-last",
            Self::ServerSaid => "server-said",
            Self::AttemptEnded => "attempt-ended",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Closing => "closing",
        }
    }

    /// The placeholders that it must contain.
    pub(super) fn required(self) -> &'static [Slot] {
        match self {
            Self::Opening => &[Slot::Happened, Slot::Id],
            Self::Delayed => &[Slot::Until],
            Self::Recipient => &[Slot::To, Slot::Said],
            Self::GivenUp => &[Slot::Said],
            Self::HostSaid | Self::HostSaidLast => &[Slot::Host, Slot::Reply],
            Self::ServerSaid | Self::AttemptEnded | Self::Accepted | Self::Refused => {
                &[Slot::Reply]
            }
            _ => &[],
        }
    }

    /// The placeholders that it may contain.
    pub(super) fn allowed(self) -> &'static [Slot] {
        match self {
            Self::From => &[Slot::Agent],
            Self::Opening => &[Slot::Agent, Slot::Happened, Slot::Id],
            Self::SubjectFailed
            | Self::SubjectDelayed
            | Self::SubjectRelayed
            | Self::SubjectDelivered
            | Self::SubjectExpanded
            | Self::Failed
            | Self::Relayed
            | Self::Delivered
            | Self::Expanded
            | Self::Closing => &[Slot::Agent, Slot::Id],
            Self::Delayed => &[Slot::Agent, Slot::Id, Slot::Until],
            others => others.required(),
        }
    }
}

impl Slot {
    /// Its name in texts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Id => "id",
            Self::Happened => "happened",
            Self::Until => "until",
            Self::To => "to",
            Self::Said => "said",
            Self::Host => "host",
            Self::Reply => "reply",
        }
    }
}
