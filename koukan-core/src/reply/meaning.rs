//! Replies by meaning: the only place where reply codes are written as numbers.

use super::{EnhancedCode, Extensions, Reply, ReplyCode, Said, text::Text};

/// Defines a constructor for each reply.
macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident = $code:literal $(($class:literal . $subject:literal . $detail:literal))? $text:literal;)*) => {
        impl Reply {
            $(
                $(#[$doc])*
                #[doc = concat!("\n\n`", $code, $(" ", $class, ".", $subject, ".", $detail,)? " ", $text, "`")]
                pub fn $name() -> Self {
                    #[allow(unused_mut, unused_assignments)]
                    let mut enhanced = None;
                    $(enhanced = Some(EnhancedCode::known($class, $subject, $detail));)?
                    Self {
                        code: const { ReplyCode::known($code) },
                        enhanced,
                        text: const { Text::known($text) },
                        extensions: Extensions::default(),
                    }
                }
            )*

            #[cfg(test)]
            fn all() -> Vec<Self> {
                vec![$(Self::$name()),*]
            }
        }
    };
}

replies! {
    /// The requested action was done.
    ok = 250 (2 . 0 . 0) "ok";
    /// The reverse-path was accepted.
    sender_ok = 250 (2 . 1 . 0) "sender ok";
    /// The forward-path was accepted.
    recipient_ok = 250 (2 . 1 . 5) "recipient ok";
    /// The message was delivered or taken into custody.
    message_accepted = 250 (2 . 6 . 0) "message accepted";
    /// The greeting of a server that is ready; the text starts with its domain.
    service_ready = 220 "service ready";
    /// The answer to EHLO and HELO; the text starts with the server's domain, and what EHLO
    /// offers follows line by line.
    hello = 250 "hello";
    /// The answer to QUIT.
    closing = 221 (2 . 0 . 0) "closing connection";
    /// The answer to HELP.
    help = 214 (2 . 0 . 0) "see RFC 5321";
    /// The answer to VRFY: RFC 5321 section 3.5.3.
    cannot_verify = 252 (2 . 5 . 2) "cannot verify, but will take mail for the user and try to deliver";
    /// The client has proved its identity: RFC 4954 section 6.
    authenticated = 235 (2 . 7 . 0) "authentication succeeded";
    /// Go on with the authentication; the text is a challenge in base 64: RFC 4954 section 4.
    challenge = 334 "";
    /// Go on with the message (DATA).
    start_mail_input = 354 "start mail input; end with <CRLF>.<CRLF>";

    /// The server closes the connection.
    service_closing = 421 (4 . 3 . 2) "service closing, try again later";
    /// A client was silent, or too slow, for too long.
    idle_too_long = 421 (4 . 4 . 2) "timeout waiting for the client, closing connection";
    /// A client sent too many commands that were wrong.
    too_many_errors = 421 (4 . 7 . 0) "too many errors, closing connection";
    /// A client sent too many commands that led to no mail.
    too_many_idle_commands = 421 (4 . 7 . 0) "too many commands without mail, closing connection";
    /// A client named too many recipients that were refused.
    too_many_refused_recipients = 421 (4 . 7 . 0) "too many refused recipients, closing connection";
    /// A client has made too many errors, on whichever connections.
    too_many_errors_of_client = 421 (4 . 7 . 0) "too many errors from this client, try again later";
    /// Too many authentications from a client's address have failed.
    too_many_failed_authentications = 421 (4 . 7 . 0) "too many failed authentications, try again later";
    /// A client speaks another protocol than SMTP.
    other_protocol = 421 (4 . 7 . 0) "this is an SMTP server, and that is another protocol; closing connection";
    /// A client holds too many connections.
    too_many_connections = 421 (4 . 7 . 0) "too many connections, try again later";
    /// An operator has bounced the message.
    returned = 554 (5 . 0 . 0) "returned to the sender by the operator of this agent";
    /// The mailbox cannot be reached for now.
    mailbox_busy = 450 (4 . 2 . 1) "mailbox unavailable, try again later";
    /// It could not be determined whether the destination accepts mail for the recipient.
    unverified_recipient = 450 (4 . 1 . 1) "cannot verify the recipient just now, try again later";
    /// A policy refuses the message or the command for now.
    policy_deferred = 450 (4 . 7 . 1) "deferred by policy, try again later";
    /// The message must be scanned, and the scanner cannot be asked for now.
    scanner_unavailable = 451 (4 . 7 . 1) "cannot scan the message just now, try again later";
    /// A rate limit for a sender or recipient is exceeded.
    over_limit = 452 (4 . 7 . 28) "too much mail in a short time, try again later";
    /// This client, reverse-path and recipient together are unknown: RFC 6647 section 2.
    greylisted = 451 (4 . 7 . 1) "greylisted, try again later";
    /// The destination did not answer in time.
    destination_timeout = 450 (4 . 4 . 7) "destination did not answer in time, try again later";
    /// The client's identity cannot be checked for now: RFC 4954 section 6.
    authentication_unavailable = 454 (4 . 7 . 0) "cannot authenticate just now, try again later";
    /// Something here broke, or a stage gave no answer.
    local_error = 451 (4 . 3 . 0) "local error in processing, try again later";
    /// A stage or the destination took too long.
    elapsed = 451 (4 . 4 . 7) "processing took too long, try again later";
    /// The rate limit of the destination host is reached.
    over_rate = 450 (4 . 4 . 5) "too many messages for destination host, try again later";
    /// Too much work is under way.
    overloaded = 451 (4 . 3 . 2) "overloaded, try again later";
    /// An operator has suspended the destination.
    destination_suspended = 451 (4 . 3 . 2) "mail for this destination is suspended, try again later";
    /// The destination host can be reached but accepts no mail: it refused in its greeting, or in
    /// its reply to EHLO or HELO.
    session_refused = 451 (4 . 3 . 2) "destination host refuses service, try again later";
    /// The attempt was ended because the agent stops.
    stopping = 451 (4 . 3 . 2) "service is stopping, try again later";
    /// The destination host could not be reached.
    connection_failed = 451 (4 . 4 . 1) "no answer from destination host";
    /// The destination host does not offer TLS, which is required.
    tls_not_offered = 451 (4 . 7 . 4) "destination host offers no TLS";
    /// TLS with the destination host failed, or its certificate is not trusted.
    tls_failed = 451 (4 . 7 . 5) "no TLS with the destination host";
    /// The destination host refuses our authentication, or offers none that we can use.
    login_failed = 451 (4 . 7 . 8) "cannot authenticate to the destination host";
    /// The message arrives so slowly that others have to wait for its connection.
    too_slow = 451 (4 . 4 . 2) "message comes too slowly, try again later";
    /// The connection to the destination host broke.
    connection_lost = 451 (4 . 4 . 2) "lost the connection to the destination host";
    /// The destination host was silent, or too slow, for too long.
    conversation_timed_out = 451 (4 . 4 . 2) "timeout waiting for the destination host";
    /// The destination host reports a failure of its own.
    destination_failed = 451 (4 . 4 . 0) "destination host failed, try again later";
    /// The destination host violates the protocol.
    bad_upstream_reply = 451 (4 . 5 . 0) "destination host broke the protocol";
    /// The destination ended the transaction without a reply.
    given_up = 451 (4 . 4 . 2) "destination gave up the transaction, try again later";
    /// The attempt ended before upstream had replied, since the transaction was given up here.
    /// Nobody gave this reply, and it is shown to no reader.
    broken_off = 451 (4 . 4 . 2) "attempt was broken off, the transaction was given up";
    /// Something is not configured, here or upstream; an operator must act.
    misconfigured = 451 (4 . 3 . 5) "mail system is not configured for this, try again later";
    /// A name could not be resolved for now.
    directory_failed = 451 (4 . 4 . 3) "could not look up the destination, try again later";
    /// This recipient must go in another mail transaction than those before it.
    other_destination = 451 (4 . 5 . 3) "recipient has another destination; send it in a separate transaction";
    /// Too many recipients for one mail transaction: RFC 5321 section 4.5.3.1.10.
    too_many_recipients = 452 (4 . 5 . 3) "too many recipients, send the rest in another transaction";
    /// Memory or disk space is short.
    insufficient_storage = 452 (4 . 3 . 1) "insufficient storage, try again later";

    /// The command is not known.
    unknown_command = 500 (5 . 5 . 1) "unknown command";
    /// The command line is longer than it may be.
    line_too_long = 500 (5 . 5 . 2) "line too long";
    /// A line contains a bare CR or LF, or an octet that is not permitted in commands.
    invalid_octets = 500 (5 . 5 . 2) "line holds an octet that is not allowed; lines end with CRLF";
    /// A line of an authentication is longer than it may be: RFC 4954 section 6.
    authentication_line_too_long = 500 (5 . 5 . 6) "authentication line too long";
    /// The client cancelled its authentication: RFC 4954 section 4.
    authentication_cancelled = 501 (5 . 7 . 0) "authentication cancelled";
    /// The client's data is not valid in its authentication: RFC 4954 section 4.
    authentication_malformed = 501 (5 . 5 . 2) "cannot make sense of that as a part of the authentication";
    /// The mechanism is unknown or not offered: RFC 4954 section 4.
    unknown_mechanism = 504 (5 . 5 . 4) "authentication mechanism not offered";
    /// The argument of the command is malformed.
    syntax_error = 501 (5 . 5 . 4) "syntax error in parameters or arguments";
    /// A client did not wait for the greeting: RFC 5321 section 4.3.1.
    spoke_too_early = 554 (5 . 5 . 1) "speak after the greeting, closing connection";
    /// The address in MAIL is malformed.
    bad_sender_address = 501 (5 . 1 . 7) "malformed reverse-path";
    /// The address in RCPT is malformed.
    bad_recipient_address = 501 (5 . 1 . 3) "malformed forward-path";
    /// The command is known, but not offered.
    not_implemented = 502 (5 . 5 . 1) "command not implemented";
    /// Mail is accepted over TLS only: RFC 3207 section 4.
    starttls_first = 530 (5 . 7 . 0) "mail is taken over TLS only, say STARTTLS first";
    /// Mail is accepted only from authenticated users: RFC 4954 section 6.
    authenticate_first = 530 (5 . 7 . 0) "authentication required";
    /// The client could not prove its identity: RFC 4954 section 6.
    authentication_failed = 535 (5 . 7 . 8) "authentication failed";
    /// Passwords must not be sent unencrypted: RFC 4954 section 6.
    encrypt_first = 538 (5 . 7 . 11) "authentication is offered over TLS only, say STARTTLS first";
    /// The command does not fit what came before it.
    bad_sequence = 503 (5 . 5 . 1) "bad sequence of commands";
    /// DATA or BDAT without an accepted RCPT.
    no_valid_recipients = 554 (5 . 5 . 1) "no valid recipients";
    /// MAIL or RCPT has a parameter that is not offered.
    unknown_parameter = 555 (5 . 5 . 4) "parameter not recognized or not implemented";
    /// The mailbox does not exist.
    no_such_user = 550 (5 . 1 . 1) "no such user here";
    /// This agent does not handle that domain.
    relay_denied = 550 (5 . 7 . 1) "relaying denied";
    /// The destination domain can never be reached.
    no_route = 550 (5 . 1 . 2) "no route to that domain";
    /// The destination's address is one to which mail must not be sent.
    destination_not_allowed = 550 (5 . 7 . 1) "mail to that address is not allowed";
    /// The destination is this host: RFC 3463 X.4.6.
    loops_back = 554 (5 . 4 . 6) "mail for this destination loops back to this host";
    /// The domain does not exist: RFC 3463 X.1.2.
    no_such_domain = 550 (5 . 1 . 2) "there is no such domain";
    /// The mail host of a domain has no address: RFC 3463 X.4.4.
    no_such_mail_host = 550 (5 . 4 . 4) "the domain's mail host has no address";
    /// The destination domain accepts no mail: RFC 7505 section 4.2, RFC 7504.
    domain_takes_no_mail = 556 (5 . 1 . 10) "domain takes no mail";
    /// A policy refuses the message or the command.
    policy_refused = 550 (5 . 7 . 1) "refused by policy";
    /// A scanner has found something harmful.
    infected = 550 (5 . 7 . 1) "message is infected";
    /// A scanner says that the message is spam.
    spam = 550 (5 . 7 . 1) "message is refused as spam";
    /// The client or the reverse-path is listed as a source of unwanted mail.
    listed = 554 (5 . 7 . 1) "service refused, listed for sending unwanted mail";
    /// An address is in UTF-8, but SMTPUTF8 was not given: RFC 6531 section 3.5.
    utf8_not_requested = 553 (5 . 6 . 7) "address needs SMTPUTF8";
    /// The next hop lacks SMTPUTF8, which the message needs.
    utf8_not_supported = 553 (5 . 6 . 7) "destination does not offer SMTPUTF8";
    /// The next hop lacks 8BITMIME, which the message needs.
    eight_bit_not_supported = 554 (5 . 6 . 3) "destination does not offer 8BITMIME";
    /// The next hop lacks BINARYMIME, which the message needs: RFC 3030.
    binary_not_supported = 554 (5 . 6 . 1) "destination does not offer BINARYMIME";
    /// The next hop lacks REQUIRETLS, which the message needs: RFC 8689.
    requiretls_not_supported = 550 (5 . 7 . 30) "destination does not offer REQUIRETLS";
    /// The message requires verified TLS, which is not available: RFC 8689.
    encryption_needed = 550 (5 . 7 . 10) "message needs TLS with a host that is verified";
    /// The message is larger than permitted: RFC 1870.
    message_too_big = 552 (5 . 3 . 4) "message too big";
    /// The content is not accepted.
    bad_content = 554 (5 . 6 . 0) "message content refused";
    /// The message is in a routing loop: RFC 5321 section 6.3.
    routing_loop = 554 (5 . 4 . 6) "routing loop detected, too many Received headers";
    /// The message waited too long: RFC 3463 X.4.7.
    delivery_expired = 554 (5 . 4 . 7) "delivery time expired";
}

