//! Written values are read back unchanged, and no input makes the reader panic.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use koukan_core::{
    context::Sender,
    path::{Parameter, Parameters},
    reply::{EnhancedCode, Reply, ReplyCode},
    resource::{BlobStatus, BodySource, BodyView, BuilderView, Draft, Location, SmtpMeta, View},
    signals::HostPort,
    transaction::{Mail, Rcpt},
};
use koukan_rest::schema::{
    append_from_json, append_to_json, create_from_json, create_to_json, etag, full_view_to_json,
    problem, reply_from_json, view_from_json,
};
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value};

fn parameters() -> impl Strategy<Value = Parameters> {
    let parameter = ("[A-Za-z0-9][A-Z0-9-]{0,5}", option::of("[!-<>-~]{1,8}"));
    vec(parameter, 0..3).prop_map(|list| {
        let mut parameters = Parameters::default();
        for (keyword, value) in list {
            // A keyword that occurs twice is left out.
            let _ = parameters.push(Parameter::new(&keyword, value.as_deref()).unwrap());
        }
        parameters
    })
}

fn mail() -> impl Strategy<Value = Mail> {
    ("|[a-zé]{1,8}@[a-z]{1,5}\\.example", parameters()).prop_map(|(path, parameters)| Mail {
        reverse_path: path.parse().unwrap(),
        parameters,
    })
}

fn rcpt() -> impl Strategy<Value = Rcpt> {
    ("postmaster|[a-zé]{1,8}@[a-z]{1,5}", parameters()).prop_map(|(path, parameters)| Rcpt {
        forward_path: path.parse().unwrap(),
        parameters,
    })
}

fn host() -> impl Strategy<Value = HostPort> {
    let host = "192\\.0\\.2\\.[1-9]|::[1-9a-f]|[a-z]{1,9}\\.example";
    (host, any::<u16>()).prop_map(|(host, port)| HostPort {
        host: host.into(),
        port,
    })
}

fn meta() -> impl Strategy<Value = SmtpMeta> {
    (option::of("\\PC{1,9}"), any::<[bool; 3]>()).prop_map(|(ehlo_host, flags)| SmtpMeta {
        ehlo_host: ehlo_host.map(Into::into),
        is_esmtp: flags[0],
        has_tls: flags[1],
        is_authenticated: flags[2],
    })
}

