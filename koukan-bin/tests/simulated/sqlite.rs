//! SQLite on a file system, with faults in front of it. The plans are the same, but the order of
//! events is not always the same.

use std::{env, path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use koukan::simulation::{Disk, Disks, Simulation};
use koukan_core::storage::{Backend, BackendError};
use koukan_storage::SqliteBackend;
use tempfile::TempDir;

/// How many plans are run, unless `KOUKAN_SIMULATION_SQLITE_SEEDS` says otherwise.
const SEEDS: u64 = 100;

/// A directory in memory. No simulation loses power, so nothing has to reach a disk, and waiting
/// for that would take most of the time.
const MEMORY: &str = "/dev/shm";

/// A directory with a database.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        let directory = if Path::new(MEMORY).is_dir() {
            TempDir::new_in(MEMORY)
        } else {
            TempDir::new()
        };
        Self(directory.expect("there is room for a directory"))
    }
}

impl Disk for Directory {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Backend>, BackendError>> {
        Box::pin(async {
            let backend = SqliteBackend::open(self.0.path().join("koukan.sqlite")).await;
            let backend = backend.map_err(|error| BackendError::Failed(error.into()))?;
            Ok(Arc::new(backend) as Arc<dyn Backend>)
        })
    }

    fn is_real(&self) -> bool {
        true
    }
}

#[test]
fn nothing_is_lost_doubled_held_or_stuck() {
    let disks: Disks = Arc::new(|| Box::new(Directory::new()));
    let simulation = Simulation::new().with_disks(disks);
    let seeds = env::var("KOUKAN_SIMULATION_SQLITE_SEEDS");
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let violations = simulation.violations(seed);
        // A second run may pass, so the fault of the first one is printed as well.
        let story = || simulation.run_seed(seed).err();
        assert!(
            violations.is_empty(),
            "seed {seed}: {violations:?}; {:?}",
            story()
        );
    }
}
