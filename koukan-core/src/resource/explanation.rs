//! Predictions of what would become of a message, without sending or storing anything: asked with
//! an [`ExplainRequest`], answered with an [`Explanation`].
//!
//! An [`ExplainService`] answers them.

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
    /// The caller.
    pub caller: Caller,
    /// The question.
    pub explain: Explain,
}

/// A hypothetical transaction.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The facts of the session; its sender selects the chain.
    pub context: Context,
    /// The MAIL command.
    pub mail: Mail,
    /// The RCPT commands, at least one.
    pub recipients: Vec<Rcpt>,
    /// The message, in RFC 5322 form with CRLF. Without one, a short message from the reverse-path to
    /// the recipients is used.
    pub message: Option<Bytes>,
}

/// The answer to an [`ExplainRequest`].
#[derive(Debug)]
pub enum ExplainResponse {
    /// The prediction.
    Explained(Box<Explanation>),
    /// The request is refused.
    Refused(Refusal),
}

/// What would become of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The chains that it would pass through: first the sender's, then those of its parts and copies.
    pub passages: Vec<Passage>,
    /// The reply to MAIL.
    pub mail: Reply,
    /// The reply to each RCPT, in their order.
    pub recipients: Vec<Reply>,
    /// The reply to the message, if it would be sent.
    pub message: Option<Reply>,
    /// Addresses that filters would have connected to.
    pub unasked: Vec<RemoteAddress>,
}

/// The passage of a message, part or copy through a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// What passes.
    pub of: PassageOf,
    /// The sender.
    pub sender: Sender,
    /// The chain's name.
    pub chain: Box<str>,
    /// The names of its filters, in their order.
    pub filters: Vec<Box<str>>,
    /// What happens, in order.
    pub notes: Vec<Note>,
    /// The durable signals at the end, by name.
    pub signals: serde_json::Map<String, Value>,
}

/// What passes through a chain. Passages are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageOf {
    /// The message as the client sends it.
    Client,
    /// One recipient's part of the message in this passage.
    Part(usize),
    /// A copy that a filter makes of the message in this passage.
    Copy(usize),
}

/// Something that happens in a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When.
    pub phase: NotePhase,
    /// The position of the [filter](Passage::filters) that does it, where it is known.
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
    /// When the header section of the message is known.
    Header,
    /// At the end of the message.
    End,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A rule was evaluated.
    Rule(RuleLook),
    /// A durable signal is set.
    Signal {
        /// Its name.
        name: Box<str>,
        /// Its value.
        value: Value,
    },
    /// The reverse-path changes to this one.
    ReversePath(Box<str>),
    /// The forward-path changes to this one.
    ForwardPath(Box<str>),
    /// The recipient or transaction is refused with this reply.
    Refused(Reply),
    /// It is answered with this reply, and goes no further.
    Answered(Reply),
    /// The message has these additional header fields, compared with its entry into the chain.
    Added(Vec<Box<str>>),
    /// It no longer has these.
    Removed(Vec<Box<str>>),
    /// The filter would ask somebody, and did not: the rest is predicted as if it were absent.
    WouldAsk(Box<str>),
    /// It would take this way.
    Goes(Way),
    /// It is not known where it would go, or that failed: the reason.
    GoesNowhere(Reply),
    /// It would be stored and retried, so the client gets no refusal.
    Kept(Reply),
}

/// A rule was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLook {
    /// The rule's name.
    pub rule: Box<str>,
    /// Its tag.
    pub tag: Box<str>,
    /// The outcome.
    pub found: RuleFound,
    /// The matchers that were asked, as the configuration writes them, and their results.
    pub asked: Vec<(Box<str>, MatcherFound)>,
    /// The action, if it matches.
    pub action: Option<&'static str>,
    /// The reply of a refusal.
    pub reply: Option<Reply>,
}

/// The outcome of evaluating a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFound {
    /// It matches.
    Match,
    /// It does not match.
    NoMatch,
    /// The result is not known yet: the rules of its tag wait.
    NotYetKnown,
    /// The result of an earlier rule with its tag is not known yet.
    Waits,
    /// It was skipped, since it or another rule of its tag has matched.
    PassedOver,
}

/// The result of a matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatcherFound {
    /// It matches.
    Yes,
    /// It does not match.
    No,
    /// The result is not known yet.
    NotYetKnown,
}

/// The way that a message would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To one of these hosts, in this order.
    Hosts {
        /// `smtp` or `lmtp`.
        protocol: &'static str,
        /// The domain whose mail hosts these are, where the DNS names them.
        domain: Option<Box<str>>,
        /// The hosts.
        hosts: Vec<HostWay>,
    },
    /// By HTTP to this URL.
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
    /// Its addresses, each with the reply that refuses it, if connecting to it is not permitted.
    pub addresses: Vec<(RemoteAddress, Option<Reply>)>,
    /// Why there are no addresses, or why the message may not go there.
    pub failed: Option<Reply>,
    /// The requirements on TLS.
    pub tls: TlsWay,
    /// Whether TLS begins with the first octet, and not with STARTTLS.
    pub is_immediate: bool,
}

/// The requirements on TLS with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsWay {
    /// TLS is not used.
    Never,
    /// TLS is used if the host offers it.
    Opportunistic,
    /// TLS is required, with any certificate.
    Required,
    /// TLS is required, with a trusted certificate for the host's name.
    Verified,
    /// TLS is required, with a certificate that the DNS names with proof (DANE).
    Dane,
    /// As the domain's policy says, which would be fetched (MTA-STS).
    MtaSts,
}

impl Way {
    /// The refusal if none of the hosts can be tried; transient if one of them may be available later.
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
