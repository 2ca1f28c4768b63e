//! Memory that is held outside of blobs.

use crate::shares::{Charge, Client};

use super::{Blob, BlobError, BlobPool, charges::Charges};

/// Memory for octets of a message that are held outside of blobs, as by a filter that wants to see
/// all of it; dropped, it is given back.
#[derive(Debug)]
#[must_use = "the memory is given back when this is dropped"]
pub struct HeldOctets {
    /// `None` once a blob has them.
    charges: Option<Charges>,
    octets: u64,
    pool: BlobPool,
    is_agent: bool,
    /// The right to more than is granted.
    oversize: Option<Charge<Client>>,
}

impl HeldOctets {
    pub(super) fn new(charges: Charges, pool: BlobPool, is_agent: bool) -> Self {
        Self {
            charges: Some(charges),
            octets: 0,
            pool,
            is_agent,
            oversize: None,
        }
    }

    /// Charges so many octets more.
    ///
    /// # Errors
    ///
    /// [`BlobError::Full`].
    pub fn add(&mut self, octets: u64) -> Result<(), BlobError> {
        self.octets += octets;
        let step = self.pool.0.limits.window;
        let charges = self.charges.as_mut();
        if self.oversize.is_some()
            || charges.is_none_or(|charges| charges.cover_memory(self.octets, step))
        {
            return Ok(());
        }
        // What was promised must not wait for ever since it is larger than the reserve: one at a time
        // may be.
        if self.is_agent {
            self.oversize = self.pool.0.budget.oversize();
        }
        match self.oversize {
            Some(_) => Ok(()),
            None => Err(BlobError::Full),
        }
    }

    /// Gives back what was charged in excess: there will be no more octets.
    pub fn end(&mut self) {
        if let Some(charges) = &mut self.charges {
            charges.shrink_to(self.octets, 0);
        }
    }

    /// Has a blob pay for them from now on, which holds them: unless it pays for what it holds already.
    pub(crate) fn hand_to(&mut self, blob: &Blob) {
        self.charges = self.charges.take().and_then(|charges| blob.0.pay(charges));
    }
}
