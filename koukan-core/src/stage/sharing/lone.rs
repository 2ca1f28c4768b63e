//! A member that shares with nobody.

use std::{sync::Arc, task::Waker};

use crate::{
    body::Body,
    reply::Reply,
    signals::Departure,
    transaction::{Command, Lender, Rcpt, Slot, Watch},
    waking::keep,
};

use super::state::{MAIL, State};

/// The only member of a group, with one recipient: the usual case, which must be cheap.
///
/// The endpoint gets the member's own slots, and answers them as if there were no group. The slots
/// are watched: if another recipient comes, the answers so far are known, and later ones come to the
/// group. So a [`State`] can replace this at any time.
pub(super) struct Lone {
    /// The beginning of the call, until it is made.
    envelope: Option<(Slot, Command<Rcpt>)>,
    /// The answer to MAIL.
    mail: Watch,
    /// The answer to RCPT.
    answer: Watch,
    rcpt: Rcpt,
    has_all_recipients: bool,
    /// Until the endpoint gets it.
    body: Option<Body>,
    departure: Option<Arc<Departure>>,
    is_started: bool,
    /// Whether the endpoint has refused the recipient, and was told that there are no others.
    is_vain: bool,
    waiting: Option<Waker>,
}

/// What is to be done next.
pub(super) enum Step {
    /// Begin the call.
    Begin(Slot, Command<Rcpt>),
    /// Start the message, once all copies of it are here.
    Start,
    /// Say that there are no more recipients.
    Close,
    /// Let the endpoint go on.
    Poll,
}

impl Lone {
    /// For a transaction whose first recipient this is.
    ///
    /// # Errors
    ///
    /// Returns the commands where the case is not simple: other recipients were refused before, or
    /// somebody else sees the answers.
    pub(super) fn new(
        mail: Slot,
        rcpt: Command<Rcpt>,
        departure: Option<Arc<Departure>>,
    ) -> Result<Self, (Slot, Command<Rcpt>)> {
        let watches = mail.watch().zip(rcpt.watch());
        let Some((mail_answer, answer)) = watches.filter(|_| rcpt.position() == 0) else {
            return Err((mail, rcpt));
        };
        Ok(Self {
            rcpt: rcpt.request().clone(),
            envelope: Some((mail, rcpt)),
            mail: mail_answer,
            answer,
            has_all_recipients: false,
            body: None,
            departure,
            is_started: false,
            is_vain: false,
            waiting: None,
        })
    }

    /// Whether the message has started, so that no other recipient can come.
    pub(super) fn is_started(&self) -> bool {
        self.is_started
    }

    pub(super) fn has_all_recipients(&mut self) {
        self.has_all_recipients = true;
    }

    pub(super) fn give(&mut self, body: Body) {
        self.body = Some(body);
    }

    pub(super) fn step(&mut self) -> Step {
        if let Some((mail, rcpt)) = self.envelope.take() {
            return Step::Begin(mail, rcpt);
        }
        if self.body.is_some() {
            return Step::Start;
        }
        if self.has_all_recipients && !self.is_vain && self.answer.is_positive() == Some(false) {
            self.is_vain = true;
            return Step::Close;
        }
        Step::Poll
    }

    /// Starts the message: nobody can join any more.
    pub(super) fn start(&mut self) -> Option<Body> {
        self.is_started = true;
        self.body.take()
    }

    /// Whether only the message is missing.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_started && self.answer.is_positive() == Some(true)
    }

    /// Whether its recipient was accepted.
    pub(super) fn is_accepted(&self) -> bool {
        self.answer.is_positive() == Some(true)
    }

    /// Registers the member's waker for when another task takes its call; as [`keep`].
    pub(super) fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        keep(&mut self.waiting, waker)
    }

    /// Ends with the call's reply. Returns the member's reply.
    pub(super) fn end(&mut self, reply: &Reply) -> Reply {
        self.is_started = true;
        match self.answer.answer() {
            Some(answer) if answer.is_negative() => answer,
            Some(_) => reply.for_recipient(0).clone().without_final_replies(),
            None => reply.to_unanswered(Some(0)),
        }
    }

    /// The state in the form for several members. Answers that are still to come go to `lender`.
    pub(super) fn spread(mut self, lender: &Arc<dyn Lender>) -> State {
        let mut state = match self.envelope {
            Some((mail, rcpt)) => State::begin(mail, rcpt, None),
            None => {
                let mail_reply = self.mail.lend(lender, [0, MAIL]);
                let answer = self.answer.lend(lender, [0, 0]);
                State::begun(mail_reply, self.rcpt, answer, self.is_vain)
            }
        };
        for member in &mut state.members {
            member.has_all_recipients = self.has_all_recipients;
            member.has_body = self.body.is_some();
            member.body = self.body.take();
            member.waiting = self.waiting.take();
            member.departure = self.departure.take();
        }
        state
    }
}
