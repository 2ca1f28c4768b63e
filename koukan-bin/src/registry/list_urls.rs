//! Lists from HTTP servers, which are fetched again at intervals.

mod elsewhere;
mod kept;

use std::{
    any::Any,
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, Request, StatusCode, Uri, header},
};
use futures_util::future::try_join_all;
use koukan_core::{blocking::BlockingPool, causes::Causes, filter::Replaceable};
use koukan_rest::client::HttpClient;
use tokio::time::{Instant, timeout};
use tower::{BoxError, ServiceExt};

pub(super) use self::elsewhere::Elsewhere;

use super::{InvalidFilter, Surroundings, kept_file::KeptFile};
use crate::config::{ByteSize, HumanDuration, Step, is_in_the_clear};

/// How long to wait for a server.
const TIME_MAX: Duration = Duration::from_secs(30);
/// The defaults for how often a list is fetched and how large it may be.
const REFRESH: Duration = Duration::from_secs(5 * 60);
const SIZE_MAX: u64 = 16 << 20;

/// The configuration of a list from a server.
#[derive(Clone, PartialEq)]
struct ListAt {
    url: String,
    /// How often to check whether it has changed.
    refresh: Option<HumanDuration>,
    /// The most octets in the list.
    max_size: Option<ByteSize>,
    /// The file that keeps the last valid list.
    kept_in: Option<PathBuf>,
    /// Whether an empty list may replace one with entries.
    allow_empty: bool,
}

/// Lists from servers. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct FollowedLists(Arc<Mutex<Vec<Arc<dyn Source>>>>);

/// A list could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the list at {url}")]
pub struct ListError {
    /// The URL of the list.
    pub url: Box<str>,
    #[source]
    source: BoxError,
}

/// A list, whatever its entries are.
#[async_trait]
trait Source: Send + Sync {
    /// Fetches the list if it has changed.
    async fn fetch(&self) -> Result<(), ListError>;

    /// Like [`Source::fetch`], for the first time: if that fails, the last valid list is read from its file.
    async fn load(&self) -> Result<(), ListError>;

    /// Like [`Source::load`], unless the list was fetched so recently that the next fetch is not due.
    async fn renew(&self) -> Result<(), ListError>;

    /// Its configuration, and the list itself.
    fn known(&self) -> (&ListAt, &(dyn Any + Send + Sync));

    /// Like [`Source::fetch`], if it is due and no other fetch is running. If the list cannot be read, it stays as it is.
    async fn follow(&self);
}

impl FollowedLists {
    /// Reads all lists.
    ///
    /// # Errors
    ///
    /// The error for the first list that cannot be read.
    pub(crate) async fn load(&self) -> Result<(), ListError> {
        let all = self.all();
        try_join_all(all.iter().map(|list| list.load())).await?;
        Ok(())
    }

    /// Reads the lists that were not read recently.
    ///
    /// # Errors
    ///
    /// The error for the first list that cannot be read.
    pub(crate) async fn renew(&self) -> Result<(), ListError> {
        let all = self.all();
        try_join_all(all.iter().map(|list| list.renew())).await?;
        Ok(())
    }

    /// The list with that configuration, if it is among these.
    fn find<T: Send + Sync + 'static>(&self, config: &ListAt) -> Option<Replaceable<T>> {
        self.all().iter().find_map(|list| {
            let (known, list) = list.known();
            let list = list.downcast_ref::<Replaceable<T>>()?;
            (known == config).then(|| list.clone())
        })
    }

    /// Starts to fetch those lists that are due. Does not wait for a server.
    pub(crate) fn look(&self) {
        for list in self.all() {
            tokio::spawn(async move { list.follow().await });
        }
    }

    fn add(&self, list: Arc<dyn Source>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(list);
    }

    fn all(&self) -> Vec<Arc<dyn Source>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for FollowedLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowedLists")
    }
}

/// A list from a server. It is empty until it was [loaded](FollowedLists::load), and is fetched at intervals from then on.
fn list_at<T>(surroundings: &Surroundings, config: ListAt) -> Result<Replaceable<T>, InvalidFilter>
where
    T: FromStr<Err: fmt::Display> + Default + Send + Sync + 'static,
{
    let at = |message: String| InvalidFilter {
        message,
        at: vec![Step::Key("url".into())],
    };
    // Explanations share the lists that were read for them.
    let known = surroundings.lists.find(&config);
    if let Some(known) = known.filter(|_| surroundings.is_explaining()) {
        return Ok(known);
    }
    let url = config.url.clone();
    let uri = url.parse::<Uri>().ok().filter(|uri| {
        let scheme = uri.scheme_str();
        uri.host().is_some() && (scheme == Some("https") || scheme == Some("http"))
    });
    let uri = uri.ok_or_else(|| {
        at(format!(
            "`{url}` is no URL, as in `https://lists.example.com/blocked.txt`"
        ))
    })?;
    if is_in_the_clear(&url) {
        let text =
            format!("whoever stands between could change the list: begin `{url}` with `https:`");
        return Err(at(text));
    }
    let kept_in = config.kept_in.clone().map(KeptFile::new).transpose();
    let kept_in = kept_in.map_err(|message| InvalidFilter {
        message,
        at: vec![Step::Key("kept_in".into())],
    })?;
    let max = config.max_size.map_or(SIZE_MAX, |size| size.0);
    let list = Replaceable::new(T::default());
    surroundings.lists.add(Arc::new(List {
        url: url.into(),
        uri,
        client: surroundings.list_http()?,
        blocking: surroundings.blocking.clone(),
        refresh: config.refresh.as_ref().map_or(REFRESH, |time| time.0),
        max: usize::try_from(max).unwrap_or(usize::MAX),
        kept_in: kept_in.map(Arc::new),
        // A trial of the configuration writes nothing.
        keeps: surroundings.is_of_agent(),
        allow_empty: config.allow_empty,
        config,
        list: list.clone(),
        state: Mutex::default(),
        is_under_way: AtomicBool::new(false),
    }));
    Ok(list)
}

