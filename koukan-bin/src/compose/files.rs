//! Files that are read anew when they change.

use std::{collections::HashMap, time::Duration};

use koukan_core::{blocking::BlockingPool, clock::SharedClock};
use tokio::time::sleep;

use super::{
    certificates::CertificateFiles, hooks::HookSecrets, logins::LoginFiles,
    templates::TemplateFile, users::PasswordFiles,
};
use crate::registry::{FollowedFiles, FollowedLists};

/// How often it is looked whether a file has changed.
const LOOK: Duration = Duration::from_secs(10);

/// Files that are read anew when they change. Clones follow the same files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(super) certificates: CertificateFiles,
    pub(super) passwords: PasswordFiles,
    pub(super) logins: LoginFiles,
    pub(super) template: TemplateFile,
    pub(super) webhooks: HookSecrets,
    /// Those that filters have read.
    pub(super) followed: FollowedFiles,
    /// Lists that HTTP servers have.
    pub(super) lists: FollowedLists,
    /// Where files are read.
    pub(super) blocking: BlockingPool,
}

impl Files {
    /// Ends what filters keep in files.
    pub(crate) async fn finish(&self) {
        self.followed.finish(&self.blocking).await;
    }

    /// Reads files anew when they change, and tells of certificates that end soon; for ever.
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
