//! Short texts for requests and answers, for the story.

use koukan_core::resource::{Operation, RefusalKind, ResourceResponse, View};

pub(crate) fn asked(operation: &Operation) -> String {
    match operation {
        Operation::Create(create) => {
            let to = create.draft.rcpt_to.iter();
            let to: Vec<_> = to.map(|rcpt| rcpt.forward_path.as_str()).collect();
            let body = match create.draft.body {
                Some(_) => "with the message",
                None => "without a message",
            };
            format!(
                "creates a transaction to {to:?} {body}, wait {:?}",
                create.wait
            )
        }
        Operation::Read(read) => {
            let (version, wait) = (&read.if_none_match, read.wait);
            format!("asks for another version than {version:?}, wait {wait:?}")
        }
        Operation::Upload(upload) => match &upload.range {
            Some(range) => format!("uploads {range:?}"),
            None => "uploads the message".to_owned(),
        },
        Operation::Cancel(_) => "cancels".to_owned(),
        Operation::List(_) => "lists the queue".to_owned(),
        other => format!("asks {other:?}"),
    }
}

pub(crate) fn heard(answer: Option<&ResourceResponse>) -> String {
    match answer {
        None => "gets no answer".to_owned(),
        Some(ResourceResponse::Created(created)) => {
            let how = if created.is_replayed {
                "made before"
            } else {
                "made"
            };
            format!(
                "hears that it is {how}, version {}: {}",
                created.version,
                seen(&created.view)
            )
        }
        Some(ResourceResponse::Current { view, version }) => {
            format!("hears version {version}: {}", seen(view))
        }
        Some(ResourceResponse::Unchanged(_)) => "hears that nothing is new".to_owned(),
        Some(ResourceResponse::Uploaded(uploaded)) => {
            let end = if uploaded.finalized {
                ", which is all"
            } else {
                ""
            };
            format!("hears that there are {} octets{end}", uploaded.len)
        }
        Some(ResourceResponse::Listed(listed)) => {
            format!("hears of {} transactions", listed.transactions.len())
        }
        Some(ResourceResponse::Refused(refusal)) => match &refusal.kind {
            kind @ RefusalKind::WrongRange { .. } => format!("is refused: {kind:?}"),
            kind => format!("is refused: {kind:?}, {}", refusal.detail),
        },
    }
}

fn seen(view: &View) -> String {
    let mut seen = Vec::new();
    for reply in view.rcpt_response.iter().chain(&view.data_response) {
        seen.push(reply.to_string().trim_end().to_owned());
    }
    if view.cancelled {
        seen.push("cancelled".to_owned());
    }
    seen.push(match &view.final_attempt_reason {
        Some(reason) => format!("over ({reason})"),
        None => format!("{} attempts", view.attempt_count),
    });
    seen.join(", ")
}
