//! Commits transactions to the durable tier, all or none.

use std::{mem, sync::Arc};

use crate::supervision::contain;

use super::{
    BackendError, Custody, CustodyError, Storage,
    conclude::{beside_others, conclude},
    doubt::Doubt,
    live::{Durability, Side},
    message_keys::same_message,
    record::{
        Commit, FinalReason, IdempotencyKey, MessageKey, NewBody, NewTransaction, Recipient,
        SessionId, Status, Terms,
    },
};

/// The fencing token of a transaction that is committed under lease.
pub(super) const FENCE: u64 = 1;

/// The result of an earlier commit is not known yet.
#[derive(Debug, thiserror::Error)]
#[error("it is not known yet whether an earlier commit was written")]
struct InDoubt;

/// A transaction that is being committed.
pub(super) struct Member {
    pub(super) custody: Custody,
    /// Its previous durability.
    pub(super) before: Durability,
    status: Status,
    /// The recipients after an attempt that has ended; `None` where one is under way.
    pub(super) settled: Option<Vec<Recipient>>,
    pub(super) has_key: bool,
    /// The session that holds the lease under which it is committed.
    session: SessionId,
}

impl Storage {
    /// Commits transactions of this storage together. Those that upstream has accepted meanwhile are
    /// left out. The first has the idempotency key.
    pub(super) async fn commit(
        &self,
        custodies: Vec<Custody>,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        let is_written = |custody: &Custody| custody.live().lock().doubt == Doubt::Written;
        if custodies.iter().any(is_written) {
            // This repeats that commit.
            return Ok(());
        }
        let (members, commits) = self.members(custodies, terms, idempotency_key).await?;
        let Some(first) = members.first() else {
            return Ok(());
        };
        let mut written = contain(self.write(commits))
            .await
            .unwrap_or_else(|loss| Err(BackendError::of_loss(&loss)));
        let mut is_known = true;
        if let Err(BackendError::Failed(_)) = &written {
            // It may have been written, and only the answer lost. One transaction tells for all.
            match self.has(first.custody.live()).await {
                Ok(true) => written = Ok(()),
                Ok(false) => {}
                Err(_) => is_known = false,
            }
        }
        if let Err(error) = written {
            for member in members {
                match is_known {
                    true => self.put_back(&member),
                    false => self.doubt(member, terms),
                }
            }
            return Err(error.into());
        }
        for member in members {
            member.custody.forgo();
            self.committed(member, terms);
        }
        Ok(())
    }

