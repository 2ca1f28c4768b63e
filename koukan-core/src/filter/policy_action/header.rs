//! The header section of a message, for rules.

use std::sync::Arc;

use crate::{
    blob::{Account, HeldOctets},
    body::{Body, BodyError},
    message::header_section::HeaderSection,
    signals::Signals,
};

/// A header section, and the memory that it is charged to.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) section: HeaderSection,
    _held: Option<HeldOctets>,
}

impl Header {
    /// Reads the header section of a body. Rules share it, if nobody has changed the body between
    /// them.
    pub(super) async fn read(
        body: Body,
        signals: &Signals,
    ) -> Result<(Body, Arc<Self>), BodyError> {
        let mut held = signals.account().map(Account::hold);
        let (body, octets) = body.with_header_section(held.as_mut()).await?;
        if let Some(first) = signals.find::<Arc<Self>>()
            && *first.section.octets() == octets
        {
            return Ok((body, Arc::clone(&first)));
        }
        if let Some(held) = &mut held {
            held.end();
        }
        let header = Arc::new(Self {
            section: HeaderSection::parse(octets),
            _held: held,
        });
        // Of those after the first each rule has its own.
        let _ = signals.set(Arc::clone(&header));
        Ok((body, header))
    }
}
