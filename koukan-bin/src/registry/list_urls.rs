//! Lists that HTTP servers have, and how they follow them.

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

/// For how long a server is waited for.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How often it is asked, and how much it may answer, unless something else is said.
const REFRESH: Duration = Duration::from_secs(5 * 60);
const SIZE_MAX: u64 = 16 << 20;

/// A list that a server has, as it is configured.
#[derive(Clone, PartialEq)]
struct ListAt {
    url: String,
    /// How often it is looked whether it has changed.
    refresh: Option<HumanDuration>,
    /// Octets of it, at most.
    max_size: Option<ByteSize>,
    /// The file in which the last good one is kept.
    kept_in: Option<PathBuf>,
    /// Whether one without entries takes the place of one with some.
    allow_empty: bool,
}

/// Lists that servers have. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct FollowedLists(Arc<Mutex<Vec<Arc<dyn Source>>>>);

/// A list was not read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the list at {url}")]
pub struct ListError {
    /// Where it is.
    pub url: Box<str>,
    #[source]
    source: BoxError,
}

/// A list, whatever it is of.
#[async_trait]
trait Source: Send + Sync {
    /// Reads it, if it has changed.
    async fn fetch(&self) -> Result<(), ListError>;

    /// As [`Source::fetch`], at first: where that fails, the last good one is read that was kept.
    async fn load(&self) -> Result<(), ListError>;

    /// As [`Source::load`], unless it was read a while ago that is shorter than until it is asked for anew.
    async fn renew(&self) -> Result<(), ListError>;

    /// What it is, and the list itself.
    fn known(&self) -> (&ListAt, &(dyn Any + Send + Sync));

    /// As [`Source::fetch`], if it is time to do so and nobody else does; what cannot be read leaves it as it is.
    async fn follow(&self);
}

impl FollowedLists {
    /// Reads all lists.
    ///
    /// # Errors
    ///
    /// The first that cannot be read.
    pub(crate) async fn load(&self) -> Result<(), ListError> {
        let all = self.all();
        try_join_all(all.iter().map(|list| list.load())).await?;
        Ok(())
    }

    /// Reads those lists that were not read a while ago.
    ///
    /// # Errors
    ///
    /// The first that cannot be read.
    pub(crate) async fn renew(&self) -> Result<(), ListError> {
        let all = self.all();
        try_join_all(all.iter().map(|list| list.renew())).await?;
        Ok(())
    }

    /// The list of that configuration, if it is among these.
    fn find<T: Send + Sync + 'static>(&self, config: &ListAt) -> Option<Replaceable<T>> {
        self.all().iter().find_map(|list| {
            let (known, list) = list.known();
            let list = list.downcast_ref::<Replaceable<T>>()?;
            (known == config).then(|| list.clone())
        })
    }

    /// Begins to look for changes of those lists for which it is time. Nobody waits for a server.
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

/// A list that a server has, which is empty until it was [loaded](FollowedLists::load), and follows it from then on.
fn list_at<T>(surroundings: &Surroundings, config: ListAt) -> Result<Replaceable<T>, InvalidFilter>
where
    T: FromStr<Err: fmt::Display> + Default + Send + Sync + 'static,
{
    let at = |message: String| InvalidFilter {
        message,
        at: vec![Step::Key("url".into())],
    };
    // Explanations share what was read for them.
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
        // One that is only tried out writes nothing.
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
    /// By which the server knows what we have.
    etag: Option<HeaderValue>,
    /// When it was last asked.
    asked: Option<Instant>,
    /// Whether there are entries in what we have.
    has_entries: bool,
    /// Whether it could be read when it was last asked for.
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
        // Or the connection broke.
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

    /// Takes the last good one that was kept, if there is one.
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

/// What is said of an answer with nothing in it.
const EMPTY: &str =
    "it has no entries, and the one before has: say `allow_empty: true` if that is meant so";

/// Whether a line is neither blank nor a comment.
fn has_entries(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// That nobody asks any more, when this is dropped.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
