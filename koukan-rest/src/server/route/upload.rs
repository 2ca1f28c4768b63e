//! `PUT /transactions/{id}/body` and `PUT /transactions/{id}/blob/{blob}`.

use axum::{
    Extension,
    extract::{Request, State},
};
use koukan_core::resource::{Caller, Location, Operation, Refusal, RefusalKind, Upload};

use crate::server::{
    answer::{Manner, answer},
    field::content_range,
    json_content::length,
    problem::Problem,
    shared::Shared,
    upload_content::UploadContent,
};

use super::{Answer, Parts, part, parts};

pub(super) async fn body(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let to = Location::of_transaction(part(path)?).join("body");
    upload(shared, caller, to, request).await
}

pub(super) async fn blob(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<[String; 2]>,
    request: Request,
) -> Answer {
    let [id, blob] = parts(path)?;
    let to = Location::of_transaction(id).join(&format!("blob/{blob}"));
    upload(shared, caller, to, request).await
}

async fn upload(shared: Shared, caller: Caller, to: Location, request: Request) -> Answer {
    let (head, body) = request.into_parts();
    let range = content_range::of(&head.headers)?;
    let settings = &shared.settings;
    let max = settings.max_message_size;
    let length = length(&head.headers);
    if length.is_some_and(|length| length > max) {
        let detail = format!("there may be {max} octets at most");
        return Err(Refusal::new(RefusalKind::TooLarge, detail).into());
    }
    if let (Some(length), Some(range)) = (length, range)
        && range.end.is_some_and(|end| end - range.start != length)
    {
        let detail = "Content-Length is another than that of the range";
        return Err(Refusal::malformed(detail).at("Content-Range").into());
    }
    let (content, stalled) = UploadContent::stream(body, max, settings.upload_idle_timeout);
    let upload = Upload { to, range, content };
    let response = shared.ask(caller, Operation::Upload(upload)).await;
    let response = response.map_err(|problem| match stalled.is_stalled() {
        true => Problem::too_slow(),
        false => problem,
    })?;
    let manner = Manner {
        is_ranged: range.is_some(),
        ..shared.manner(&head.uri, &head.headers)?
    };
    Ok(answer(response, &manner))
}
