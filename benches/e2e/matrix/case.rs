//! The cases.

use crate::{agent::Shape, postfix::Job, server::Entry, tls::Handshakes};

/// What is sent, how, and through which server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) sessions: u32,
    pub(super) messages: u32,
    pub(super) size: usize,
    pub(super) recipients: u32,
    pub(super) options: &'static [&'static str],
    pub(super) shape: Shape,
    pub(super) entry: Entry,
    pub(super) sink: Sink,
    pub(super) ceiling: Ceiling,
    /// What Postfix does for comparison.
    pub(super) job: Option<Job>,
    /// A header field that each message must have when it arrives, and words that it must contain.
    pub(super) field: Option<&'static str>,
    /// TLS on both sides.
    pub(super) tls: Option<Handshakes>,
    /// Messages go to many domains, whose hosts the DNS names.
    pub(super) domains: Option<Domains>,
}

/// Domains in the DNS, and how many hosts take their mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domains {
    pub(super) count: u32,
    pub(super) hosts: u32,
}

/// What the sink does while the messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sink {
    /// It accepts them.
    Up,
    /// It refuses connections, so that each attempt fails and is stored.
    Down,
    /// It accepts connections and says nothing, so that attempts hang.
    Mute,
}

/// The upper bound for any agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceiling {
    /// The generator sends directly to the sink.
    Direct,
    /// SQLite commits by itself, fifty messages in each commit.
    GroupCommit,
    /// The agent without the feature that the case measures.
    Whole,
    None,
}

const fn case(name: &'static str, sessions: u32, messages: u32, size: usize) -> Case {
    Case {
        name,
        sessions,
        messages,
        size,
        recipients: 1,
        options: &[],
        shape: Shape::Whole,
        entry: Entry::Ingress,
        sink: Sink::Up,
        ceiling: Ceiling::Direct,
        job: Some(Job::Relay),
        field: None,
        tls: None,
        domains: None,
    }
}

/// A case with TLS on both sides, and a handshake for each message.
const fn shaking_hands(name: &'static str, handshakes: Handshakes) -> Case {
    Case {
        tls: Some(handshakes),
        options: &["--new-connections"],
        ..case(name, 10, 5_000, 5_000)
    }
}

/// A case with mail for a thousand domains, which share this many hosts.
const fn to_domains(name: &'static str, hosts: u32) -> Case {
    Case {
        domains: Some(Domains {
            count: 1_000,
            hosts,
        }),
        job: Some(Job::Route),
        ..case(name, 10, 30_000, 5_000)
    }
}

/// A case through an agent with many filters.
const fn filtered(case: Case) -> Case {
    Case {
        shape: Shape::Filtered,
        ceiling: Ceiling::Whole,
        job: None,
        ..case
    }
}

pub(super) const CASES: &[Case] = &[
    case("kept", 10, 30_000, 5_000),
    Case {
        options: &["--pipelining"],
        ..case("pipelined", 10, 30_000, 5_000)
    },
    Case {
        options: &["--new-connections"],
        ..case("new", 10, 15_000, 5_000)
    },
    Case {
        recipients: 10,
        ..case("recipients", 10, 3_000, 5_000)
    },
    Case {
        recipients: 300,
        options: &["--pipelining"],
        ..case("many", 1, 200, 5_000)
    },
    case("100k", 10, 5_000, 100_000),
    case("10m", 5, 300, 10_000_000),
    Case {
        options: &["--new-connections"],
        ..case("isolated", 1, 2_000, 5_000)
    },
    case("one", 1, 3_000, 5_000),
    Case {
        options: &["--rate", "2000"],
        ceiling: Ceiling::None,
        ..case("open", 10, 10_000, 5_000)
    },
    Case {
        entry: Entry::Submission,
        sink: Sink::Down,
        ..case("stored", 50, 30_000, 5_000)
    },
    case("memory", 20, 60, 25 << 20),
    Case {
        entry: Entry::Rest,
        options: &["--rest", "--wait", "20"],
        ceiling: Ceiling::None,
        ..case("rest-wait", 10, 20_000, 5_000)
    },
    Case {
        entry: Entry::Rest,
        options: &["--rest"],
        sink: Sink::Mute,
        ceiling: Ceiling::GroupCommit,
        ..case("rest-create", 50, 30_000, 5_000)
    },
    Case {
        entry: Entry::Rest,
        options: &["--rest"],
        sink: Sink::Down,
        ceiling: Ceiling::GroupCommit,
        ..case("rest-stored", 50, 30_000, 5_000)
    },
    Case {
        shape: Shape::Split,
        ..case("split", 10, 10_000, 5_000)
    },
    filtered(case("filters", 10, 30_000, 5_000)),
    filtered(case("filters-10m", 5, 300, 10_000_000)),
    Case {
        shape: Shape::Signed,
        job: Some(Job::Sign),
        field: Some("DKIM-Signature"),
        ..case("signed", 10, 10_000, 5_000)
    },
    Case {
        tls: Some(Handshakes::Kept),
        ceiling: Ceiling::Whole,
        ..case("tls", 10, 30_000, 5_000)
    },
    shaking_hands("tls-new", Handshakes::Full),
    shaking_hands("tls-resumed", Handshakes::Resumed),
    Case {
        shape: Shape::Checked,
        ceiling: Ceiling::Whole,
        job: Some(Job::Check),
        field: Some("Authentication-Results: spf=pass dkim=pass dmarc=pass"),
        ..case("checked", 10, 10_000, 5_000)
    },
    to_domains("domains", 1_000),
    to_domains("domains-few", 4),
];
