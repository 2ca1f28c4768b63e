//! The content of the agent's database while no agent runs.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use koukan_core::storage::{
    ListCursor, Listing, Records, Search,
    record::{Status, StoredTransaction},
};
use koukan_storage::{PostgresBackend, PostgresOptions, SqliteBackend};
use tokio::runtime::Runtime;

use super::database::Database;

/// The senders with stored transactions.
pub(super) const SENDERS: [&str; 3] = ["steady", "flapping", "notices"];
const PAGE: usize = 1000;

/// All stored transactions.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The transactions of each recipient.
    by_recipient: BTreeMap<String, Vec<Kept>>,
}

/// A recipient of a stored transaction.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The transaction.
    pub(super) transaction: String,
    /// Whether the recipient is settled, and if so, whether positively.
    pub(super) settled: Option<bool>,
    /// Whether something remains to be done for the transaction.
    pub(super) is_open: bool,
}

impl Record {
    /// Reads what the agent has left, without changing it.
    pub(super) fn read(database: &Database) -> Self {
        match database {
            Database::Sqlite(path) => Self::read_copy(path),
            Database::Postgres { url, .. } => Self::read_server(url),
        }
    }

    /// Reads a server's database, after the server has finished what the agent had begun.
    fn read_server(url: &str) -> Self {
        Runtime::new().unwrap().block_on(async {
            // This waits until all connections of the agent are closed.
            let options = PostgresOptions::new(url).unwrap().alone();
            let backend = PostgresBackend::open(options).await.unwrap();
            let mut record = Self::default();
            for sender in SENDERS {
                record.read_sender(&backend, sender).await;
            }
            backend.close().await;
            record
        })
    }

    /// Reads a copy of the database, so that the agent finds its own unchanged.
    fn read_copy(database: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("copy.sqlite");
        for end in ["", "-wal"] {
            let [from, to] = [database, &copy].map(|path| {
                let mut name = OsString::from(path);
                name.push(end);
                name
            });
            if Path::new(&from).exists() {
                fs::copy(from, to).unwrap();
            }
        }
        if !copy.exists() {
            return Self::default();
        }
        Runtime::new().unwrap().block_on(async {
            let backend = SqliteBackend::open(&copy).await.unwrap();
            let mut record = Self::default();
            for sender in SENDERS {
                record.read_sender(&backend, sender).await;
            }
            backend.close().await;
            record
        })
    }

    async fn read_sender(&mut self, backend: &impl Records, sender: &str) {
        let mut before = None;
        loop {
            let listing = Listing {
                sender: Some(sender.into()),
                state: None,
                search: Search::default(),
                before,
                limit: PAGE,
            };
            let page = backend.list(listing).await.unwrap();
            page.iter().for_each(|stored| self.add(stored));
            match page.last() {
                Some(last) if page.len() == PAGE => {
                    let (created, id) = (last.created, last.id);
                    before = Some(ListCursor { created, id });
                }
                _ => return,
            }
        }
    }

    fn add(&mut self, stored: &StoredTransaction) {
        for recipient in &stored.recipients {
            let settled = recipient.settled.as_ref();
            self.insert(
                recipient.rcpt.forward_path.as_str(),
                Kept {
                    transaction: stored.id.to_string(),
                    settled: settled.map(|reply| reply.is_positive()),
                    is_open: !matches!(stored.status, Status::Final(_)),
                },
            );
        }
    }

    pub(super) fn insert(&mut self, recipient: &str, kept: Kept) {
        let known = self.by_recipient.entry(recipient.to_owned());
        known.or_default().push(kept);
    }

    /// The transactions that have this recipient.
    pub(super) fn of(&self, recipient: &str) -> &[Kept] {
        self.by_recipient.get(recipient).map_or(&[], Vec::as_slice)
    }

    /// All recipients.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Kept)> {
        let recipients = self.by_recipient.iter();
        recipients.flat_map(|(to, kept)| kept.iter().map(move |kept| (to.as_str(), kept)))
    }
}
