//! Listing transactions.

use http::Method;
use jiff::Timestamp;
use koukan_core::{
    resource::{ListState, ListTransactions, ResourceResponse},
    storage::Search,
};

use crate::client::{
    ClientError,
    transport::{Request, Transport},
    uri::segment,
};

pub(super) async fn perform(
    transport: &Transport,
    list: ListTransactions,
) -> Result<ResourceResponse, ClientError> {
    let mut path = format!(
        "senders/{}/transactions?limit={}",
        segment(&list.sender),
        list.limit
    );
    if let Some(state) = list.state {
        path.push_str("&state=");
        path.push_str(match state {
            ListState::Waiting => "waiting",
            ListState::Scheduled => "scheduled",
            ListState::Active => "active",
            ListState::Finished => "finished",
        });
    }
    let Search {
        id: _,
        reverse_path,
        recipient,
        domain,
        destination,
        since,
        until,
        last_reply,
    } = list.search;
    let reverse_path = reverse_path.map(|path| match &*path {
        "" => "<>".into(),
        _ => path,
    });
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string().into());
    for (name, value) in [
        ("mail_from", reverse_path),
        ("recipient", recipient),
        ("domain", domain),
        ("destination", destination),
        ("since", time(since)),
        ("until", time(until)),
        ("reply", last_reply),
    ] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", segment(&value)));
        }
    }
    if let Some(cursor) = &list.cursor {
        path.push_str("&cursor=");
        path.push_str(&segment(cursor));
    }
    let uri = transport.uri_below(&path)?;
    match transport.ask(&Request::new(Method::GET, uri)).await? {
        Ok(response) => response.listed(),
        Err(refusal) => Ok(refusal.into()),
    }
}
