//! The table of replies, one row a cell: the reply to a client, and what happens to its message.
//!
//! The domain of a recipient names the behaviour of its destination. Each row holds whether or not the recipients
//! of one domain share a transaction.

use koukan_core::{
    blob::Blob,
    middleware::{DeliverOutcome, DeliverRequest},
    reply::Reply,
    service::BoxMailService,
    signals::HearsEach,
    stage::{
        exploder::{ByDomain, ReplyPolicy},
        sharing::Sharing,
    },
    test_util::{Answer, End, Script, at_rest, context, mail, rcpt, send_with},
};

use crate::agent::Agent;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// The type of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// A user's program, by SMTP.
    User,
    /// Another agent, by SMTP.
    Agent,
    /// A user's program that gets each recipient's final reply, by LMTP.
    UserByLmtp,
    /// Another agent that gets them.
    AgentByLmtp,
}

/// The replies to each of them for recipients in these domains, and how many are kept.
struct Row {
    client: Client,
    /// The domains of the recipients, without `.test`.
    to: &'static str,
    /// The codes of the replies to RCPT, in this order.
    rcpts: &'static str,
    /// The code of the final reply, by recipient if these differ; none if all were refused before.
    last: &'static str,
    /// How many are in custody: to be tried again, or to be reported.
    kept: u64,
}

const fn row(
    client: Client,
    to: &'static str,
    rcpts: &'static str,
    last: &'static str,
    kept: u64,
) -> Row {
    Row {
        client,
        to,
        rcpts,
        last,
        kept,
    }
}

use Client::{Agent as A, AgentByLmtp as AL, User as U, UserByLmtp as UL};

