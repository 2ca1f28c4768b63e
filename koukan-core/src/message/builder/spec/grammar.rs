//! The grammar of a header field's value, by the field's name.

/// The grammar of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Grammar {
    /// Addresses, or exactly one where `is_one`. They are given as objects; where `is_text`, a
    /// string is accepted too.
    Addresses { is_one: bool, is_text: bool },
    /// Addresses; or words and comments, where the value is something else.
    AddressesOrPhrases,
    /// A date; where `is_text`, a string that can be read as a date is accepted too.
    Date { is_text: bool },
    /// Ids, or exactly one where `is_one`; where `is_text`, a string of several is accepted too.
    Ids { is_one: bool, is_text: bool },
    /// Words, quoted strings, comments and URIs in `<>`. Text outside of ASCII can be encoded.
    Phrases,
    /// A URI. Characters outside of ASCII are percent-encoded.
    Uri,
    /// Keywords, all in ASCII; only comments may contain other characters.
    Tokens,
    /// Text for people: RFC 5322 section 3.6.5.
    Text,
}

impl Grammar {
    /// The grammar of the field with this name, in any case.
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
