//! Files that are read again when they change.

use std::{collections::HashMap, time::Duration};

use koukan_core::{blocking::BlockingPool, clock::SharedClock};
use tokio::time::sleep;

use super::{
    certificates::CertificateFiles, hooks::HookSecrets, logins::LoginFiles,
    templates::TemplateFile, users::PasswordFiles,
};
use crate::registry::{FollowedFiles, FollowedLists};

/// How often to check whether a file has changed.
const LOOK: Duration = Duration::from_secs(10);

/// Files that are read again when they change. Clones follow the same files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(super) certificates: CertificateFiles,
    pub(super) passwords: PasswordFiles,
    pub(super) logins: LoginFiles,
    pub(super) template: TemplateFile,
    pub(super) webhooks: HookSecrets,
    /// The files that filters use.
    pub(super) followed: FollowedFiles,
    /// Lists from HTTP servers.
    pub(super) lists: FollowedLists,
    /// The threads on which files are read.
    pub(super) blocking: BlockingPool,
}

impl Files {
    /// Finishes writing what filters keep in files.
    pub(crate) async fn finish(&self) {
        self.followed.finish(&self.blocking).await;
    }

    /// Reads files again when they change, and warns of certificates that expire soon; never ends.
    pub(crate) async fn follow(mut self, clock: SharedClock) {
        let mut told = HashMap::new();
        loop {
            self.certificates
                .look(clock.now(), &mut told, &self.blocking);
            self.passwords.look();
            self.logins.look(&self.blocking);
            self.template.look();
            self.webhooks.look();
            self.followed.look(&self.blocking);
            self.lists.look();
            sleep(LOOK).await;
        }
    }
}
