//! Asks destinations, and caches their answers.

use std::{
    collections::BTreeSet,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    context::{Context, Sender},
    path::{ForwardPath, Mailbox, ReversePath, domain_key},
    random::SharedRandom,
    service::BoxMailService,
    storage::Storage,
};

use super::{
    conversation::Conversation,
    found::{Answer, Told},
    known::{Key, Known, Lives, MAX_ENTRIES},
    question::Questions,
    routes::{Route, Routes},
};

/// How long the recipients of one transaction together wait for destinations, unless another time is set.
pub const TIME_MAX: Duration = Duration::from_secs(10);

/// Asks destinations whether they accept recipients, and caches their answers.
///
/// Clones share the cache, until one of them is changed.
#[derive(Clone)]
pub struct Verifier {
    settings: Arc<Settings>,
    known: Arc<Mutex<Known>>,
    questions: Arc<Questions>,
}

#[derive(Clone)]
struct Settings {
    routes: Routes,
    /// The domains that are asked for; all, if there are none.
    domains: BTreeSet<Box<str>>,
    reverse_path: ReversePath,
    time: Duration,
    lives: Lives,
    max: NonZeroUsize,
    /// The storage that knows suspended destinations.
    storage: Option<Storage>,
    /// The random numbers for addresses that cannot exist, if these are asked for.
    random: Option<SharedRandom>,
}

impl Verifier {
    /// Asks through this chain on behalf of this sender, from the null reverse-path.
    pub fn new(sender: Sender, chain: BoxMailService) -> Self {
        Self::of(Settings {
            routes: Routes::new(Route { sender, chain }),
            domains: BTreeSet::new(),
            reverse_path: ReversePath::Null,
            time: TIME_MAX,
            lives: Lives::default(),
            max: NonZeroUsize::new(MAX_ENTRIES).unwrap_or(NonZeroUsize::MIN),
            storage: None,
            random: None,
        })
    }

    /// Uses another chain and sender for recipients of a domain, in any case.
    #[must_use]
    pub fn with_route(self, domain: &str, sender: Sender, chain: BoxMailService) -> Self {
        self.with(|settings| settings.routes.add(domain, Route { sender, chain }))
    }

    /// Asks only for recipients of these domains, in any case.
    #[must_use]
    pub fn with_domains<D: AsRef<str>>(self, domains: impl IntoIterator<Item = D>) -> Self {
        let domains = domains.into_iter();
        let domains = domains.map(|domain| domain_key(domain.as_ref()).into());
        self.with(|settings| settings.domains = domains.collect())
    }

    /// Sets the reverse-path of the questions.
    #[must_use]
    pub fn with_reverse_path(self, reverse_path: ReversePath) -> Self {
        self.with(|settings| settings.reverse_path = reverse_path)
    }

    /// Sets how long the recipients of one transaction together wait for destinations, instead of
    /// [`TIME_MAX`].
    #[must_use]
    pub fn with_time(self, time: Duration) -> Self {
        self.with(|settings| settings.time = time)
    }

    /// Sets how long answers are cached.
    #[must_use]
    pub fn with_lives(self, lives: Lives) -> Self {
        self.with(|settings| settings.lives = lives)
    }

    /// Caches at most `max` accepted addresses, and as many others, instead of [`MAX_ENTRIES`].
    #[must_use]
    pub fn with_max_entries(self, max: NonZeroUsize) -> Self {
        self.with(|settings| settings.max = max)
    }

    /// Asks nothing about domains that are [suspended](Storage::suspend) in this storage, or about addresses that
    /// are [suppressed](Storage::suppression) for the sender of the question: these count as refused.
    #[must_use]
    pub fn with_suspensions(self, storage: Storage) -> Self {
        self.with(|settings| settings.storage = Some(storage))
    }

    /// When the first recipient of a domain is accepted, also asks for an address that cannot exist. If that is
    /// accepted too, the domain accepts everything, and nothing more is asked about it.
    #[must_use]
    pub fn by_domain(self, random: SharedRandom) -> Self {
        self.with(|settings| settings.random = Some(random))
    }

    fn of(settings: Settings) -> Self {
        let known = Known::new(settings.lives, settings.max);
        Self {
            settings: Arc::new(settings),
            known: Arc::new(Mutex::new(known)),
            questions: Arc::default(),
        }
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        change(&mut settings);
        Self::of(settings)
    }

    pub(super) fn time(&self) -> Duration {
        self.settings.time
    }

