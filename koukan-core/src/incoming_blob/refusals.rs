//! Refusals of uploads.

use crate::{
    body::BodyError,
    resource::{Refusal, RefusalKind},
};

use super::IncomingBlob;

impl IncomingBlob {
    /// The upload is closed.
    pub(super) fn closed(&self) -> Refusal {
        if self.blob().len().is_some() {
            return self.wrong_range();
        }
        let detail = "what was uploaded could not be kept: create another transaction";
        Refusal::new(RefusalKind::Conflict, detail)
    }

    /// The octets do not begin where the blob ends.
    pub(super) fn wrong_range(&self) -> Refusal {
        let (len, total) = (self.received(), *self.lock_total());
        let detail = match total {
            Some(total) if total == len => {
                "the blob is complete: it cannot be written again".into()
            }
            _ => format!("the blob has {len} octets: go on from there"),
        };
        Refusal::new(RefusalKind::WrongRange { len, total }, detail)
    }

    pub(super) fn too_large(&self) -> Refusal {
        let detail = format!("there may be {} octets at most", self.max);
        Refusal::new(RefusalKind::TooLarge, detail)
    }
}

/// The range brings other octets than those that are there.
pub(super) fn other_octets(position: u64) -> Refusal {
    let detail = format!(
        "octet {position} is another than was uploaded before: go on where the blob ends, or \
         upload all of it anew"
    );
    Refusal::new(RefusalKind::Conflict, detail).at("Content-Range")
}

/// More octets came than announced.
pub(super) fn other_total(total: u64) -> Refusal {
    let detail = format!("there are more octets than the {total} that were told");
    Refusal::new(RefusalKind::Conflict, detail)
}

pub(super) fn superseded() -> Refusal {
    let detail = "another request goes on with this upload";
    Refusal::new(RefusalKind::Conflict, detail)
}

pub(super) fn broken_off(error: &BodyError) -> Refusal {
    match error {
        BodyError::Rejected(_) => {
            Refusal::new(RefusalKind::TooLarge, "it is larger than it may be")
        }
        _ => Refusal::malformed("the request broke off: go on where the blob ends now"),
    }
}
