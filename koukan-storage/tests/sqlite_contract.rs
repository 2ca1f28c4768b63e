//! The backend contract over `SqliteBackend`.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use koukan_core::{
    backend_contract_tests, storage::Backend, test_util::backend_contract::BackendFixture,
};
use koukan_storage::{SqliteBackend, SqliteOptions};
use tempfile::TempDir;

/// A database, and copies of its files at the times when its process was killed.
struct Sqlite {
    directory: TempDir,
    opened: Mutex<Vec<SqliteBackend>>,
}

impl Sqlite {
    fn path(&self, opened: usize) -> PathBuf {
        self.directory.path().join(format!("{opened}.sqlite"))
    }
}

#[async_trait]
impl BackendFixture for Sqlite {
    async fn open(&self) -> Arc<dyn Backend> {
        let count = self.opened.lock().unwrap().len();
        let path = self.path(count);
        if count > 0 {
            // The previous process still has it open, so the files are as a kill would leave them.
            for suffix in ["", "-wal"] {
                let file = |path: PathBuf| format!("{}{suffix}", path.display());
                fs::copy(file(self.path(count - 1)), file(path.clone())).unwrap();
            }
        }
        let backend = SqliteBackend::open(SqliteOptions::new(&path).with_events(true))
            .await
            .unwrap();
        self.opened.lock().unwrap().push(backend.clone());
        Arc::new(backend)
    }
}

async fn sqlite() -> Sqlite {
    Sqlite {
        directory: tempfile::tempdir().unwrap(),
        opened: Mutex::default(),
    }
}

backend_contract_tests!(sqlite);
