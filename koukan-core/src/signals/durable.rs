//! Signals that accompany a transaction: the trait [`DurableSignal`], and their stored form.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{AlreadySet, TraceId};

/// A signal that goes wherever its transaction goes: through the Exploder to every leg, into the
/// backend and so to attempts after a restart, and by REST to another agent (`filter_output`).
///
/// It is known by its name and carried as JSON. An agent that does not know the name carries it as
/// well.
///
/// # Example
///
/// ```
/// use koukan_core::signals::{DurableSignal, Signals};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct Spf {
///     result: String,
/// }
///
/// impl DurableSignal for Spf {
///     const NAME: &'static str = "spf";
/// }
///
/// let signals = Signals::default();
/// let pass = Spf { result: "pass".into() };
/// signals.set_durable(&pass)?;
/// assert_eq!(signals.branch().find_durable::<Spf>()?, Some(pass));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait DurableSignal: Serialize + DeserializeOwned {
    /// Its name: that of the filter that sets it, in lower case with `_` between words. `trace_id`
    /// is reserved.
    const NAME: &'static str;
}

/// The largest size of all durable signals of a transaction as JSON, including names, in octets.
///
/// They are kept in memory while the transaction is worked on, even if a stranger has set them.
pub const CARRIED_MAX: usize = 64 << 10;

/// Why a durable signal cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetDurableError {
    /// It was written before.
    #[error(transparent)]
    AlreadySet(#[from] AlreadySet),
    /// It cannot be written as JSON.
    #[error("signal {name} cannot be written as JSON")]
    NotEncoded {
        /// Its name.
        name: Box<str>,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// All durable signals together would be too large.
    #[error("signal {name} is too large: all together may have {CARRIED_MAX} octets")]
    TooLarge {
        /// Its name.
        name: Box<str>,
    },
}

/// A durable signal does not have the expected form: another version of a filter, or another agent,
/// has written it.
#[derive(Debug, thiserror::Error)]
#[error("signal {name} cannot be understood")]
pub struct UndecodedSignal {
    /// Its name.
    pub name: &'static str,
    #[source]
    source: serde_json::Error,
}

/// The durable signals of a transaction at one moment, as backends store them and agents exchange
/// them.
///
/// Clones share them. Without any signals nothing is allocated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    trace_id: Option<TraceId>,
    send_at: Option<Timestamp>,
    values: Option<Arc<Values>>,
}

/// JSON by names.
type Values = BTreeMap<Box<str>, Arc<str>>;

impl Carried {
    /// The name of the trace id.
    pub const TRACE_ID: &'static str = "trace_id";

    /// Only the id of the message.
    pub fn of_trace(trace_id: TraceId) -> Self {
        Self {
            trace_id: Some(trace_id),
            ..Self::default()
        }
    }

    /// The signals that another agent sent or a backend stored, by name.
    pub fn from_map(mut map: Map<String, Value>) -> Self {
        let trace_id = map.remove(Self::TRACE_ID).and_then(|value| {
            let trace_id = value.as_str().and_then(|id| id.parse().ok());
            if trace_id.is_none() {
                // Then the message gets a new id.
                tracing::warn!(signal = Self::TRACE_ID, "a signal cannot be understood");
            }
            trace_id
        });
        let values = map.into_iter();
        let values = values.map(|(name, value)| (name.into(), value.to_string().into()));
        let values = Some(values.collect::<Values>());
        Self {
            trace_id,
            send_at: None,
            values: values.filter(|values| !values.is_empty()).map(Arc::new),
        }
    }

    /// Checks that a transaction may have them.
    ///
    /// # Errors
    ///
    /// [`TooMuchCarried`].
    pub fn check(&self) -> Result<(), TooMuchCarried> {
        match self.octets() > CARRIED_MAX {
            true => Err(TooMuchCarried),
            false => Ok(()),
        }
    }

    /// The signals by their names.
    pub fn to_map(&self) -> Map<String, Value> {
        let values = self.values.iter().flat_map(|values| values.iter());
        let values = values.map(|(name, json)| {
            // It was serialised by whoever set it.
            let value = serde_json::from_str(json).unwrap_or_default();
            (String::from(&**name), value)
        });
        let trace_id = self.trace_id.map(|id| id.to_string().into());
        let trace_id = trace_id.map(|id| (Self::TRACE_ID.to_owned(), id));
        values.chain(trace_id).collect()
    }

    /// The trace id, where it differs from the identity of the transaction.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// Sets the id of the message.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: Option<TraceId>) -> Self {
        self.trace_id = trace_id;
        self
    }

    /// The earliest time of sending (see [`SendAt`](super::SendAt)); only for the backend, and not
    /// sent to others.
    pub fn send_at(&self) -> Option<Timestamp> {
        self.send_at
    }

    /// Sets when the transaction is sent at the earliest.
    #[must_use]
    pub fn with_send_at(mut self, send_at: Option<Timestamp>) -> Self {
        self.send_at = send_at;
        self
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn octets(&self) -> usize {
        let values = self.values.iter().flat_map(|values| values.iter());
        values.map(|(name, json)| name.len() + json.len()).sum()
    }

    pub(super) fn json(&self, name: &str) -> Option<&Arc<str>> {
        self.values.as_ref()?.get(name)
    }

    /// Adds a signal that is not set; `false` where there is no room.
    pub(super) fn insert(&mut self, name: &str, json: Arc<str>) -> bool {
        if self.octets() + name.len() + json.len() > CARRIED_MAX {
            return false;
        }
        Arc::make_mut(self.values.get_or_insert_default()).insert(name.into(), json);
        true
    }

    /// These, and those of `others` that are not set here.
    pub(crate) fn over(mut self, others: Self) -> Self {
        self.values = match (self.values, others.values) {
            (Some(mut own), Some(others)) => {
                let values = Arc::make_mut(&mut own);
                for (name, json) in others.iter() {
                    values
                        .entry(name.clone())
                        .or_insert_with(|| Arc::clone(json));
                }
                Some(own)
            }
            (own, others) => own.or(others),
        };
        self
    }
}

/// Signals that another agent told are too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signals may have {CARRIED_MAX} octets together")]
pub struct TooMuchCarried;

pub(super) fn encode(name: &str, value: &impl Serialize) -> Result<Arc<str>, SetDurableError> {
    let json = serde_json::to_string(value).map_err(|source| SetDurableError::NotEncoded {
        name: name.into(),
        source,
    })?;
    Ok(json.into())
}

pub(super) fn decode<T: DurableSignal>(json: &str) -> Result<T, UndecodedSignal> {
    serde_json::from_str(json).map_err(|source| UndecodedSignal {
        name: T::NAME,
        source,
    })
}
