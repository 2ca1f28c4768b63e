//! The cost of the REST API's JSON, in both directions, from and to octets.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{Criterion, criterion_group, criterion_main};
use koukan_core::{
    reply::Reply,
    resource::{BlobStatus, BodyView, Location, View},
};
use koukan_rest::schema::{
    create_from_json, create_to_json, reply_from_json, reply_to_json, view_from_json, view_to_json,
};

const CREATE: &str = r#"{"mail_from": {"m": "alice@example.com"},
    "rcpt_to": [{"m": "bob@example.com"}], "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}"#;

fn view() -> View {
    View {
        has_sender: true,
        has_mail_from: true,
        rcpt_to: 2,
        body: Some(BodyView {
            blob_status: Some(BlobStatus {
                uri: Location::new("/transactions/T/body"),
                finalized: true,
            }),
            ..BodyView::default()
        }),
        mail_response: Some(Reply::sender_ok()),
        rcpt_response: vec![Reply::recipient_ok(), Reply::no_such_user()],
        data_response: Some(Reply::message_accepted()),
        attempt_count: 1,
        ..View::default()
    }
}

fn absolute(location: &Location) -> String {
    format!("http://bench.example{location}")
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json");
    group.bench_function("read_create", |bencher| {
        bencher.iter(|| {
            let json = serde_json::from_str(CREATE).unwrap();
            create_from_json(&json, "app").unwrap()
        });
    });
    group.bench_function("write_create", |bencher| {
        let json = serde_json::from_str(CREATE).unwrap();
        let (sender, draft) = create_from_json(&json, "app").unwrap();
        bencher.iter(|| create_to_json(&sender, &draft).to_string());
    });
    group.bench_function("read_view", |bencher| {
        let text = view_to_json(&view(), absolute).to_string();
        bencher.iter(|| {
            let json = serde_json::from_str(&text).unwrap();
            view_from_json(&json).unwrap()
        });
    });
    group.bench_function("write_view", |bencher| {
        let view = view();
        bencher.iter(|| view_to_json(&view, absolute).to_string());
    });
    group.bench_function("reply", |bencher| {
        let reply = Reply::no_such_user();
        bencher.iter(|| reply_from_json(&reply_to_json(&reply)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, json);
criterion_main!(benches);