impl Reply {
    /// Whether the sender of this reply closes the connection (421), whatever command it answers:
    /// RFC 5321 section 3.8.
    pub fn closes_connection(&self) -> bool {
        self.code() == ReplyCode::known(421)
    }

    /// The answer to QUIT, or 421: nothing follows it on the connection.
    pub fn ends_session(&self) -> bool {
        self.closes_connection() || self.code() == ReplyCode::known(221)
    }

    /// The refusal in the form of a greeting: 421 if it may be different later, else 554, with its
    /// text and enhanced code. 521 (RFC 7504) and replies that are not refusals are unchanged.
    ///
    /// *Source*: RFC 5321 sections 3.1 and 4.3.2.
    #[must_use]
    pub fn as_greeting(self) -> Self {
        let takes_no_mail = ReplyCode::known(521);
        if self.is_transient() {
            self.with_code(ReplyCode::known(421))
        } else if self.is_permanent() && self.code() != takes_no_mail {
            self.with_code(ReplyCode::known(554))
        } else {
            self
        }
    }

    /// Whether a server that has served other transactions on this connection might reply
    /// differently on a new one: it refuses transiently, or considers the command out of sequence
    /// (RFC 3463 X.5.1).
    pub fn is_about_session(&self) -> bool {
        let is_protocol = |code: EnhancedCode| (code.subject(), code.detail()) == (5, 1);
        let is_out_of_place =
            self.code() == Self::bad_sequence().code() || self.enhanced().is_some_and(is_protocol);
        self.is_transient() || (self.is_permanent() && is_out_of_place)
    }