fn source() -> impl Strategy<Value = BodySource> {
    prop_oneof![
        any::<String>().prop_map(|text| BodySource::Inline(text.into())),
        "/transactions/[A-Z]{1,5}/body".prop_map(|uri| BodySource::Reuse(Location::new(uri))),
        object().prop_map(|spec| BodySource::MessageBuilder(spec.into())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    // Names of fields, so that nested values are read, too.
    let name = "sender|name|tag|(remote|local)_host|smtp_meta|mail_from|rcpt_to|m|e|k|p|body|inline|\
                message_builder|blob_status|uri|(mail|rcpt|data)_response|code|message|[a-z]{0,4}";
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-z]{1,5}", value()), 0..3).prop_map(|members| members.into_iter().collect())
}

prop_compose! {
    fn draft()(
        remote_host in option::of(host()),
        local_host in option::of(host()),
        smtp_meta in option::of(meta()),
        mail_from in option::of(mail()),
        rcpt_to in vec(rcpt(), 0..4),
        body in option::of(source()),
        flags in any::<[bool; 2]>(),
        send_at in option::of(0..2_000_000_000i64),
        filter_output in object(),
    ) -> Draft {
        let [retry, notification] = flags.map(|is_enabled| is_enabled.then_some(true));
        Draft {
            remote_host, local_host, smtp_meta, mail_from, rcpt_to, body, retry, notification,
            send_at: send_at.map(|at| Timestamp::from_second(at).unwrap()),
            filter_output,
        }
    }
}

fn reply() -> impl Strategy<Value = Reply> {
    let enhanced = option::of((0..1000u16, 0..1000u16));
    (
        2..=5u16,
        0..100u16,
        enhanced,
        "[a-z][a-z .]{0,9}(\n[a-z ]{1,5})?",
    )
        .prop_map(|(class, rest, enhanced, text)| {
            let code = ReplyCode::new(class * 100 + rest).unwrap();
            let enhanced = enhanced.and_then(|(subject, detail)| {
                EnhancedCode::new(u8::try_from(class).unwrap(), subject, detail).ok()
            });
            Reply::new(code, enhanced, text)
        })
}

fn blob() -> impl Strategy<Value = BlobStatus> {
    ("/[a-z]{1,9}", any::<bool>()).prop_map(|(uri, finalized)| BlobStatus {
        uri: Location::new(uri),
        finalized,
    })
}

fn builder() -> impl Strategy<Value = BuilderView> {
    let blobs = proptest::collection::btree_map("[a-z]{1,5}", blob(), 0..3);
    let blobs = blobs.prop_map(|map| map.into_iter().map(|(id, blob)| (id.into(), blob)));
    (option::of("/[a-z]{1,9}"), option::of(blobs)).prop_map(|(uri, blobs)| BuilderView {
        uri: uri.map(Location::new),
        blob_status: blobs.map(Iterator::collect),
    })
}

prop_compose! {
    fn view()(
        flags in any::<[bool; 5]>(),
        rcpt_to in 0..9usize,
        body in option::of((option::of(blob()), option::of(builder()))),
        mail_response in option::of(reply()),
        rcpt_response in vec(reply(), 0..4),
        data_response in option::of(reply()),
        attempt_count in any::<u32>(),
        reason in option::of(any::<String>()),
        filter_output in object(),
        hosts in (option::of(host()), option::of(host())),
        recipients in vec(option::of(reply()), 0..3),
    ) -> View {
        // Without a final reply, for all or for a recipient, none is shown.
        let is_told = data_response.is_some() && recipients.iter().any(Option::is_some);
        let final_replies = if is_told { recipients } else { Vec::new() };
        let [has_sender, has_mail_from, retry, notification, cancelled] = flags;
        View {
            has_sender, has_mail_from, rcpt_to, mail_response, rcpt_response, data_response,
            final_replies,
            attempt_count, retry, notification, cancelled, filter_output,
            body: body.map(|(blob_status, message_builder)| BodyView {
                blob_status,
                message_builder,
            }),
            final_attempt_reason: reason.map(Into::into),
            remote_host: hosts.0,
            local_host: hosts.1,
            details: None,
        }
    }
}

proptest! {
    #[test]
    fn a_create_is_read_as_it_was_written(
        draft in draft(),
        name in any::<String>(),
        tag in option::of("\\PC{1,5}"),
    ) {
        let sender = Sender { name: name.as_str().into(), tag: tag.map(Into::into) };
        let written = create_to_json(&sender, &draft);
        prop_assert_eq!(create_from_json(&written, &name), Ok((sender, draft)));
    }

    #[test]
    fn an_append_is_read_as_it_was_written(draft in draft(), offset in option::of(any::<u32>())) {
        let draft = Draft {
            remote_host: None, local_host: None, smtp_meta: None, send_at: None, ..draft
        };
        let offset = offset.map(|offset| offset as usize);
        let written = append_to_json(&draft, offset);
        prop_assert_eq!(append_from_json(&written), Ok((draft, offset)));
    }

    #[test]
    fn a_view_is_read_as_it_was_written(view in view()) {
        let written = full_view_to_json(&view, Location::to_string);
        prop_assert_eq!(view_from_json(&written), Ok(view));
    }

    #[test]
    fn nothing_that_is_read_panics(value in value(), status in 100..1000u16, text in any::<String>()) {
        let created = create_from_json(&value, "");
        if let Err(refusal) = &created {
            problem::to_json(refusal);
        }
        let _ = append_from_json(&value);
        let _ = view_from_json(&value);
        let _ = reply_from_json(&value);
        let body = value.to_string();
        let status = StatusCode::from_u16(status).unwrap();
        problem::from_response(status, &HeaderMap::new(), body.as_bytes());
        etag::parse(&text);
        etag::Condition::parse(&text);
    }
}
