//! The findings of filters about a transaction: the write-once map [`Signals`].
//!
//! | signal | set by | goes |
//! |---|---|---|
//! | any type | [`Signals::set`] | nowhere: it is read within the same transaction |
//! | a [`DurableSignal`] | [`Signals::set_durable`] | with the message to every leg, into the backend, by REST to another agent |
//! | the [`TraceId`] | there is one from the start | as a durable signal; also into logs, `Received` and the final reply |

mod carrying;
mod departure;
mod destination;
mod durable;
mod expansions;
mod forced;
mod handed_over;
mod hears_each;
mod next_sender;
mod parsed;
mod queued;
mod send_at;
mod settled;
mod tells_success;
mod tls_required;
mod trace_id;

pub use crate::host_port::{HostPort, InvalidHostPort};

pub use self::{
    departure::{Departure, Holding},
    destination::{Destination, NamedBy},
    durable::{
        CARRIED_MAX, Carried, DurableSignal, SetDurableError, TooMuchCarried, UndecodedSignal,
    },
    expansions::Expansions,
    forced::Forced,
    hears_each::HearsEach,
    next_sender::NextSender,
    parsed::Parsed,
    queued::Queued,
    send_at::SendAt,
    tells_success::TellsSuccess,
    tls_required::TlsRequired,
    trace_id::TraceId,
};