struct List<T> {
    config: ListAt,
    url: Box<str>,
    uri: Uri,
    client: HttpClient,
    blocking: BlockingPool,
    refresh: Duration,
    max: usize,
    kept_in: Option<Arc<KeptFile>>,
    keeps: bool,
    allow_empty: bool,
    list: Replaceable<T>,
    state: Mutex<State>,
    is_under_way: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The entity tag of the version that we have.
    etag: Option<HeaderValue>,
    /// When the server was last asked.
    asked: Option<Instant>,
    /// Whether the version that we have has entries.
    has_entries: bool,
    /// Whether the last fetch was successful.
    is_read: bool,
}

#[async_trait]
impl<T> Source for List<T>
where
    T: FromStr<Err: fmt::Display> + Send + Sync + 'static,
{
    async fn fetch(&self) -> Result<(), ListError> {
        self.state().asked = Some(Instant::now());
        let asked = timeout(TIME_MAX, self.ask()).await;
        let asked = asked.unwrap_or_else(|_| Err("it took too long".into()));
        asked.map_err(|source| ListError {
            url: self.url.clone(),
            source,
        })
    }

    async fn load(&self) -> Result<(), ListError> {
        let Err(error) = self.fetch().await else {
            return Ok(());
        };
        match self.take_kept().await {
            Ok(true) => {
                let error = Causes(&error);
                tracing::warn!(%error, "cannot read a list, the last one that was kept is taken");
                Ok(())
            }
            Ok(false) => Err(error),
            Err(of_file) => {
                tracing::warn!(error = %Causes(&*of_file), "cannot read a list that was kept");
                Err(error)
            }
        }
    }

    async fn renew(&self) -> Result<(), ListError> {
        let is_fresh = {
            let state = self.state();
            let is_new = |asked: Instant| asked.elapsed() < self.refresh;
            state.is_read && state.asked.is_some_and(is_new)
        };
        if is_fresh {
            return Ok(());
        }
        let read = self.load().await;
        self.state().is_read = read.is_ok();
        read
    }

    fn known(&self) -> (&ListAt, &(dyn Any + Send + Sync)) {
        (&self.config, &self.list)
    }

    async fn follow(&self) {
        let is_time = |asked: Instant| asked.elapsed() >= self.refresh;
        if !self.state().asked.is_none_or(is_time) || self.is_under_way.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let _ended = Ended(&self.is_under_way);
        if let Err(error) = self.fetch().await {
            let error = Causes(&error);
            tracing::warn!(%error, "cannot read a list anew, the old one stays");
        }
    }
}

impl<T> List<T>
where
    T: FromStr<Err: fmt::Display> + Send + Sync + 'static,
{
    async fn ask(&self) -> Result<(), BoxError> {
        let mut request = Request::get(self.uri.clone());
        let known = self.state().etag.clone();
        if let Some(etag) = &known {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty())?;
        let answer = self.client.clone().oneshot(request).await?;
        match answer.status() {
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(()),
            StatusCode::OK => {}
            status => return Err(format!("the server answers {status}").into()),
        }
        let etag = answer.headers().get(header::ETAG).cloned();
        let content = to_bytes(answer.into_body(), self.max).await;
        // The other cause is a broken connection.
        let content = content.map_err(|error| {
            let error: BoxError = error.into();
            format!(
                "it cannot be read, or has more than {} octets: {error}",
                self.max
            )
        })?;
        let had_entries = self.state().has_entries;
        let (allow_empty, kept_in) = (self.allow_empty, self.kept_in.clone());
        let kept_in = kept_in.filter(|_| self.keeps);
        let read = self.blocking.run(move || {
            let text = str::from_utf8(&content).map_err(|_| "it is not UTF-8".to_owned())?;
            let list = text.parse::<T>().map_err(|error| error.to_string())?;
            let has_entries = has_entries(text);
            if had_entries && !has_entries && !allow_empty {
                return Err(EMPTY.to_owned());
            }
            if let Some(file) = kept_in
                && let Err(error) = file.write(|| Some([&content]))
            {
                let file = file.path().display();
                tracing::warn!(%file, %error, "cannot keep a list");
            }
            Ok((list, has_entries))
        });
        let (list, has_entries) = read.await??;
        self.list.replace(list);
        let mut state = self.state();
        (state.etag, state.has_entries) = (etag, has_entries);
        drop(state);
        if !has_entries {
            tracing::warn!(url = &*self.url, "a list has no entries");
        }
        tracing::info!(url = &*self.url, "a list was read");
        Ok(())
    }

    /// Reads the last valid list from its file, if there is one.
    async fn take_kept(&self) -> Result<bool, BoxError> {
        let Some(file) = self.kept_in.clone() else {
            return Ok(false);
        };
        let max = self.max;
        let read = self.blocking.run(move || {
            let Some(text) = kept::read(file.path(), max)? else {
                return Ok(None);
            };
            let list = text.parse::<T>();
            let list = list.map_err(|error| format!("{}: {error}", file.path().display()))?;
            Ok::<_, String>(Some((list, has_entries(&text))))
        });
        let Some((list, has_entries)) = read.await?? else {
            return Ok(false);
        };
        self.list.replace(list);
        self.state().has_entries = has_entries;
        Ok(true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error for an empty list.
const EMPTY: &str =
    "it has no entries, and the one before has: say `allow_empty: true` if that is meant so";

/// Whether any line is neither blank nor a comment.
fn has_entries(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Marks that no fetch is running when it is dropped.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
