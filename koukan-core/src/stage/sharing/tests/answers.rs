//! The task that passes on a group's answers may be overtaken by the members they are for.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use tower::{BoxError, Service, service_fn};

use crate::{
    body::Copies,
    reply::Reply,
    service::{BoxMailService, MailService, begin},
    stage::sharing::Sharing,
    transaction::{Errand, Transaction},
};

use super::direct::{Given, errand, given, start};

pub(super) type Other = Arc<Mutex<Option<Errand<Given>>>>;

/// Answers nothing before the message is there, and then everything at once, like a host to which
/// everything was sent together.
fn silent_until_the_end() -> impl MailService {
    service_fn(async |mut transaction: Transaction| {
        let mut recipients = Vec::new();
        while let Some(rcpt) = transaction.recipients.next().await? {
            recipients.push(rcpt);
        }
        transaction.body.collect(1 << 20).await?;
        transaction.mail.answer(Reply::sender_ok());
        for rcpt in recipients {
            rcpt.answer(Reply::recipient_ok());
        }
        Ok::<_, BoxError>(Reply::message_accepted())
    })
}

/// A member with a hook that runs when MAIL is answered.
pub(super) fn with_hook(
    sharing: Sharing<impl MailService>,
    hook: impl Fn() + Clone + Send + Sync + 'static,
) -> BoxMailService {
    BoxMailService::new(service_fn(move |transaction: Transaction| {
        let (mut sharing, hook) = (sharing.clone(), hook.clone());
        let mail = transaction.mail.map_reply(move |reply| {
            hook();
            reply
        });
        sharing.call(Transaction {
            mail,
            ..transaction
        })
    }))
}

/// As if another thread polled a member while the answers are being given: its recipient has been
/// accepted, and another answer would make it send the message again.
#[tokio::test(start_paused = true)]
async fn no_member_ends_before_its_commands_are_answered() {
    let copies = Copies::new();
    let sharing = Sharing::new(silent_until_the_end());
    let (other, ended): (Other, Arc<Mutex<Option<Reply>>>) = Default::default();
    let hook = {
        let (other, ended) = (Arc::clone(&other), Arc::clone(&ended));
        move || {
            let mut other = other.lock().unwrap();
            let polled = other
                .as_mut()
                .map(|other| other.poll_end(&mut Context::from_waker(Waker::noop())));
            if let Some(Poll::Ready(end)) = polled {
                *ended.lock().unwrap() = Some(end.unwrap());
            }
        }
    };
    let (upstream, mail) = begin(with_hook(sharing.clone(), hook), start(&copies));
    let mut first = Errand::new(given(&["b@y"]), upstream, Some(mail));
    // Its group is checked whenever it is polled.
    let mut second = errand(&sharing.boxed(), &copies, &["c@y"]);
    assert!(poll_fn(|cx| Poll::Ready(first.poll_end(cx).is_pending())).await);
    assert!(poll_fn(|cx| Poll::Ready(second.poll_end(cx).is_pending())).await);
    *other.lock().unwrap() = Some(second);
    copies.close();

    assert_eq!(
        poll_fn(|cx| first.poll_end(cx)).await,
        Ok(Reply::message_accepted())
    );
    let mut second = other.lock().unwrap().take().unwrap();
    let end = ended.lock().unwrap().take();
    let end = match end {
        Some(end) => end,
        None => poll_fn(|cx| second.poll_end(cx)).await.unwrap(),
    };
    assert_eq!(end, Reply::message_accepted());
    let replies = [&first.originator.replies, &second.originator.replies];
    let all = [Reply::sender_ok(), Reply::recipient_ok()];
    assert_eq!(replies, [&all, &all]);
}
