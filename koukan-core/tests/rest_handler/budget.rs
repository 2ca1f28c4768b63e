//! A transaction made by requests ends normally when tokio's budget is exhausted: at each request, and
//! in the attempt.

use std::time::Duration;

use futures_util::stream;
use koukan_core::{
    body::Body,
    reply::Reply,
    test_util::{Answer, Budget, Script, in_every_budget},
};
use tokio::time::sleep;

use crate::agent::{Agent, octets, read, to_upload, whole};

/// A message whose pieces come one after the other.
fn pieces() -> Body {
    let pieces = ["Subject: hi\r\n", "\r\nhello\r\n"];
    let pieces = stream::unfold(pieces.into_iter(), |mut pieces| async {
        sleep(Duration::from_secs(1)).await;
        pieces.next().map(|piece| (Ok(octets(piece)), pieces))
    });
    Body::from_stream(pieces)
}

/// Each request is a task of its own, as those of connections are.
async fn uploaded(budget: &Budget, agent: &Agent) -> Option<Reply> {
    let asking = agent.clone();
    let create = budget.around(async move { asking.create(to_upload()).await });
    let created = tokio::spawn(create).await.unwrap();
    let location = created.location;
    let (asking, watched) = (agent.clone(), location.clone());
    let watching = budget.around(async move { asking.end(&watched).await });
    let watching = tokio::spawn(watching);
    let (asking, body) = (agent.clone(), location.join("body"));
    let upload = budget.around(async move { asking.upload(&body, None, pieces()).await });
    tokio::spawn(upload).await.unwrap().unwrap();
    watching.await.unwrap().data_response
}

#[test]
fn a_message_that_is_uploaded_while_somebody_waits_for_its_end() {
    in_every_budget(async |budget| {
        let agent = Agent::over(budget.around_service(Script::new())).await;
        uploaded(&budget, &agent).await
    });
}

#[test]
fn a_message_that_comes_whole() {
    in_every_budget(async |budget| {
        let later = Answer::After(Duration::from_secs(1), Reply::message_accepted());
        let upstream = Script::new().message(later);
        let agent = Agent::over(budget.around_service(upstream)).await;
        let create = {
            let agent = agent.clone();
            async move { agent.create(whole()).await }
        };
        let created = tokio::spawn(budget.around(create)).await.unwrap();
        created.view.data_response
    });
}

/// A client that waits for the next change gets each one.
#[test]
fn a_recipient_that_is_refused_during_the_upload() {
    in_every_budget(async |budget| {
        let upstream = Script::new().rcpt("bob@example.com", Reply::no_such_user());
        let agent = Agent::over(budget.around_service(upstream)).await;
        let asking = agent.clone();
        let create = budget.around(async move { asking.create(to_upload()).await });
        let created = tokio::spawn(create).await.unwrap();
        let (asking, location) = (agent.clone(), created.location.clone());
        let watching = budget.around(async move {
            let (mut view, mut known) = (created.view, created.version);
            while view.rcpt_response.is_empty() {
                let mut read = read(&location);
                read.wait = Some(Duration::from_secs(10));
                read.if_none_match = Some(known);
                let (changed, version) = asking.try_read(read).await.unwrap();
                (*view, known) = (changed, version);
            }
            view.rcpt_response
        });
        tokio::spawn(watching).await.unwrap()
    });
}
