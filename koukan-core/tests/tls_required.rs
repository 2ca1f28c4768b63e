//! The filter that finds whether a message may be sent without TLS.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use koukan_core::{
    filter::tls_required::TlsRequiredLayer,
    path::Parameter,
    reply::Reply,
    signals::TlsRequired,
    test_util::{mail, rcpt, send},
    transaction::{Mail, Transaction},
};
use tower::{BoxError, Layer, service_fn};

/// The known result, and the message, at its end.
async fn told(mail: Mail, message: &'static str) -> String {
    let inner = service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        let mut octets = 0;
        while let Some(chunk) = tx.body.next().await? {
            octets += chunk.len();
        }
        let found = tx.signals.branch().find_durable::<TlsRequired>().unwrap();
        let text = format!("{octets} octets, {found:?}");
        Ok::<_, BoxError>(Reply::message_accepted().with_text(text))
    });
    let service = TlsRequiredLayer::new().layer(inner);
    let outcome = send(service, mail, [rcpt("b@y")], message).await;
    outcome.verdict(0).to_string()
}

#[tokio::test]
async fn the_field_is_told_and_the_message_stays_as_it_is() {
    let waived = "TLS-Required: No\r\nSubject: x\r\n\r\nhi\r\n";
    let found = told(mail("a@x"), waived).await;
    assert!(
        found.contains("36 octets, Some(TlsRequired(false))"),
        "{found}"
    );
    let found = told(mail("a@x"), "Subject: x\r\n\r\nTLS-Required: No\r\n").await;
    assert!(found.contains("32 octets, None"), "{found}");
    // A sender that requires TLS does not waive it.
    let mut needing = mail("a@x");
    let parameter = Parameter::new("REQUIRETLS", None).unwrap();
    needing.parameters.push(parameter).unwrap();
    let found = told(needing, waived).await;
    assert!(found.contains("36 octets, None"), "{found}");
}
