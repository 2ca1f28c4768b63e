//! What earlier versions have stored under other spellings of international domains.
//!
//! They compared domains by their text in lower case, so `bücher.example` and `xn--bcher-kva.example` were two. Now both
//! have the name that [`domain_key`] gives. Each process renames what it finds when it begins; several at the same time
//! do no harm.
//!
//! A suspension is added under the new name, and stays under the old one until it ends: transactions that were stored
//! before are compared with that. A suppression is moved.

use crate::{
    causes::Causes,
    path::{Mailbox, domain_key},
};

use super::{
    Backend, BackendError,
    record::{
        BanChange, Suppression, SuppressionChange, Suspension, SuspensionChange, suppressed_address,
    },
};

/// The suspensions, under their present names.
pub(super) async fn suspensions(backend: &dyn Backend) -> Result<Vec<Suspension>, BackendError> {
    let mut all = backend.suspensions().await?;
    let renamed = all.iter().filter_map(|one| {
        let host = present_name(&one.host)?.into();
        Some(Suspension {
            host,
            ..one.clone()
        })
    });
    let renamed: Vec<_> = renamed.collect();
    for one in &renamed {
        let change = SuspensionChange::Suspend(one.clone());
        tell(&one.host, backend.change_suspension(change).await);
    }
    all.retain(|one| present_name(&one.host).is_none());
    all.extend(renamed);
    Ok(all)
}

/// The earlier names of a destination that are still suspended.
pub(super) async fn earlier_names(
    backend: &dyn Backend,
    host: &str,
) -> Result<Vec<Box<str>>, BackendError> {
    if !host.contains("xn--") {
        return Ok(Vec::new());
    }
    let all = backend.suspensions().await?.into_iter();
    let earlier = all.filter(|one| is_earlier_name(&one.host, host));
    Ok(earlier.map(|one| one.host).collect())
}

/// Whether the first name is an earlier one of the destination that has the other name now.
pub(super) fn is_earlier_name(earlier: &str, host: &str) -> bool {
    present_name(earlier).is_some_and(|present| present == host)
}

/// The present name of a destination, where it is another one.
fn present_name(host: &str) -> Option<String> {
    // Hosts with ports, and paths, are compared as before.
    let is_domain = !host.is_ascii() && !host.contains(':');
    let present = is_domain.then(|| domain_key(host));
    present.filter(|present| present != host)
}

/// Whether a change is one of a name that has another spelling now.
pub(super) fn is_renamed(change: &BanChange) -> bool {
    match change {
        BanChange::Suspension(SuspensionChange::Suspend(Suspension { host, .. })) => {
            present_name(host).is_some()
        }
        // Both names are resumed together.
        BanChange::Suspension(SuspensionChange::Resume(_)) => false,
        BanChange::Suppression(
            SuppressionChange::Keep(Suppression { address, .. })
            | SuppressionChange::Remove { address, .. },
        ) => present_address(address).is_some(),
    }
}

/// The suppressions, under the present spelling of their addresses.
pub(super) async fn suppressions(backend: &dyn Backend) -> Result<Vec<Suppression>, BackendError> {
    let all = backend.suppressions().await?.into_iter();
    let (mut all, earlier): (Vec<_>, Vec<_>) = all.partition(|one| present(one).is_none());
    for old in earlier {
        let Some(address) = present(&old) else {
            continue;
        };
        let new = Suppression {
            address,
            ..old.clone()
        };
        let is_same =
            |one: &&mut Suppression| one.sender == new.sender && one.address == new.address;
        let known = all.iter_mut().find(is_same);
        let is_kept = match known {
            Some(known) if known.until >= new.until => Ok(()),
            known => {
                match known {
                    Some(known) => known.clone_from(&new),
                    None => all.push(new.clone()),
                }
                let change = SuppressionChange::Keep(new.clone());
                backend.change_suppression(change).await
            }
        };
        let is_moved = match is_kept {
            Ok(()) => {
                let (sender, address) = (old.sender, old.address);
                let change = SuppressionChange::Remove { sender, address };
                backend.change_suppression(change).await
            }
            failed => failed,
        };
        tell(&new.address, is_moved);
    }
    Ok(all)
}

/// The present spelling of an address, where it is another one.
fn present(one: &Suppression) -> Option<Box<str>> {
    present_address(&one.address)
}

fn present_address(address: &str) -> Option<Box<str>> {
    if address.is_ascii() {
        return None;
    }
    let mailbox = address.parse::<Mailbox>().ok()?;
    Some(suppressed_address(&mailbox)).filter(|present| **present != *address)
}

/// A name that could not be written counts all the same, and is written when a process begins the next time.
fn tell(name: &str, written: Result<(), BackendError>) {
    match written {
        Ok(()) => tracing::info!(name, "what was stored under another spelling was renamed"),
        Err(error) => {
            tracing::debug!(name, error = %Causes(&error), "what is stored under another spelling could not be renamed");
        }
    }
}
