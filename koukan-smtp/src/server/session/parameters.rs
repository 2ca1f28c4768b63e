//! Which parameters MAIL and RCPT may have.

use koukan_core::{
    path::Parameter,
    reply::Reply,
    transaction::{Mail, Rcpt, dsn::InvalidDsnParameter},
};

use crate::server::{Authentication, Offer};

/// Checks the parameters of MAIL: SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), AUTH (RFC
/// 4954 section 5), RET and ENVID (RFC 3461), REQUIRETLS (RFC 8689), as far as they are offered.
pub(super) fn check_mail(mail: &Mail, offer: &Offer) -> Result<(), Reply> {
    let mut parameters = mail.parameters.iter();
    parameters.try_for_each(|parameter| check_one(parameter, offer))?;
    mail.check_dsn().map_err(refusal)
}

/// Checks the parameters of RCPT: NOTIFY and ORCPT (RFC 3461), where DSN is offered. ORCPT may hold
/// UTF-8 where SMTPUTF8 was asked for (RFC 6533 section 3).
pub(super) fn check_rcpt(rcpt: &Rcpt, offer: &Offer, is_smtputf8: bool) -> Result<(), Reply> {
    let is_known = |parameter: &Parameter| {
        let is = |keyword| parameter.keyword().eq_ignore_ascii_case(keyword);
        offer.dsn && (is("NOTIFY") || is("ORCPT"))
    };
    if !rcpt.parameters.iter().all(is_known) {
        return Err(Reply::unknown_parameter());
    }
    rcpt.check_dsn().map_err(refusal)?;
    let original = rcpt.parameters.get("ORCPT").and_then(Parameter::value);
    match original {
        Some(value) if !is_smtputf8 && !value.is_ascii() => Err(Reply::utf8_not_requested()),
        _ => Ok(()),
    }
}

fn refusal(error: InvalidDsnParameter) -> Reply {
    Reply::syntax_error().with_text(error.to_string())
}

fn check_one(parameter: &Parameter, offer: &Offer) -> Result<(), Reply> {
    let is = |keyword| parameter.keyword().eq_ignore_ascii_case(keyword);
    if let Some(size_max) = offer.size
        && is("SIZE")
    {
        check_size(parameter.value(), size_max)
    } else if (offer.eight_bit_mime || offer.has_binarymime()) && is("BODY") {
        check_body(parameter.value(), offer)
    } else if (offer.smtputf8 && is("SMTPUTF8")) || (offer.requiretls && is("REQUIRETLS")) {
        parameter
            .value()
            .map_or(Ok(()), |_| Err(Reply::syntax_error()))
    } else if offer.auth != Authentication::Never && is("AUTH") {
        parameter
            .value()
            .map(|_| ())
            .ok_or_else(Reply::syntax_error)
    } else if offer.dsn && (is("RET") || is("ENVID"))
        // Their values are checked where the time is known.
        || offer.future_release.is_some() && (is("HOLDFOR") || is("HOLDUNTIL"))
    {
        Ok(())
    } else {
        Err(Reply::unknown_parameter())
    }
}

fn check_size(value: Option<&str>, max: u64) -> Result<(), Reply> {
    let digits = value.ok_or_else(Reply::syntax_error)?;
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Reply::syntax_error());
    }
    // A number too large for the type is too large for the limit.
    match digits.parse::<u64>() {
        Ok(size) if size <= max => Ok(()),
        _ => Err(Reply::message_too_big()),
    }
}

fn check_body(value: Option<&str>, offer: &Offer) -> Result<(), Reply> {
    let known = [
        ("7BIT", true),
        ("8BITMIME", offer.eight_bit_mime),
        ("BINARYMIME", offer.has_binarymime()),
    ];
    let is_offered = |value: &str| {
        let mut known = known.iter();
        known.any(|(name, is_offered)| *is_offered && value.eq_ignore_ascii_case(name))
    };
    if value.is_some_and(is_offered) {
        Ok(())
    } else {
        Err(Reply::syntax_error())
    }
}
