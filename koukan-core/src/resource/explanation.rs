//! What would become of a message, told without anything being sent or kept: asked with an
//! [`ExplainRequest`], answered with an [`Explanation`].
//!
//! Whoever answers is an [`ExplainService`].

use bytes::Bytes;
use serde_json::Value;
use tower::{BoxError, Service};

use crate::{
    context::{Context, Sender},
    host_port::HostPort,
    remote_address::RemoteAddress,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::{Caller, Refusal};

/// Asks what would become of a message.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub explain: Explain,
}

/// A transaction as it might come.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The facts of the session; its sender selects the chain.
    pub context: Context,
    /// The MAIL command.
    pub mail: Mail,
    /// The RCPT commands, one at least.
    pub recipients: Vec<Rcpt>,
    /// The message, an RFC 5322 one with CRLF; a short one from the reverse-path to the recipients where
    /// there is none.
    pub message: Option<Bytes>,
}

/// The answer to an [`ExplainRequest`].
#[derive(Debug)]
pub enum ExplainResponse {
    /// What would become of it.
    Explained(Box<Explanation>),
    /// The request is not granted.
    Refused(Refusal),
}

/// What would become of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The chains that it would pass: first that of whoever sends it, then those of its parts and copies.
    pub passages: Vec<Passage>,
    /// The reply to MAIL.
    pub mail: Reply,
    /// The reply to each RCPT, in their order.
    pub recipients: Vec<Reply>,
    /// The reply to the message, where it would be asked for.
    pub message: Option<Reply>,
    /// Addresses that filters would have connected to, and did not.
    pub unasked: Vec<RemoteAddress>,
}

/// A message, a part or a copy of it passes a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// What passes.
    pub of: PassageOf,
    /// On whose behalf.
    pub sender: Sender,
    /// The chain's name.
    pub chain: Box<str>,
    /// The names of its filters, in their order.
    pub filters: Vec<Box<str>>,
    /// What happens, in that order.
    pub notes: Vec<Note>,
    /// What filters have found out at the end: durable signals by their names.
    pub signals: serde_json::Map<String, Value>,
}

/// What passes a chain. Passages are counted from 0 on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageOf {
    /// The message as the client sends it.
    Client,
    /// The part of one recipient, of the message that passes that passage.
    Part(usize),
    /// A copy, which a filter makes of the message that passes that passage.
    Copy(usize),
}

/// Something that happens on the way through a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When.
    pub phase: NotePhase,
    /// Which of the [filters](Passage::filters) does it, as far as that is known.
    pub filter: Option<usize>,
    /// What.
    pub what: What,
}

/// When something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotePhase {
    /// At MAIL.
    Mail,
    /// At the RCPT of that forward-path.
    Rcpt(Box<str>),
    /// When the header section of the message is there.
    Header,
    /// At the end of the message.
    End,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A rule was looked at.
    Rule(RuleLook),
    /// A durable signal is set.
    Signal {
        /// Its name.
        name: Box<str>,
        /// Its value.
        value: Value,
    },
    /// The reverse-path is another one from here on.
    ReversePath(Box<str>),
    /// The forward-path is another one from here on.
    ForwardPath(Box<str>),
    /// The recipient, or the transaction, is refused with that.
    Refused(Reply),
    /// It is answered so, and goes no further.
    Answered(Reply),
    /// The message has these header fields that it had not when it came to the chain.
    Added(Vec<Box<str>>),
    /// It has these no more.
    Removed(Vec<Box<str>>),
    /// The filter would ask somebody, and did not: what follows is as if it was not there.
    WouldAsk(Box<str>),
    /// It would go that way.
    Goes(Way),
    /// Nothing is known of where it would go, or that failed: why.
    GoesNowhere(Reply),
    /// It would be kept and tried again later: that is no refusal to the client.
    Kept(Reply),
}

/// A rule was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLook {
    /// The rule's name.
    pub rule: Box<str>,
    /// Its tag.
    pub tag: Box<str>,
    /// What came of it.
    pub found: RuleFound,
    /// The matchers that were asked, as the configuration writes them, and what each said.
    pub asked: Vec<(Box<str>, MatcherFound)>,
    /// What is done, where it matches.
    pub action: Option<&'static str>,
    /// With what is refused.
    pub reply: Option<Reply>,
}

/// What came of a look at a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFound {
    /// It matches.
    Match,
    /// It does not.
    NoMatch,
    /// It depends on what is not known yet: the rules of its tag wait.
    NotYetKnown,
    /// One of its tag before it is not known yet.
    Waits,
    /// It was passed over, since it has matched or one of its tag has.
    PassedOver,
}

/// What a matcher says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatcherFound {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// It is not known yet.
    NotYetKnown,
}

/// Which way a message would go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To one of these hosts, tried in this order.
    Hosts {
        /// `smtp` or `lmtp`.
        protocol: &'static str,
        /// The domain whose mail hosts they are, where the DNS names them.
        domain: Option<Box<str>>,
        /// The hosts.
        hosts: Vec<HostWay>,
    },
    /// By HTTP to that URL; what kind of server it is.
    Http {
        /// `rest` or `webhook`.
        kind: &'static str,
        /// The URL.
        url: Box<str>,
    },
}

/// A host that a message might go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWay {
    /// The host.
    pub host: HostPort,
    /// Its addresses, and with what one is refused that must not be connected to.
    pub addresses: Vec<(RemoteAddress, Option<Reply>)>,
    /// Why there are none, or why the message may not go there.
    pub failed: Option<Reply>,
    /// What TLS with it must be.
    pub tls: TlsWay,
}

/// What TLS with a host must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsWay {
    /// None is begun.
    Never,
    /// It is begun where the host offers it.
    Opportunistic,
    /// It is begun, with any certificate, or no mail goes there.
    Required,
    /// It is begun, with a certificate that is believed and for the host's name, or no mail goes there.
    Verified,
    /// It is begun, with a certificate that the DNS names and proves (DANE), or no mail goes there.
    Dane,
    /// As the policy of the domain says, which would be fetched (MTA-STS).
    MtaSts,
}

impl Way {
    /// With what a message would be refused, where none of the hosts can be tried: for now, if one of them may
    /// be later.
    pub fn refusal(&self) -> Option<&Reply> {
        let Self::Hosts { hosts, .. } = self else {
            return None;
        };
        let failures: Option<Vec<_>> = hosts.iter().map(HostWay::failure).collect();
        let failures = failures?;
        let transient = failures.iter().find(|reply| reply.is_transient());
        transient.or(failures.first()).copied()
    }
}

impl HostWay {
    /// Why it cannot be tried.
    fn failure(&self) -> Option<&Reply> {
        if self.failed.is_some() {
            return self.failed.as_ref();
        }
        let refused = self.addresses.iter().map(|(_, refused)| refused.as_ref());
        let refused: Option<Vec<_>> = refused.collect();
        refused?.first().copied()
    }
}

impl TlsWay {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Opportunistic => "opportunistic",
            Self::Required => "required",
            Self::Verified => "verified",
            Self::Dane => "dane",
            Self::MtaSts => "mta_sts",
        }
    }
}

/// A tower service that tells what would become of messages.
///
/// A blanket alias, as [`QueueService`](super::QueueService) is.
pub trait ExplainService:
    Service<ExplainRequest, Response = ExplainResponse, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> ExplainService for S where
    S: Service<ExplainRequest, Response = ExplainResponse, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