    /// What to commit for transactions of this storage, except those that upstream has accepted meanwhile. From here on
    /// nobody else changes them: they are to be put back if they are not written.
    ///
    /// # Cancel safety
    ///
    /// It must not be dropped.
    pub(super) async fn members(
        &self,
        custodies: Vec<Custody>,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(Vec<Member>, Vec<Commit>), CustodyError> {
        let mut bodies = Vec::with_capacity(custodies.len());
        for custody in &custodies {
            let body = custody.live().lock().body.clone();
            let body = self.persist(body.ok_or(CustodyError::Incomplete)?).await?;
            bodies.push(body.ok_or(CustodyError::Incomplete)?);
        }
        let keys = same_message(&bodies);
        let mut members = Vec::with_capacity(custodies.len());
        let mut commits = Vec::with_capacity(custodies.len());
        // Two transactions of a sender cannot have the same key; the first one's leads to the
        // others.
        let mut idempotency_key = idempotency_key.as_ref();
        for ((custody, body), message_key) in custodies.into_iter().zip(bodies).zip(keys) {
            let message = (body, message_key);
            match self.member(custody, terms, message, idempotency_key.take()) {
                Ok((member, commit)) if is_delivered(&member) => {
                    drop(commit);
                    self.delivered_meanwhile(&member).await;
                }
                Ok((member, commit)) => {
                    members.push(member);
                    commits.push(commit);
                }
                Err(error) => {
                    members
                        .into_iter()
                        .for_each(|member| self.put_back(&member));
                    return Err(error);
                }
            }
        }
        Ok((members, commits))
    }

    async fn write(&self, mut commits: Vec<Commit>) -> Result<(), BackendError> {
        if commits.len() > 1 {
            return self.backend().commit(commits).await;
        }
        match commits.pop() {
            Some(Commit::Insert(new)) => self.backend().insert(new).await,
            Some(Commit::Complete(new)) => self.backend().complete(new).await,
            None => Ok(()),
        }
    }

    /// What to commit for a transaction. From here on the committer writes the outcome of the attempt.
    fn member(
        &self,
        custody: Custody,
        terms: Terms,
        (body, message_key): (NewBody, Option<MessageKey>),
        idempotency_key: Option<&IdempotencyKey>,
    ) -> Result<(Member, Commit), CustodyError> {
        let live = Arc::clone(custody.live());
        let mail = live.mail().ok_or(CustodyError::Incomplete)?;
        let mut state = live.lock();
        let before = state.durability;
        let is_open = matches!(before, Durability::Volatile | Durability::Draft);
        if before == Durability::Committing && state.doubt == Doubt::Open {
            return Err(BackendError::Failed(InDoubt.into()).into());
        }
        if !is_open || state.is_cancelled {
            return Err(CustodyError::Gone);
        }
        let mut recipients = state.recipients.clone();
        let (status, attempts) = match &state.end {
            Some(end) => {
                let status = conclude(&mut recipients, end, terms, &mail.reverse_path);
                // Failures while the client waited are notified together, however long that took.
                let status = beside_others(status, message_key, self.clock().now());
                (status, vec![(*end.attempt).clone()])
            }
            None => (self.due_first(&live), Vec::new()),
        };
        let is_attempted = attempts.is_empty() && !state.is_abandoned;
        state.durability = Durability::Committing;
        state.message_key = message_key;
        drop(state);
        let member = Member {
            custody,
            before,
            status: status.clone(),
            settled: (!is_attempted).then(|| recipients.clone()),
            has_key: idempotency_key.is_some(),
            session: self.session(),
        };
        let new = NewTransaction {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            signals: live.carried(),
            mail: mail.clone(),
            recipients,
            body: Some(body),
            message_key,
            terms,
            leased_by: is_attempted.then_some(member.session),
            attempts,
            status,
            idempotency_key: idempotency_key.cloned(),
        };
        let commit = match before {
            Durability::Draft => Commit::Complete(new),
            _ => Commit::Insert(new),
        };
        Ok((member, commit))
    }

    /// Continues after upstream has accepted the message before the commit.
    async fn delivered_meanwhile(&self, member: &Member) {
        let live = member.custody.live();
        member.custody.forgo();
        live.update(Side::Reader, |state| {
            state.durability = Durability::Volatile;
            state.settle(member.status.clone())
        });
        self.summarise_first(Arc::clone(live)).await;
    }

    /// Continues after nothing was written.
    pub(super) fn put_back(&self, member: &Member) {
        let (live, before) = (member.custody.live(), member.before);
        let over = live.update(Side::Reader, |state| {
            // Otherwise a draft that is being given up was leased meanwhile.
            if state.durability != Durability::Committing {
                return None;
            }
            state.durability = before;
            let is_cancelled = before == Durability::Volatile && state.is_cancelled;
            is_cancelled.then(|| state.cancel_uncommitted()).flatten()
        });
        if let Some(status) = over {
            self.report_uncommitted(live, &status);
        }
        if before == Durability::Draft {
            // A cancellation meanwhile was left to this commit.
            self.cancel_late_in_background(Arc::clone(live));
        }
    }

    /// Continues after the transaction is in the durable tier: with the results of an attempt that has
    /// ended, or under a lease.
    pub(super) fn committed(&self, member: Member, terms: Terms) {
        let Member {
            custody,
            before: durability,
            status,
            settled,
            session,
            ..
        } = member;
        let live = custody.live();
        let (end, is_abandoned, given_up, before) = live.update(Side::Reader, |state| {
            state.terms = terms;
            let given_up = state.status.clone().filter(|_| state.is_final());
            let before = settled.map(|settled| {
                if state.durability != Durability::Committing {
                    // It has been leased meanwhile, and continues from there.
                    return state.recipients.clone();
                }
                state.durability = Durability::Settled;
                state.settle(status.clone());
                mem::replace(&mut state.recipients, settled)
            });
            if before.is_none() {
                if durability == Durability::Draft {
                    // Its message is there, so it is no longer given up.
                    state.settle(status.clone());
                }
                // Read now: a session that begins later finds what is leased.
                state.is_lost = session != self.session();
                state.durability = Durability::Leased {
                    fence: FENCE,
                    terms,
                };
            }
            (state.end.clone(), state.is_abandoned, given_up, before)
        });
        if let Some(before) = before {
            self.report_kept(live, &before, &status, end.as_ref());
            self.due_changed(live, &status);
            self.cancel_late_in_background(Arc::clone(live));
        } else if let Some(end) = end {
            // The end of an attempt during the commit could not be settled then.
            self.settling(live, end).write_in_background();
        } else if is_abandoned {
            match given_up {
                // Neither could giving up.
                Some(status) => self.postponing(live, FENCE, status).write_in_background(),
                None => self.releasing(live, FENCE).write_in_background(),
            }
        }
    }
}

fn is_delivered(member: &Member) -> bool {
    member.status == Status::Final(FinalReason::Delivered) && member.before == Durability::Volatile
}
