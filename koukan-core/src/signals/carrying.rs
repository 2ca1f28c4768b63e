//! Reading and writing durable signals.

use std::sync::{Arc, MutexGuard, PoisonError};

use serde::Serialize;

use super::{
    AlreadySet, Carried, DurableSignal, SetDurableError, Signals, TraceId, UndecodedSignal,
    durable::{decode, encode},
};

/// The signal with the result of SPF.
const SPF: &str = "spf";

impl Signals {
    /// Writes a durable signal.
    ///
    /// It goes with whatever is stored or sent afterwards. A transaction is stored when it is taken
    /// into custody, at the end of its message or before. Another agent gets the signals that are set
    /// before the recipients are sent to it.
    ///
    /// # Errors
    ///
    /// [`SetDurableError`]; the signals are unchanged.
    pub fn set_durable<T: DurableSignal>(&self, value: &T) -> Result<(), SetDurableError> {
        self.write_durable(T::NAME, encode(T::NAME, value)?)
    }

    fn write_durable(&self, name: &str, json: Arc<str>) -> Result<(), SetDurableError> {
        let already_set = || AlreadySet(name.to_owned().into());
        let trunk = self.0.trunk.as_ref();
        if name == Carried::TRACE_ID || trunk.is_some_and(|trunk| trunk.json(name).is_some()) {
            return Err(already_set().into());
        }
        let mut durable = self.durable();
        if durable.json(name).is_some() {
            return Err(already_set().into());
        }
        match durable.insert(name, json) {
            true => Ok(()),
            false => Err(SetDurableError::TooLarge { name: name.into() }),
        }
    }

    /// As [`Signals::set_durable`], for a name that is not known at compile time.
    pub(crate) fn set_durable_as(
        &self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), SetDurableError> {
        self.write_durable(name, encode(name, value)?)
    }

    /// Whether SPF has passed, where a filter has checked it.
    pub(crate) fn is_spf_pass(&self) -> Option<bool> {
        let spf = self.durable_json(SPF)?;
        Some(spf["result"] == "pass")
    }

    /// Whether there is a durable signal of that name.
    pub(crate) fn has_durable(&self, name: &str) -> bool {
        self.json(name).is_some()
    }

    /// The durable signal of that name, if it is set, as JSON.
    pub fn durable_json(&self, name: &str) -> Option<serde_json::Value> {
        let json = self.json(name)?;
        serde_json::from_str(&json).ok()
    }

    /// Reads a durable signal, if it is set.
    ///
    /// # Errors
    ///
    /// [`UndecodedSignal`] where the signal has another form.
    pub fn find_durable<T: DurableSignal>(&self) -> Result<Option<T>, UndecodedSignal> {
        self.json(T::NAME).map(|json| decode(&json)).transpose()
    }

    /// All current durable signals, and the trace id.
    pub fn carried(&self) -> Carried {
        self.carried_values().with_trace_id(Some(TraceId::of(self)))
    }

    /// All current durable signals, without the trace id.
    pub(crate) fn carried_values(&self) -> Carried {
        let own = self.durable().clone();
        match &self.0.trunk {
            Some(trunk) => own.over(trunk.carried_values()),
            None => own,
        }
    }

    /// Adds signals that another agent sends later. Signals that are set stay.
    pub(crate) fn add_carried(&self, carried: Carried) {
        let mut durable = self.durable();
        *durable = durable.clone().over(carried.with_trace_id(None));
    }

    fn json(&self, name: &str) -> Option<Arc<str>> {
        let own = self.durable().json(name).cloned();
        own.or_else(|| self.0.trunk.as_ref()?.json(name))
    }

    fn durable(&self) -> MutexGuard<'_, Carried> {
        let durable = self.0.durable.lock();
        durable.unwrap_or_else(PoisonError::into_inner)
    }
}
