//! What the value of a header field is made of, by its name.

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Grammar {
    /// Addresses, or one of them where `is_one`. They are given as objects; where `is_text`, a
    /// string will do.
    Addresses { is_one: bool, is_text: bool },
    /// Addresses, or words and comments where it has something else.
    AddressesOrPhrases,
    /// A date; where `is_text`, a string that can be read as one will do.
    Date { is_text: bool },
    /// Ids, or one of them where `is_one`; where `is_text`, a string of several will do.
    Ids { is_one: bool, is_text: bool },
    /// Words, quoted strings, comments and URIs in `<>`: what is not ASCII can be written.
    Phrases,
    /// A URI: what is not ASCII is percent-encoded.
    Uri,
    /// What has words of its own, all of which are ASCII; only comments can have more.
    Tokens,
    /// Text for people: RFC 5322 section 3.6.5.
    Text,
}

impl Grammar {
    /// That of the field of a name, in any case.
    pub(in super::super) fn of(name: &str) -> Self {
        let strict = |is_one| Self::Addresses {
            is_one,
            is_text: false,
        };
        let loose = |is_one| Self::Addresses {
            is_one,
            is_text: true,
        };
        match &*name.to_ascii_lowercase() {
            "from" | "to" | "cc" | "bcc" | "reply-to" => strict(false),
            "sender" => strict(true),
            "resent-sender" => loose(true),
            "resent-from"
            | "resent-to"
            | "resent-cc"
            | "resent-bcc"
            | "resent-reply-to"
            | "disposition-notification-to"
            | "return-receipt-to"
            | "errors-to"
            | "mail-followup-to"
            | "mail-reply-to"
            | "apparently-to"
            | "mail-copies-to"
            | "abuse-reports-to"
            | "approved"
            | "envelope-to"
            | "original-from"
            | "originator-return-address"
            | "x-confirm-reading-to"
            | "x-errors-to" => loose(false),
            "x-apparently-to" | "x-beenthere" | "x-envelope-from" | "x-envelope-to"
            | "x-forwarded-for" | "x-forwarded-to" | "x-loop" | "x-mailing-list"
            | "x-original-from" | "x-original-sender" | "x-original-to" | "x-receiver"
            | "x-sender" => Self::AddressesOrPhrases,
            "date" => Self::Date { is_text: false },
            "resent-date"
            | "expires"
            | "injection-date"
            | "expiry-date"
            | "reply-by"
            | "delivery-date"
            | "deferred-delivery"
            | "latest-delivery-time" => Self::Date { is_text: true },
            "message-id" => Self::Ids {
                is_one: true,
                is_text: false,
            },
            "in-reply-to" | "references" => Self::Ids {
                is_one: false,
                is_text: false,
            },
            "resent-message-id" => Self::Ids {
                is_one: true,
                is_text: true,
            },
            "supersedes" | "obsoletes" | "original-message-id" => Self::Ids {
                is_one: false,
                is_text: true,
            },
            "content-location" | "content-base" => Self::Uri,
            "content-description" => Self::Text,
            "archived-at" | "keywords" | "user-agent" | "x-msmail-priority" | "x-priority" => {
                Self::Phrases
            }
            "list-unsubscribe-post" => Self::Tokens,
            "accept-language"
            | "also-control"
            | "archive"
            | "authentication-results"
            | "auto-submitted"
            | "bimi-location"
            | "bimi-selector"
            | "control"
            | "conversion"
            | "delivered-to"
            | "disposition-notification-options"
            | "distribution"
            | "dkim-signature"
            | "domainkey-signature"
            | "encrypted"
            | "feedback-id"
            | "followup-to"
            | "importance"
            | "incomplete-copy"
            | "injection-info"
            | "jabber-id"
            | "lines"
            | "message-context"
            | "mt-priority"
            | "newsgroups"
            | "original-recipient"
            | "path"
            | "precedence"
            | "priority"
            | "received"
            | "received-spf"
            | "require-recipient-valid-since"
            | "return-path"
            | "sensitivity"
            | "solicitation"
            | "tls-report-domain"
            | "tls-report-submitter"
            | "tls-required"
            | "vbr-info"
            | "x-auto-response-suppress"
            | "xref" => Self::Tokens,
            name if name.starts_with("list-") => Self::Phrases,
            name if name.starts_with("content-")
                || name.starts_with("arc-")
                || name.starts_with("autocrypt") =>
            {
                Self::Tokens
            }
            _ => Self::Text,
        }
    }
}
