//! Waits for a recipient before anything else happens.

use std::future::poll_fn;

use futures_util::stream::{self, StreamExt};

use crate::reply::Reply;

use super::{Aborted, Command, Recipients, Transaction, slot::slot};

impl Transaction {
    /// Waits until there is a recipient; `None` if there will be none. If none is there yet, MAIL is
    /// answered with 250, so that the client sends its next command; if upstream refuses MAIL later,
    /// that becomes the final reply.
    ///
    /// # Errors
    ///
    /// [`Aborted`] if the originator is gone.
    pub(crate) async fn with_recipient(self) -> Result<Option<Self>, Aborted> {
        let Self {
            mail,
            mut recipients,
            ..
        } = self;
        let (request, own) = mail.into_parts();
        let mut own = Some(own);
        let first = poll_fn(|cx| {
            let next = recipients.poll_recipient(cx);
            if next.is_pending()
                && let Some(slot) = own.take()
            {
                slot.answer(Reply::sender_ok());
            }
            next.map(Option::transpose)
        });
        let Some(first) = first.await? else {
            if let Some(slot) = own {
                slot.answer(Reply::sender_ok());
            }
            return Ok(None);
        };
        // Nobody receives that reply: MAIL is already answered.
        let slot = own.unwrap_or_else(|| slot(0).0);
        let all = stream::iter([Ok(first)]).chain(recipients);
        Ok(Some(Self {
            mail: Command::new(request, slot),
            recipients: Recipients::from_stream(all),
            ..self
        }))
    }
}

#[cfg(test)]
mod tests {
    use tower::{BoxError, service_fn};

    use super::*;
    use crate::{
        service::BoxMailService,
        test_util::{mail, rcpt, send},
    };

    #[tokio::test(start_paused = true)]
    async fn all_recipients_go_on_and_a_late_refusal_of_mail_is_heard() {
        let refusing = service_fn(async |transaction: Transaction| {
            let waiting = transaction.with_recipient().await?;
            let Some(Transaction { mail, .. }) = waiting else {
                return Ok(Reply::no_valid_recipients());
            };
            mail.answer(Reply::mailbox_busy());
            Ok::<_, BoxError>(Reply::mailbox_busy())
        });
        let to = ["bob@y", "eve@z"].map(rcpt);
        let service = BoxMailService::new(refusing);
        let outcome = send(service.clone(), mail("alice@x"), to, "\r\nhello\r\n").await;
        assert_eq!(
            outcome.recipients,
            [Reply::mailbox_busy(), Reply::mailbox_busy()]
        );
        let all = service_fn(async |transaction: Transaction| {
            let waiting = transaction.with_recipient().await?;
            let Transaction {
                mail,
                mut recipients,
                mut body,
                ..
            } = waiting.expect("there are two");
            mail.answer(Reply::sender_ok());
            while let Some(rcpt) = recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            while body.next().await?.is_some() {}
            Ok::<_, BoxError>(Reply::message_accepted())
        });
        let to = ["bob@y", "eve@z"].map(rcpt);
        let outcome = send(all, mail("alice@x"), to, "\r\nhello\r\n").await;
        assert_eq!(
            outcome.recipients,
            [Reply::recipient_ok(), Reply::recipient_ok()]
        );
        assert_eq!(outcome.message, Some(Reply::message_accepted()));
    }
}
