//! Adds to a transaction that is made step by step.

use std::sync::Arc;

use crate::{
    resource::{Append, Caller, Draft, Refusal, RefusalKind, ResourceResponse, Version},
    transaction::Rcpt,
};

use super::{
    create::{carried, check_carried, check_promises},
    open_transaction::{OpenTransaction, Progress},
    refusals::over,
    service::Shared,
    view::Shown,
};

impl Shared {
    pub(super) async fn append(
        self: &Arc<Self>,
        caller: &Caller,
        append: Append,
    ) -> Result<ResourceResponse, Refusal> {
        let mut watch = self.find_at(caller, &append.transaction).await?;
        let Some(transaction) = self.registry.find(watch.id()) else {
            let snapshot = watch.snapshot();
            return Err(match snapshot.final_reason {
                Some(reason) => over(reason),
                None => not_incremental(),
            });
        };
        if !transaction.is_incremental() {
            return Err(not_incremental());
        }
        transaction.touch();
        check_promises(&append.draft)?;
        self.check_hold(transaction.dialect, &append.draft)?;
        if !append.draft.is_empty() {
            let mut progress = transaction.changing.lock().await;
            let snapshot = watch.snapshot();
            if let Some(reason) = snapshot.final_reason {
                return Err(over(reason));
            }
            check_version(append.if_match.as_ref(), &Shown::of(&snapshot).version)?;
            self.add(caller, &transaction, &mut progress, append)
                .await?;
        }
        Ok(Shown::of(&watch.snapshot()).into())
    }

    async fn add(
        self: &Arc<Self>,
        caller: &Caller,
        transaction: &OpenTransaction,
        progress: &mut Progress,
        append: Append,
    ) -> Result<(), Refusal> {
        let Append {
            draft,
            rcpt_to_list_offset,
            ..
        } = append;
        let Draft {
            mail_from,
            rcpt_to,
            body,
            filter_output,
            ..
        } = draft;
        let mut watch = transaction.recorder.watch();
        let snapshot = watch.snapshot();
        let news = new_recipients(&snapshot.recipients, rcpt_to, rcpt_to_list_offset)?;
        if !news.is_empty() && progress.has_body {
            let detail = "the message has begun: there can be no more recipients";
            return Err(Refusal::new(RefusalKind::Conflict, detail).at("rcpt_to"));
        }
        self.check_count(snapshot.recipients.len() + news.len())?;
        if body.is_some() && progress.has_body {
            let detail = "the transaction has a body already";
            return Err(Refusal::new(RefusalKind::Conflict, detail).at("body"));
        }
        let told = carried(caller, filter_output)?;
        check_carried(&snapshot.signals.clone().over(told.clone()))?;
        let sender = &snapshot.context.sender.name;
        let mut source = match body {
            Some(body) => {
                let account = transaction.recorder.account();
                Some(self.source(caller, sender, body, account).await?)
            }
            None => None,
        };
        if let Some(source) = &mut source {
            source.originate(mail_from.as_ref().or(snapshot.mail.as_ref()))?;
        }
        // From here on nothing is refused: either all of it is added or nothing is.
        if let Some(mail) = mail_from
            && *transaction.recorder.mail(mail.clone()) != mail
        {
            let detail = "the transaction has another mail_from already";
            return Err(Refusal::new(RefusalKind::Conflict, detail).at("mail_from"));
        }
        // The signals are there before the recipients they are about.
        if !told.is_empty() {
            transaction.recorder.signals(told);
        }
        for rcpt in news {
            transaction.recorder.rcpt(rcpt);
        }
        if let Some(source) = source {
            progress.has_body = true;
            self.set_body(transaction, source);
        }
        Ok(())
    }
}

fn not_incremental() -> Refusal {
    Refusal::malformed(
        "the sender's transactions are not made step by step: give mail_from and rcpt_to with the create, and upload the message",
    )
}

fn check_version(if_match: Option<&Version>, current: &Version) -> Result<(), Refusal> {
    match if_match {
        None => Err(Refusal::new(
            RefusalKind::VersionMissing,
            "If-Match is missing: give the ETag of the version that is changed",
        )),
        Some(given) if given == current || given.as_str() == "*" => Ok(()),
        Some(_) => Err(Refusal::new(
            RefusalKind::VersionMismatch,
            "the transaction has changed: read it again and repeat",
        )),
    }
}

/// The recipients that are not known yet.
fn new_recipients(
    known: &[Rcpt],
    given: Vec<Rcpt>,
    offset: Option<usize>,
) -> Result<Vec<Rcpt>, Refusal> {
    let offset = offset.unwrap_or(known.len());
    let at = "rcpt_to_list_offset";
    if offset > known.len() {
        let detail = format!("there are {} recipients so far", known.len());
        return Err(Refusal::malformed(detail).at(at));
    }
    let mut news = Vec::new();
    for (position, rcpt) in (offset..).zip(given) {
        match known.get(position) {
            None => news.push(rcpt),
            Some(there) if *there == rcpt => {}
            Some(_) => {
                let detail = format!("recipient {position} is another one already");
                return Err(Refusal::new(RefusalKind::Conflict, detail).at(at));
            }
        }
    }
    Ok(news)
}
