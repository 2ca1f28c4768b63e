//! Listing transactions.

use http::Method;
use koukan_core::resource::{List, ListState, ResourceResponse};

use crate::client::{
    ClientError,
    transport::{Request, Transport},
    uri::segment,
};

pub(super) async fn perform(
    transport: &Transport,
    list: List,
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
            ListState::Active => "active",
            ListState::Finished => "finished",
        });
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
