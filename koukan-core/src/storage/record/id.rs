//! Identities in storage.

use std::{fmt, str::FromStr};

use crate::id::{InvalidId, RandomId};

/// The identity of a transaction: unguessable, and in text form the queue id in trace headers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(RandomId);

/// The identity of one run of a process that works on a backend; its leases end with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(RandomId);

macro_rules! identity {
    ($name:ident) => {
        impl $name {
            /// A new identity.
            pub fn random() -> Self {
                Self(RandomId::new())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

identity!(TransactionId);
identity!(SessionId);
