use std::{
    sync::Arc,
    task::{Context, Poll},
};

use koukan_core::{
    body::{Body, BodyError},
    message::opening::Opening,
    reply::{Rejection, Reply},
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};
use tower::Service;

use super::{Author, DkimSignLayer, Key};
use crate::{
    author::author_domains,
    dkim::{BodyDigest, BodyHasher, Canonicalization, Section, SigningError, SigningKey},
    domain::ascii_domain,
    passing,
};

/// The largest size of one field, in octets: a signature of 8192 bits, and names.
const GROWTH_MAX: u64 = 3072;

/// Signs messages; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct DkimSign<S> {
    inner: S,
    settings: DkimSignLayer,
}

impl<S> DkimSign<S> {
    pub(super) fn new(inner: S, settings: DkimSignLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for DkimSign<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        let mail = tx.mail.request_mut();
        let mailbox = mail.reverse_path.mailbox();
        let mail_from = mailbox.and_then(|mailbox| ascii_domain(mailbox.domain_text()));
        let chosen = match self.settings.author {
            Author::HeaderFrom => None,
            Author::MailFrom => Some(mail_from),
        };
        let keys = &self.settings.keys;
        let most = match &chosen {
            None => keys.len(),
            Some(domain) => for_author(keys, domain.as_deref()).count(),
        };
        if most == 0 {
            return self.inner.call(tx);
        }
        mail.parameters.grow_size(GROWTH_MAX * most as u64);
        let settings = self.settings.clone();
        let signals = tx.signals.clone();
        self.inner
            .call(tx.map_body(|body| body.then(move |body| sign(body, settings, signals, chosen))))
    }
}

fn for_author<'k>(keys: &'k [Key], domain: Option<&str>) -> impl Iterator<Item = &'k Key> {
    let domain = domain.map(str::to_owned);
    let is_for = move |key: &&Key| domain.as_deref().is_some_and(|domain| key.is_for(domain));
    keys.iter().filter(is_for)
}

/// The message with the signature fields before it.
async fn sign(
    body: Body,
    settings: DkimSignLayer,
    signals: Signals,
    chosen: Option<Option<String>>,
) -> Result<Body, BodyError> {
    let (mut section, mut opening) = (Section::default(), Opening::default());
    let mut hasher = BodyHasher::new(Canonicalization::Relaxed);
    let mut body = passing::read(body, &signals, &settings.blobs, |octets| {
        opening.look(octets);
        let rest = section.take(octets);
        hasher.update(rest);
    })
    .await?;
    if !opening.separator().is_empty() {
        // Text without a header section has no author.
        return Ok(body);
    }
    let Some(octets) = section.octets() else {
        return Err(Rejection::new(Reply::message_too_big()).into());
    };
    let domain = match chosen {
        Some(chosen) => chosen,
        None => author_domains(octets).into_iter().next(),
    };
    let keys: Vec<_> = for_author(&settings.keys, domain.as_deref())
        .cloned()
        .collect();
    if keys.is_empty() {
        return Ok(body);
    }
    let seconds = settings.clock.now().as_second().max(0).unsigned_abs();
    let work = Work {
        section: Arc::new(section),
        digest: hasher.finish(),
        seconds,
    };
    // The first key's field stands at the top.
    for key in keys.into_iter().rev() {
        let (work, secret) = (work.clone(), key.key.now());
        let signed = match secret.is_slow() {
            false => work.sign(&key, &secret),
            true => {
                let signing = move || work.sign(&key, &secret);
                let signed = settings.blocking.run(signing).await;
                signed.unwrap_or(Err(SigningError::KeyFailed))
            }
        };
        match signed {
            Ok(field) => body.prepend(field.into()),
            Err(SigningError::NotOneFrom) => return Ok(body),
            Err(error) => {
                tracing::error!(%error, "a message could not be signed");
                return Err(Rejection::new(Reply::local_error()).into());
            }
        }
    }
    Ok(body)
}

/// A message that is to be signed, and what is known of it.
#[derive(Clone)]
struct Work {
    section: Arc<Section>,
    digest: BodyDigest,
    seconds: u64,
}

impl Work {
    fn sign(&self, key: &Key, secret: &SigningKey) -> Result<String, SigningError> {
        key.spec
            .sign(&self.section, &self.digest, secret, self.seconds)
    }
}