const TABLE: &[Row] = &[
    // MAIL is answered like RCPT: the MAIL of the whole was accepted before the destination was
    // asked.
    row(U, "ok", "250", "250", 0),
    row(U, "mail4", "250", "250", 1),
    row(U, "mail421", "250", "250", 1),
    row(U, "mail5", "550", "", 0),
    row(U, "mail-late", "250", "250", 1),
    row(A, "ok", "250", "250", 0),
    row(A, "mail4", "450", "", 0),
    row(A, "mail421", "450", "", 0),
    row(A, "mail5", "550", "", 0),
    row(A, "mail-late", "450", "", 0),
    // RCPT.
    row(U, "rcpt4", "250", "250", 1),
    row(U, "rcpt421", "250", "250", 1),
    row(U, "rcpt5", "550", "", 0),
    row(U, "rcpt-late", "250", "250", 1),
    row(A, "rcpt4", "450", "", 0),
    row(A, "rcpt421", "450", "", 0),
    row(A, "rcpt5", "550", "", 0),
    row(A, "rcpt-late", "450", "", 0),
    // The final reply for one recipient.
    row(U, "end4", "250", "250", 1),
    row(U, "end421", "250", "250", 1),
    row(U, "end5", "250", "554", 0),
    row(U, "end-late", "250", "250", 1),
    row(A, "end4", "250", "450", 0),
    row(A, "end421", "250", "450", 0),
    row(A, "end5", "250", "554", 0),
    row(A, "end-late", "250", "451", 0),
    // For several with the same class of reply, at one destination and at two.
    row(U, "ok ok", "250 250", "250", 0),
    row(U, "mail4 mail4", "250 250", "250", 2),
    row(U, "mail5 mail5", "550 550", "", 0),
    row(U, "rcpt4 rcpt4", "250 250", "250", 2),
    row(U, "rcpt5 rcpt5", "550 550", "", 0),
    row(U, "end4 end4", "250 250", "250", 2),
    row(U, "end4 end421", "250 250", "250", 2),
    row(U, "end5 end5", "250 250", "554", 0),
    row(U, "end-late end-late", "250 250", "250", 2),
    row(U, "end4 end-late", "250 250", "250", 2),
    row(A, "ok ok", "250 250", "250", 0),
    row(A, "mail4 mail4", "450 450", "", 0),
    row(A, "mail5 mail5", "550 550", "", 0),
    row(A, "rcpt4 rcpt4", "450 450", "", 0),
    row(A, "rcpt5 rcpt5", "550 550", "", 0),
    row(A, "end4 end4", "250 250", "450", 0),
    row(A, "end5 end5", "250 250", "554", 0),
    row(A, "end-late end-late", "250 250", "451", 0),
    // If they differ before the message, each has its own reply.
    row(U, "ok rcpt4 rcpt5", "250 250 550", "250", 1),
    row(U, "rcpt4 rcpt5", "250 550", "250", 1),
    row(U, "rcpt-late rcpt5", "250 550", "250", 1),
    row(U, "ok mail-late", "250 250", "250", 1),
    row(A, "ok rcpt4 rcpt5", "250 450 550", "250", 0),
    row(A, "rcpt4 rcpt5", "450 550", "", 0),
    row(A, "ok rcpt-late", "250 450", "250", 0),
    row(A, "ok mail-late", "250 450", "250", 0),
    // If they differ at its end: failed recipients are kept, unless the client is another agent and
    // nobody accepted the message.
    row(U, "ok end4", "250 250", "250", 1),
    row(U, "ok end5", "250 250", "250", 1),
    row(U, "ok end-late", "250 250", "250", 1),
    row(U, "ok end4 end5 end-late", "250 250 250 250", "250", 3),
    row(U, "end4 end5", "250 250", "250", 2),
    row(U, "end5 end-late", "250 250", "250", 2),
    row(A, "ok end4", "250 250", "250", 1),
    row(A, "ok end5", "250 250", "250", 1),
    row(A, "ok end-late", "250 250", "250", 1),
    row(A, "ok end4 end5 end-late", "250 250 250 250", "250", 3),
    row(A, "end4 end5", "250 250", "450", 0),
    row(A, "end5 end421", "250 250", "450", 0),
    row(A, "end5 end-late", "250 250", "450", 0),
    // Destinations that reply for each recipient at the end of the message.
    row(U, "each-ok each4 each5", "250 250 250", "250", 2),
    row(A, "each-ok each4 each5", "250 250 250", "250", 2),
    row(U, "each4 each5", "250 250", "250", 2),
    row(A, "each4 each5", "250 250", "450", 0),
    row(A, "each5 each5", "250 250", "554", 0),
    // Clients that get each recipient's reply: mail that can succeed later is kept for a user, and
    // nothing else is.
    row(UL, "ok", "250", "250", 0),
    row(UL, "end4", "250", "250", 1),
    row(UL, "end5", "250", "554", 0),
    row(UL, "end-late", "250", "250", 1),
    row(UL, "rcpt4 ok", "250 250", "250", 1),
    row(UL, "ok end4 end5", "250 250 250", "250 250 554", 1),
    row(UL, "each-ok each4 each5", "250 250 250", "250 250 554", 1),
    row(UL, "end4 end5 end-late", "250 250 250", "250 554 250", 2),
    row(AL, "ok", "250", "250", 0),
    row(AL, "end4", "250", "450", 0),
    row(AL, "end5", "250", "554", 0),
    row(AL, "end-late", "250", "451", 0),
    row(AL, "rcpt4 ok", "450 250", "250", 0),
    row(AL, "ok end4 end5", "250 250 250", "250 450 554", 0),
    row(AL, "each-ok each4 each5", "250 250 250", "250 450 554", 0),
    row(AL, "end421 end-late", "250 250", "450 451", 0),
];

/// Destinations by their names, without `.test`.
fn destinations() -> Vec<(&'static str, Script)> {
    let new = Script::new;
    let (four, five) = (Reply::mailbox_busy, Reply::no_such_user);
    let closing = Reply::too_many_connections;
    // A destination that does not answer one command does not answer later ones either.
    let mute = || new().other_rcpts(Answer::Never).message(Answer::Never);
    let silent = || mute().mail(Answer::Never);
    let mut each = new();
    for place in 0..PLACES {
        let replies = [
            ("each-ok", Reply::message_accepted()),
            ("each4", four()),
            ("each5", Reply::bad_content()),
        ];
        for (word, reply) in replies {
            each = each.message_for(&address(word, place), reply);
        }
    }
    vec![
        ("ok", new()),
        ("mail4", new().mail(Answer::Return(four()))),
        ("mail421", new().mail(Answer::Return(closing()))),
        ("mail5", new().mail(Answer::Return(five()))),
        ("mail-late", silent()),
        ("rcpt4", new().other_rcpts(four())),
        ("rcpt421", new().other_rcpts(closing())),
        ("rcpt5", new().other_rcpts(five())),
        ("rcpt-late", mute()),
        ("end4", new().message(four())),
        ("end421", new().message(closing())),
        ("end5", new().message(Reply::bad_content())),
        ("end-late", new().message(Answer::Never)),
        ("each", each),
    ]
}

/// The maximum number of recipients in a row.
const PLACES: usize = 4;

