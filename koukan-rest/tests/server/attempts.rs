//! Attempts, as operators see them.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use koukan_core::{
    reply::{Encryption, Reply, Speaker, TlsVerdict},
    resource::{QueueResponse, QueuedDetails},
    storage::record::{Attempt, Conversation, Spoken},
};
use serde_json::json;

use crate::queue::{get, queued, with_queue};

#[tokio::test]
async fn each_attempt_is_shown() {
    let spoken = Spoken {
        at: Timestamp::UNIX_EPOCH,
        by: Speaker::Server,
        text: "450 busy".into(),
    };
    let attempt = Attempt {
        final_reply: Reply::mailbox_busy(),
        tls: Some(Box::new(Encryption {
            version: "TLSv1.3".into(),
            cipher: "TLS_AES_128_GCM_SHA256".into(),
            verdict: TlsVerdict::MtaSts,
        })),
        conversation: Some(Arc::new(Conversation {
            said: vec![spoken],
            left_out: 7,
        })),
        ..Attempt::broken_off(
            Timestamp::UNIX_EPOCH,
            Some(Reply::ok()),
            vec![Some(Reply::mailbox_busy())],
        )
    };
    let shown = move || {
        QueueResponse::Shown(Box::new(QueuedDetails {
            queued: queued(),
            attempts: vec![attempt.clone()],
            first_attempt: 3,
        }))
    };
    let answer = get(with_queue(shown).0, "/queue/T").await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    let attempt = &json["attempts"][0];
    assert_eq!(attempt["number"], 3);
    assert_eq!(attempt["started"], "1970-01-01T00:00:00Z");
    assert_eq!(attempt["mail_response"]["code"], 250);
    assert_eq!(attempt["data_response"]["code"], 450);
    let said = json!({"at": "1970-01-01T00:00:00Z", "by": "server", "text": "450 busy"});
    assert_eq!(attempt["conversation"], json!([said]));
    assert_eq!(attempt["left_out"], 7);
    let tls =
        json!({"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "verified": "mta-sts"});
    assert_eq!(attempt["tls"], tls);
}
