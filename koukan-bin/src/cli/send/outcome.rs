//! The outcome of a message for one recipient.

use koukan_core::{
    reply::Reply,
    resource::{Location, Refusal, View},
};
use serde_json::json;

use crate::cli::printed::say;

/// The outcome of a message for one recipient.
#[derive(Debug)]
pub(super) struct Outcome {
    to: String,
    state: State,
    told: String,
    location: Option<Location>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Delivered,
    /// Kept by the agent, which will try again.
    Queued,
    Failed,
    /// The agent did not accept it.
    Refused,
    /// The agent could not be asked, or the request did not finish.
    Unknown,
}

impl Outcome {
    pub(super) fn refused(to: String, refusal: &Refusal) -> Self {
        Self {
            to,
            state: State::Refused,
            told: refusal.to_string(),
            location: None,
        }
    }

    pub(super) fn unknown(to: String, error: &(dyn std::error::Error + 'static)) -> Self {
        Self {
            to,
            state: State::Unknown,
            told: error.to_string(),
            location: None,
        }
    }

    pub(super) fn of(to: String, location: Location, view: &View) -> Self {
        let replies = [&view.data_response, &view.mail_response];
        let rcpt = view.rcpt_response.first();
        let deciding = rcpt.filter(|reply| reply.is_negative());
        let deciding = deciding.or_else(|| replies.into_iter().flatten().next());
        let state = match (&view.data_response, view.is_final()) {
            (Some(reply), _) if reply.is_positive() => State::Delivered,
            (_, false) => State::Queued,
            (_, true) => State::Failed,
        };
        let reason = view.final_attempt_reason.as_deref();
        let told = deciding.map(Reply::to_string);
        Self {
            to,
            state,
            told: told
                .or_else(|| reason.map(str::to_owned))
                .unwrap_or_default(),
            location: Some(location),
        }
    }

    /// Whether the message was delivered, or is queued for delivery.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.state, State::Delivered | State::Queued)
    }
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Prints outcomes as a table, or as one JSON object in each line.
pub(super) fn print(outcomes: &[Outcome], is_json: bool) {
    let width = outcomes.iter().map(|outcome| outcome.to.chars().count());
    let width = width.max().unwrap_or_default();
    for outcome in outcomes {
        let Outcome {
            to, state, told, ..
        } = outcome;
        let state = state.as_str();
        if is_json {
            let location = outcome.location.as_ref().map(Location::as_str);
            let line = json!({"to": to, "state": state, "reply": told, "transaction": location});
            say(line);
        } else {
            say(format_args!("{to:width$}  {state:9}  {told}"));
        }
    }
}
