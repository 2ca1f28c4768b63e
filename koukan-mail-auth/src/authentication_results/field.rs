//! The field: RFC 8601 sections 2.2 to 2.7.

use koukan_core::signals::Signals;

use crate::{
    arc_check::Arc,
    dkim_check::{Dkim, Signature},
    dmarc_check::Dmarc,
    spf_check::{Identity, Spf},
};

/// The field that tells the signals' results, with its final CRLF. A signal that cannot be read is
/// left out.
pub(super) fn field(name: &str, signals: &Signals) -> String {
    let mut results = Vec::new();
    if let Ok(Some(spf)) = signals.find_durable::<Spf>() {
        let property = match spf.identity {
            Identity::MailFrom => "smtp.mailfrom",
            Identity::Helo => "smtp.helo",
        };
        results.push(result("spf", &spf.result, "", &[(property, &spf.domain)]));
    }
    if let Ok(Some(dkim)) = signals.find_durable::<Dkim>() {
        if dkim.signatures.is_empty() {
            results.push(result("dkim", &dkim.result, "", &[]));
        }
        results.extend(dkim.signatures.iter().map(of_signature));
    }
    if let Ok(Some(dmarc)) = signals.find_durable::<Dmarc>() {
        let policy = format!("p={}", token(&dmarc.policy));
        let from = [("header.from", &*dmarc.domain)];
        results.push(result("dmarc", &dmarc.result, &policy, &from));
    }
    if let Ok(Some(arc)) = signals.find_durable::<Arc>() {
        let comment = match arc.sets {
            0 => String::new(),
            sets => format!("i={sets} d={}", arc.domain),
        };
        // RFC 8617 has no other name: sections 4.4 and 5.2.1.
        let told = match &*arc.result {
            told @ ("none" | "pass") => told,
            _ => "fail",
        };
        results.push(result("arc", told, &comment, &[]));
    }
    if results.is_empty() {
        results.push("none".to_owned());
    }
    format!(
        "Authentication-Results: {name};\r\n\t{}\r\n",
        results.join(";\r\n\t")
    )
}

fn of_signature(signature: &Signature) -> String {
    let properties = [
        ("header.d", &*signature.domain),
        ("header.s", &signature.selector),
        ("header.a", &signature.algorithm),
        ("header.b", &signature.beginning),
    ];
    result("dkim", &signature.result, &signature.reason, &properties)
}

/// One result. Values of another agent may contain anything; only harmless octets are kept.
fn result(method: &str, result: &str, comment: &str, properties: &[(&str, &str)]) -> String {
    let mut text = format!("{method}={}", token(result));
    let is_plain = |char: &char| matches!(char, ' '..='~') && !matches!(char, '(' | ')' | '\\');
    let comment: String = comment.chars().filter(is_plain).take(80).collect();
    if !comment.is_empty() {
        text.push_str(&format!(" ({comment})"));
    }
    for (name, value) in properties {
        let is_safe = |char: &char| char.is_ascii_alphanumeric() || "._-+/=".contains(*char);
        let value: String = value.chars().filter(is_safe).take(253).collect();
        if value.is_empty() {
            continue;
        }
        match value.contains(['/', '=']) {
            true => text.push_str(&format!(" {name}=\"{value}\"")),
            false => text.push_str(&format!(" {name}={value}")),
        }
    }
    text
}

fn token(text: &str) -> String {
    let is_plain = |char: &char| char.is_ascii_lowercase();
    text.chars().filter(is_plain).take(20).collect()
}
