//! The table of replies for applications, one row a cell: a 201 to a create is a promise whatever the destination
//! does, so replies describe attempts. replies describe attempts. One row a cell.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{RecipientState, WaitFor},
    test_util::{Answer, Script},
};
use tokio::time::{Instant, sleep};

use RecipientState::{Deferred, Delivered, Failed, Pending};

use crate::agent::{Agent, MESSAGE, rcpt, whole};

/// The behaviour of a destination, and the result of the create and of the first attempt.
struct Row {
    does: &'static str,
    destination: Script,
    /// The state of each recipient, and the code of its reply.
    recipients: &'static [(RecipientState, Option<u16>)],
    /// Why nothing more is tried, if so.
    reason: Option<&'static str>,
}

/// The recipients of a row: the first ones, as many as the row has.
const TO: [&str; 3] = ["r0@example.com", "r1@example.com", "r2@example.com"];

fn table() -> Vec<Row> {
    let new = Script::new;
    let (four, five) = (Reply::mailbox_busy, Reply::no_such_user);
    let row = |does, destination, recipients, reason| Row {
        does,
        destination,
        recipients,
        reason,
    };
    // A destination that does not answer one command does not answer later ones either.
    let mute = new().other_rcpts(Answer::Never).message(Answer::Never);
    let silent = mute.clone().mail(Answer::Never);
    let failed: &[_] = &[(Failed, Some(550))];
    let deferred: &[_] = &[(Deferred, Some(450))];
    let pending: &[_] = &[(Pending, None)];
    vec![
        row("ok", new(), &[(Delivered, Some(250))], Some("delivered")),
        row("mail4", new().mail(Answer::Return(four())), deferred, None),
        row(
            "mail5",
            new().mail(Answer::Return(five())),
            failed,
            Some("failed"),
        ),
        row("mail late", silent, pending, None),
        row("rcpt4", new().other_rcpts(four()), deferred, None),
        row("rcpt5", new().other_rcpts(five()), failed, Some("failed")),
        row("rcpt late", mute, pending, None),
        row("end4", new().message(four()), deferred, None),
        row("end5", new().message(five()), failed, Some("failed")),
        row(
            "end late",
            new().message(Answer::Never),
            &[(Pending, Some(250))],
            None,
        ),
        row(
            "ok, ok",
            new(),
            &[(Delivered, Some(250)), (Delivered, Some(250))],
            Some("delivered"),
        ),
        row(
            "ok, rcpt5",
            new().rcpt(TO[1], five()),
            &[(Delivered, Some(250)), (Failed, Some(550))],
            Some("partly delivered"),
        ),
        row(
            "ok, rcpt4, rcpt5",
            new().rcpt(TO[1], four()).rcpt(TO[2], five()),
            &[
                (Delivered, Some(250)),
                (Deferred, Some(450)),
                (Failed, Some(550)),
            ],
            None,
        ),
        row(
            "ok, end4, end5, by recipient",
            new().message_for(TO[1], four()).message_for(TO[2], five()),
            &[
                (Delivered, Some(250)),
                (Deferred, Some(450)),
                (Failed, Some(550)),
            ],
            None,
        ),
        row(
            "end5, end5",
            new().message(five()),
            &[(Failed, Some(550)), (Failed, Some(550))],
            Some("failed"),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_cell_of_the_table_is_as_it_says() {
    for row in table() {
        let agent = Agent::over(row.destination).await;
        let mut create = whole();
        create.draft.rcpt_to = TO[..row.recipients.len()]
            .iter()
            .map(|to| rcpt(to))
            .collect();
        create.draft.notification = Some(false);
        create.wait_for = WaitFor::Attempt;
        let began = Instant::now();
        // It is never refused: the agent is responsible for the queue.
        let created = agent.create(create).await;
        let is_late = row.recipients.iter().any(|(state, _)| *state == Pending);
        assert_eq!(
            began.elapsed() >= Duration::from_secs(20),
            is_late,
            "{}",
            row.does
        );
        let view = agent.view(&created.location).await;
        assert_eq!(
            view.final_attempt_reason.as_deref(),
            row.reason,
            "{}",
            row.does
        );
        let recipients = view.details.unwrap().recipients;
        let found: Vec<_> = recipients
            .iter()
            .map(|it| {
                (
                    it.state,
                    it.reply.as_ref().map(|reply| reply.code().as_u16()),
                )
            })
            .collect();
        assert_eq!(found, row.recipients, "{}", row.does);
        agent.storage.flush().await;
        let census = agent.storage.backend().census().await.unwrap();
        let is_queued = u64::from(row.reason.is_none());
        assert_eq!(census.waiting + census.leased, is_queued, "{}", row.does);
    }
}

/// The other half of the promise: deferred recipients get the message in the end, and the others do
/// not get it again.
#[tokio::test(start_paused = true)]
async fn what_is_deferred_is_tried_again_for_those_alone() {
    let destination = Script::new().rcpt(TO[1], Answer::Reply(Reply::mailbox_busy()));
    let agent = Agent::over(destination.clone()).await;
    agent.dispatch();
    let mut create = whole();
    create.draft.rcpt_to = TO[..2].iter().map(|to| rcpt(to)).collect();
    create.wait_for = WaitFor::Attempt;
    agent.create(create).await;
    sleep(Duration::from_secs(600)).await;
    let received = destination.received();
    let whole = received
        .iter()
        .filter(|received| received.text() == MESSAGE);
    let delivered: Vec<_> = whole
        .flat_map(|received| received.recipient_texts())
        .collect();
    assert_eq!(delivered, [TO[0]]);
    assert!(received.len() > 1, "{received:?}");
}