    /// The destination's answer for the recipient, as far as it is known within `time`; `None` for a recipient
    /// that is not asked for.
    pub(super) async fn ask(
        &self,
        context: &Context,
        recipient: &ForwardPath,
        time: Duration,
    ) -> Option<Told> {
        // The mail goes to the host that the client names, whatever another host would say.
        if context.next_hop.is_some() {
            return None;
        }
        let mailbox = recipient.mailbox()?;
        let domain = domain_key(mailbox.domain_text());
        let settings = &self.settings;
        if !settings.domains.is_empty() && !settings.domains.contains(&*domain) {
            return None;
        }
        let storage = settings.storage.as_ref();
        let sender = &settings.routes.of(&domain).sender.name;
        if let Some(bad) = storage.and_then(|storage| storage.suppression(sender, mailbox)) {
            return Some(Told::known(Answer::Refused(bad.reply())));
        }
        let of_address = Key::Address(format!("{}@{domain}", local_part(mailbox)).into());
        let known = {
            let known = self.lock();
            let address = known.find(&of_address);
            address.or_else(|| known.find(&Key::Domain(domain.as_str().into())))
        };
        if let Some(known) = known {
            return Some(Told::known(known));
        }
        if storage.is_some_and(|storage| storage.is_suspended(&domain)) {
            return Some(Told::known(Answer::Unknown));
        }
        // Without time to wait, no question is started: its connection would be dropped at once.
        if time.is_zero() {
            return Some(Told::known(Answer::Unknown));
        }
        let question = self.questions.join(of_address.clone(), || {
            let this = self.clone();
            let (context, recipient) = (context.clone(), recipient.clone());
            let (domain, of_address) = (domain.as_str().into(), of_address.clone());
            async move { this.learn(&context, recipient, domain, of_address).await }.boxed()
        });
        Some(Told::asked(match timeout(time, question).await {
            Ok(answer) => answer,
            Err(_) => {
                let mut known = self.lock();
                // The answer may be in the cache, and the time was spent on the additional question.
                if let Some(answer) = known.find(&of_address) {
                    return Some(Told::asked(answer));
                }
                // A caller that has waited only a part of the time, or for another's question, learns nothing from
                // that.
                if time >= settings.time {
                    known.learn_silence(&domain, of_address);
                }
                Answer::Unknown
            }
        }))
    }

    /// Asks, and caches the answer.
    async fn learn(
        &self,
        context: &Context,
        recipient: ForwardPath,
        domain: Box<str>,
        of_address: Key,
    ) -> Answer {
        let settings = &self.settings;
        let (route, from) = (settings.routes.of(&domain), &settings.reverse_path);
        let end = Instant::now() + settings.time;
        let mut conversation = Conversation::begin(route, context, from, &recipient);
        let Ok(answer) = timeout_at(end, conversation.ask(recipient)).await else {
            self.lock().learn_silence(&domain, of_address);
            return Answer::Unknown;
        };
        // Stored before the additional question: many servers are slow to refuse unknown addresses.
        self.learn_answer(&domain, of_address, answer.clone());
        let nobody = self.nobody(&domain);
        if let Some(nobody) = nobody.filter(|_| answer == Answer::Accepted) {
            let of_nobody = timeout_at(end, conversation.ask(nobody)).await;
            let (key, of_nobody) = match of_nobody.unwrap_or(Answer::Unknown) {
                Answer::Accepted => (Key::Domain(domain), Answer::Accepted),
                other => (Key::Nobody(domain), other),
            };
            self.lock().learn(key, of_nobody);
        }
        answer
    }

    fn learn_answer(&self, domain: &str, of_address: Key, answer: Answer) {
        let mut known = self.lock();
        known.learn_voice(domain);
        known.learn(of_address, answer);
    }

    /// An address that cannot exist, if one is to be asked for.
    fn nobody(&self, domain: &str) -> Option<ForwardPath> {
        let random = self.settings.random.as_ref()?;
        let key = Key::Nobody(domain.into());
        if self.lock().find(&key).is_some() {
            return None;
        }
        // 80 bits: no mailbox has this name by chance.
        let letters = b"abcdefghijklmnopqrstuvwxyz234567";
        let drawn = (0..16).map(|_| {
            let index = (random.unit() * letters.len() as f64) as usize;
            char::from(letters[index.min(letters.len() - 1)])
        });
        let address = format!("{}@{domain}", drawn.collect::<String>());
        address.parse().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The local part as it was written.
fn local_part(mailbox: &Mailbox) -> &str {
    let text = mailbox.as_str();
    text.rsplit_once('@').map_or(text, |(local, _)| local)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("routes", &self.settings.routes)
            .finish_non_exhaustive()
    }
}