use std::{
    any::{Any, TypeId, type_name},
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::blob::Account;

pub(crate) use self::{
    departure::{Gone, Keeping, Leaving, Orders, Sharers, Stand},
    handed_over::HandedOver,
};

use self::settled::Settled;

/// A type that can be written into [`Signals`], at most once for each transaction.
pub trait Signal: Any + Send + Sync {}

impl<T: Any + Send + Sync> Signal for T {}

/// A map from types to one value each, shared by everybody who works on a transaction; and the
/// durable signals of its message, by name.
///
/// A value is written once and never changes, so it need not be read again. Clones share the map.
///
/// # Example
///
/// ```
/// use koukan_core::signals::Signals;
///
/// #[derive(Debug, PartialEq)]
/// struct SpamScore(u8);
///
/// let signals = Signals::default();
/// signals.set(SpamScore(3)).unwrap();
/// assert_eq!(signals.find::<SpamScore>().as_deref(), Some(&SpamScore(3)));
/// assert!(signals.set(SpamScore(9)).is_err());
/// ```
#[derive(Clone, Default)]
pub struct Signals(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<Entries>,
    /// Signals that were set here, or came with the transaction.
    durable: Mutex<Carried>,
    /// The signals of the transaction that this one is a part or an attempt of.
    trunk: Option<Signals>,
    trace_id: Settled<TraceId>,
    /// The account that the transaction's octets are charged to.
    account: Settled<Account>,
    /// Whether a transaction uses the trace id as its identity.
    is_claimed: AtomicBool,
    /// Where these are the signals of an attempt.
    departure: Option<Arc<Departure>>,
}

type Entries = Vec<(TypeId, &'static str, Arc<dyn Any + Send + Sync>)>;

/// The signal was written before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signal {0} is already set")]
pub struct AlreadySet(Cow<'static, str>);

impl Signals {
    /// The signals that came with a message, from another agent or a backend.
    pub fn of_carried(carried: Carried) -> Self {
        let trace_id = carried.trace_id();
        let send_at = carried.send_at().map(|at| {
            let at: Arc<dyn Any + Send + Sync> = Arc::new(SendAt::new(at));
            (TypeId::of::<SendAt>(), type_name::<SendAt>(), at)
        });
        Self(Arc::new(Shared {
            entries: Mutex::new(send_at.into_iter().collect()),
            durable: Mutex::new(carried.with_trace_id(None).with_send_at(None)),
            // Others have that message, too.
            is_claimed: AtomicBool::new(trace_id.is_some()),
            trace_id: Settled::of(trace_id),
            ..Shared::default()
        }))
    }

    /// The signals of a part of the transaction, or of an attempt. Durable signals that are set here,
    /// now or later, are visible there. Signals that are set there are not visible here.
    #[must_use]
    pub fn branch(&self) -> Self {
        Self(Arc::new(Shared {
            trunk: Some(self.clone()),
            trace_id: Settled::of(Some(TraceId::of(self))),
            account: Settled::of(self.account().cloned()),
            ..Shared::default()
        }))
    }

    /// The account that the transaction's octets are charged to, if it is set. Branches made
    /// afterwards have the same.
    pub fn account(&self) -> Option<&Account> {
        self.0.account.get()
    }

    /// Sets the account that the transaction's octets are charged to, unless it is set. Returns the
    /// current one.
    pub fn account_or(&self, account: impl FnOnce() -> Account) -> &Account {
        self.0.account.get_or(account)
    }

    /// Writes a signal.
    ///
    /// # Errors
    ///
    /// [`AlreadySet`] if there is a value of this type; it is unchanged.
    pub fn set<T: Signal>(&self, value: T) -> Result<(), AlreadySet> {
        let mut entries = self.lock();
        let id = TypeId::of::<T>();
        if entries.iter().any(|(other, ..)| *other == id) {
            return Err(AlreadySet(type_name::<T>().into()));
        }
        entries.push((id, type_name::<T>(), Arc::new(value)));
        Ok(())
    }

    /// Reads a signal, if it is set.
    pub fn find<T: Signal>(&self) -> Option<Arc<T>> {
        let id = TypeId::of::<T>();
        let found = {
            let entries = self.lock();
            let (.., value) = entries.iter().find(|(other, ..)| *other == id)?;
            Arc::clone(value)
        };
        found.downcast().ok()
    }

    /// As [`Signals::find`]; else the signal of the transaction that this is a part or an attempt of.
    pub(crate) fn find_above<T: Signal>(&self) -> Option<Arc<T>> {
        self.find().or_else(|| self.0.trunk.as_ref()?.find_above())
    }

    /// The trace id as the identity of a transaction; only once. It is made if there is none.
    pub(crate) fn claim_trace_id(&self, make: impl FnOnce() -> TraceId) -> Option<TraceId> {
        if let Some(trunk) = &self.0.trunk {
            return trunk.claim_trace_id(make);
        }
        let was_claimed = self.0.is_claimed.swap(true, Ordering::Relaxed);
        (!was_claimed).then(|| *self.0.trace_id.get_or(make))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        let entries = self.0.entries.lock();
        entries.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.lock().iter().map(|(_, name, _)| *name))
            .entries(self.carried_values().to_map().keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Spf(String);

    impl DurableSignal for Spf {
        const NAME: &'static str = "spf";
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct OtherSpf(u8);

    impl DurableSignal for OtherSpf {
        const NAME: &'static str = "spf";
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Dkim(u32);

    impl DurableSignal for Dkim {
        const NAME: &'static str = "dkim";
    }

    #[test]
    fn a_branch_sees_what_its_trunk_is_told_later_and_keeps_its_own() {
        let trunk = Signals::default();
        let [first, second] = [trunk.branch(), trunk.branch()];
        trunk.set_durable(&Spf("pass".into())).unwrap();
        first.set_durable(&Dkim(1)).unwrap();
        assert_eq!(
            first.find_durable::<Spf>().unwrap(),
            Some(Spf("pass".into()))
        );
        assert_eq!(first.find_durable::<Dkim>().unwrap(), Some(Dkim(1)));
        assert_eq!(second.find_durable::<Dkim>().unwrap(), None);
        assert_eq!(trunk.find_durable::<Dkim>().unwrap(), None);
        let names = |signals: &Signals| signals.carried_values().to_map().len();
        assert_eq!((names(&trunk), names(&first), names(&second)), (1, 2, 1));
    }

    #[test]
    fn a_durable_signal_is_written_once() {
        let trunk = Signals::default();
        trunk.set_durable(&Dkim(1)).unwrap();
        for signals in [trunk.clone(), trunk.branch()] {
            let error = signals.set_durable(&Dkim(2)).unwrap_err();
            assert_eq!(error.to_string(), "signal dkim is already set");
            assert_eq!(signals.find_durable::<Dkim>().unwrap(), Some(Dkim(1)));
        }
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let signals = Signals::default();
        signals.set_durable(&Spf("pass".into())).unwrap();
        let error = signals.find_durable::<OtherSpf>().unwrap_err();
        assert_eq!(error.to_string(), "signal spf cannot be understood");
        // It is there still.
        assert!(signals.find_durable::<Spf>().unwrap().is_some());
    }

    #[test]
    fn what_is_too_large_is_refused_and_named() {
        let signals = Signals::default();
        let error = signals.set_durable(&Spf("x".repeat(CARRIED_MAX)));
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("signal spf is too large"), "{text}");
        let mut map = serde_json::Map::new();
        map.insert("unknown".into(), "x".repeat(CARRIED_MAX).into());
        assert_eq!(Carried::from_map(map).check(), Err(TooMuchCarried));
    }

    #[test]
    fn a_trace_id_is_claimed_once_by_all_parts_of_a_message() {
        let trunk = Signals::default();
        let id = TraceId::of(&trunk);
        let [first, second] = [trunk.branch(), trunk.branch()];
        assert_eq!(first.claim_trace_id(TraceId::random), Some(id));
        assert_eq!(second.claim_trace_id(TraceId::random), None);
        assert_eq!(trunk.claim_trace_id(TraceId::random), None);
        assert_eq!(TraceId::of(&second.branch()), id);
        // One that was told is that of somebody else's transaction, too.
        let told = Signals::of_carried(trunk.carried());
        assert_eq!(TraceId::of(&told), id);
        assert_eq!(told.claim_trace_id(TraceId::random), None);
    }

    #[test]
    fn what_was_carried_is_what_comes_out() {
        let map = serde_json::json!({"unknown": {"a": [1, null]}, "trace_id": 7});
        let serde_json::Value::Object(mut map) = map else {
            panic!("it is an object");
        };
        let carried = Carried::from_map(map.clone());
        // An id that is none is not believed.
        map.remove("trace_id");
        assert_eq!(carried.to_map(), map);
        let signals = Signals::of_carried(carried);
        let id = TraceId::of(&signals).to_string();
        map.insert("trace_id".into(), id.into());
        assert_eq!(signals.carried().to_map(), map);
    }
}