/// The recipient at that place of a row. Recipients of a destination that replies for each one differ by their
/// names.
fn address(word: &str, place: usize) -> String {
    match word.strip_prefix("each") {
        Some(kind) => format!("r{place}{kind}@each.test"),
        None => format!("r{place}@{word}.test"),
    }
}

/// Sends the message of a row. Returns the client's replies, and how many are kept and delivered.
async fn play(row: &Row, is_shared: bool) -> (DeliverOutcome, u64, usize) {
    let nowhere = BoxMailService::new(Script::new().other_rcpts(Reply::relay_denied()));
    let destinations = destinations();
    let by_domain = destinations
        .iter()
        .fold(ByDomain::new(nowhere), |all, (name, script)| {
            let service = match is_shared {
                true => Sharing::new(script.clone()).boxed(),
                false => BoxMailService::new(script.clone()),
            };
            all.with(&format!("{name}.test"), service)
        });
    let agent = Agent::over(by_domain).await;
    let policy = match row.client {
        Client::User | Client::UserByLmtp => ReplyPolicy::Submission,
        Client::Agent | Client::AgentByLmtp => ReplyPolicy::Ingress,
    };
    let message = Blob::from_bytes(MESSAGE.into());
    let mut request = DeliverRequest::new(context(), mail("a@x"), message);
    let places = row.to.split(' ').enumerate();
    request.recipients = places
        .map(|(place, word)| rcpt(&address(word, place)))
        .collect();
    if matches!(row.client, Client::UserByLmtp | Client::AgentByLmtp) {
        request.signals.set(HearsEach).unwrap();
    }
    let outcome = send_with(agent.exploder(policy), request).await;
    at_rest().await;
    let census = agent.census().await;
    let received = destinations
        .iter()
        .flat_map(|(_, script)| script.received());
    let whole = received.filter(|received| received.text() == MESSAGE);
    let taken = whole.map(|received| match &received.end {
        End::Replied(reply) => {
            let each = 0..received.recipients.len();
            each.filter(|at| reply.for_recipient(*at).is_positive())
                .count()
        }
        _ => 0,
    });
    (outcome, census.waiting + census.leased, taken.sum())
}

fn codes<'a>(replies: impl IntoIterator<Item = &'a Reply>) -> String {
    let codes = replies.into_iter().map(|reply| reply.code().to_string());
    codes.collect::<Vec<_>>().join(" ")
}

/// The codes of the final reply, as the client gets it.
fn last(row: &Row, outcome: &DeliverOutcome) -> String {
    let Some(message) = &outcome.message else {
        return String::new();
    };
    if matches!(row.client, Client::User | Client::Agent) {
        return codes([message]);
    }
    let accepted = (0..outcome.recipients.len()).filter(|at| outcome.recipients[*at].is_positive());
    let each: Vec<_> = accepted.map(|at| outcome.verdict(at)).collect();
    match each.iter().all(|reply| reply.code() == each[0].code()) {
        true => codes([each[0]]),
        false => codes(each),
    }
}

#[tokio::test(start_paused = true)]
async fn each_cell_of_the_table_is_as_it_says() {
    let mut wrong = Vec::new();
    for row in TABLE {
        for is_shared in [false, true] {
            let (outcome, kept, delivered) = play(row, is_shared).await;
            let found = (
                codes(&outcome.recipients),
                last(row, &outcome),
                kept,
                delivered,
            );
            let ok = row
                .to
                .split(' ')
                .filter(|word| word.ends_with("ok"))
                .count();
            let expected = (row.rcpts.to_owned(), row.last.to_owned(), row.kept, ok);
            if found != expected {
                wrong.push(format!(
                    "{:?} to {} (shared: {is_shared}): {found:?} in place of {expected:?}",
                    row.client, row.to
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn recipients_of_one_destination_share_a_transaction_or_do_not() {
    for (is_shared, expected) in [(false, 2), (true, 1)] {
        let script = Script::new();
        let service = match is_shared {
            true => Sharing::new(script.clone()).boxed(),
            false => BoxMailService::new(script.clone()),
        };
        let agent = Agent::over(service).await;
        let message = Blob::from_bytes(MESSAGE.into());
        let mut request = DeliverRequest::new(context(), mail("a@x"), message);
        request.recipients = ["b@y", "c@y"].map(rcpt).into();
        let outcome = send_with(agent.exploder(ReplyPolicy::Submission), request).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        assert_eq!(script.received().len(), expected);
    }
}
