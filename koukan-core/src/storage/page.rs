//! Pages of lists.

use super::{BackendError, ListCursor, Listing, Storage, record::StoredTransaction};

/// How many transactions are read at once.
const READ_AT_ONCE: usize = 100;

/// How many recipients the transactions of a page may have together, unless it is a single one. To
/// show a recipient takes some KiB of memory, and clients decide how many a transaction has.
const RECIPIENTS_MAX: usize = 10_000;

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// At most as many as the listing allows, newest first.
    pub(crate) transactions: Vec<StoredTransaction>,
    /// The position after which the list goes on; `None` at its end.
    pub(crate) next: Option<ListCursor>,
}

impl Storage {
    /// The next page of a list, with at least one transaction if there are any. It may be shorter
    /// than `listing` allows, although the list goes on: so many recipients do not fit into one page.
    pub(crate) async fn page(&self, mut listing: Listing) -> Result<Page, BackendError> {
        let wanted = listing.limit;
        let mut transactions = Vec::new();
        let mut recipients = 0;
        loop {
            listing.limit = READ_AT_ONCE.min(wanted - transactions.len());
            let read = self.backend().list(listing.clone()).await?;
            let is_last = read.len() < listing.limit;
            for stored in read {
                recipients += stored.recipients.len();
                if recipients > RECIPIENTS_MAX && !transactions.is_empty() {
                    let next = listing.before;
                    return Ok(Page { transactions, next });
                }
                listing.before = Some(ListCursor {
                    created: stored.created,
                    id: stored.id,
                });
                transactions.push(stored);
            }
            if is_last || transactions.len() == wanted {
                let next = listing.before.filter(|_| !is_last);
                return Ok(Page { transactions, next });
            }
        }
    }
}
