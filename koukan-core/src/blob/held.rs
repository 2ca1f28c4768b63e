//! Memory for octets outside of blobs.

use crate::shares::{Charge, Client};

use super::{Blob, BlobError, BlobPool, charges::Charges};

/// A charge for octets of a message that are held outside of blobs, for example by a filter that
/// needs the whole message. Dropping it gives them back.
#[derive(Debug)]
#[must_use = "the memory is given back when this is dropped"]
pub struct HeldOctets {
    /// `None` once a blob has taken them over.
    charges: Option<Charges>,
    octets: u64,
    pool: BlobPool,
    is_agent: bool,
    /// The right to exceed what is granted.
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

    /// Charges `octets` more.
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
        // A promised message must not wait for ever because it is larger than the reserve: one at a
        // time may exceed it.
        if self.is_agent {
            self.oversize = self.pool.0.budget.oversize();
        }
        match self.oversize {
            Some(_) => Ok(()),
            None => Err(BlobError::Full),
        }
    }

    /// Gives back the excess: no more octets will come.
    pub fn end(&mut self) {
        if let Some(charges) = &mut self.charges {
            charges.shrink_to(self.octets, 0);
        }
    }

    /// Lets a blob that holds the octets pay for them from now on, unless it pays already.
    pub(crate) fn hand_to(&mut self, blob: &Blob) {
        self.charges = self.charges.take().and_then(|charges| blob.0.pay(charges));
    }
}
