//! The octets that a range announces.

use crate::resource::{Range, Refusal, RefusalKind};

/// The octets that a request is expected to bring.
pub(super) struct Expected {
    /// `None` where the request does not say.
    left: Option<u64>,
    /// Whether exactly that many must come, and not fewer.
    is_exact: bool,
}

impl Expected {
    /// Reads a range, for a blob of announced length `total`; notes the length that the range
    /// announces.
    pub(super) fn of(range: Range, total: &mut Option<u64>) -> Result<Self, Refusal> {
        let conflict = |detail| Refusal::new(RefusalKind::Conflict, detail).at("Content-Range");
        if let (Some(known), Some(told)) = (*total, range.total)
            && known != told
        {
            return Err(conflict(format!(
                "the length was said to be {known} before"
            )));
        }
        let known = total.or(range.total);
        if let Some(total) = known
            && range.end.is_some_and(|end| end > total)
        {
            let detail = format!("the range goes beyond the length, which is {total}");
            return Err(conflict(detail));
        }
        *total = known;
        let end = range.end.or(known);
        Ok(Self {
            left: end.map(|end| end.saturating_sub(range.start)),
            is_exact: range.end.is_some(),
        })
    }

    /// Notes that octets have come.
    pub(super) fn take(&mut self, octets: usize) -> Result<(), Refusal> {
        let Some(left) = &mut self.left else {
            return Ok(());
        };
        *left = left.checked_sub(octets as u64).ok_or_else(|| {
            Refusal::malformed("there are more octets than Content-Range says").at("Content-Range")
        })?;
        Ok(())
    }

    /// Checks that nothing is missing.
    pub(super) fn check_end(&self) -> Result<(), Refusal> {
        if self.is_exact && self.left.is_some_and(|left| left > 0) {
            let detail = "there are fewer octets than Content-Range says: go on with the rest";
            return Err(Refusal::malformed(detail));
        }
        Ok(())
    }
}