    /// The reply of an upstream host in the form in which it is passed downstream: 421 becomes 450,
    /// and a positive code other than 250 and 251 becomes 250, with the same text, enhanced code and
    /// extensions. [`Reply::as_said`] reverses it.
    ///
    /// Upstream has closed its own connection. The client's connection is another one, on which
    /// other recipients and messages may still succeed. So every endpoint and proxy passes replies
    /// through this. Only the server that holds the client's connection uses 421, and filters that
    /// want that connection closed.
    ///
    /// No other positive code is an answer to MAIL, RCPT or a message (RFC 5321 section 4.3.2). Some hosts
    /// give one nevertheless; a client that knows 250 alone would take it for a failure, and send a
    /// message again that was delivered.
    #[must_use]
    pub fn relayed(self) -> Self {
        let code = match self.code().as_u16() {
            421 => 450,
            250 | 251 => return self,
            200..=299 => 250,
            _ => return self,
        };
        let said = Said(self.code());
        self.with_code(ReplyCode::known(code)).with_extension(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_421_of_another_host_closes_nobody_elses_connection() {
        let reply = Reply::too_many_connections().with_extension(7_u8).relayed();
        assert_eq!(
            reply.to_string(),
            "450 4.7.0 too many connections, try again later"
        );
        assert_eq!(reply.extensions().get::<u8>(), Some(&7));
        for reply in [Reply::overloaded(), Reply::ok(), Reply::no_such_user()] {
            assert_eq!(reply.clone().relayed(), reply);
        }
    }

    #[test]
    fn what_upstream_says_yes_with_is_what_a_client_expects() {
        for (said, relayed) in [
            (200, 250),
            (220, 250),
            (221, 250),
            (235, 250),
            (250, 250),
            (251, 251),
            (252, 250),
            (299, 250),
        ] {
            let reply = Reply::ok().with_code(ReplyCode::known(said));
            let passed_on = reply.clone().relayed();
            assert_eq!(passed_on.code(), ReplyCode::known(relayed), "{said}");
            assert_eq!(passed_on.as_said().code(), reply.code(), "{said}");
        }
    }

    #[test]
    fn a_connection_is_refused_with_421_or_554_or_521() {
        let takes_no_mail = || Reply::no_route().with_code(ReplyCode::known(521));
        for (reply, greeting) in [
            (takes_no_mail(), "521 5.1.2 no route to that domain"),
            (Reply::closing(), "221 2.0.0 closing connection"),
            (Reply::policy_refused(), "554 5.7.1 refused by policy"),
            (
                Reply::local_error(),
                "421 4.3.0 local error in processing, try again later",
            ),
            (
                Reply::too_many_connections(),
                "421 4.7.0 too many connections, try again later",
            ),
        ] {
            assert_eq!(reply.as_greeting().to_string(), greeting);
        }
    }

    /// A reply that is added has one, too.
    #[test]
    fn all_but_greetings_and_what_asks_for_more_have_an_enhanced_code() {
        let all = Reply::all().into_iter();
        let without: Vec<_> = all.filter(|reply| reply.enhanced().is_none()).collect();
        let expected = [
            // RFC 2034 section 4: what is in answer to a connection, EHLO or HELO.
            Reply::service_ready(),
            Reply::hello(),
            // RFC 2034 section 3: there are no codes of the class 3.
            Reply::challenge(),
            Reply::start_mail_input(),
        ];
        assert_eq!(without, expected);
    }

    #[test]
    fn code_and_enhanced_code_agree_on_the_class() {
        for reply in Reply::all() {
            let class = reply.code().as_u16() / 100;
            if let Some(enhanced) = reply.enhanced() {
                assert_eq!(u16::from(enhanced.class()), class, "{reply}");
            }
        }
    }
}
