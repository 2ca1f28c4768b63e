//! One process of the agent, from its start to its end.

use std::{future::pending, sync::Arc, time::Duration};

use futures_util::future::join_all;
use koukan_core::{
    service::BoxMailLayer,
    storage::{Retention, Storage, record::Recipient},
    test_util::FaultyBackend,
};
use koukan_smtp::server::Connected;
use tokio::{
    io::{DuplexStream, duplex},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Fault,
    actor::{
        message_client::MessageClient, operator::OperatorClient, rest_client::RestClient,
        smtp_client::SmtpClient, subscriber::subscribe,
    },
    agent::{Agent, Handler},
    check,
    disk::Disk,
    network::Network,
    plan::{ClientPlan, Doing, End, EndKind, MessagePlan, OperatorPlan, RestPlan, Step, To},
    polls::Counted,
    world::{AGENT, World},
};

/// Octets that a connection between a client and the agent holds in transit.
const PIPE: usize = 16 << 10;

/// How long all promised mail may take after the destinations are healthy again.
const AFTERWARDS: Duration = Duration::from_secs(4 * 3600);

/// How often to check whether everything is done.
const LOOK: Duration = Duration::from_secs(60);

/// How long clients go on, and the sessions that wait for them.
const CLIENTS: Duration = Duration::from_secs(35 * 60);

/// How long a process that cannot begin its session waits before it tries again.
const AGAIN: Duration = Duration::from_secs(1);

/// Separates the random numbers of processes of different epochs.
const EPOCHS: u64 = 1 << 8;

/// How long the last writes of a process that stops may take.
const CLOSE: Duration = Duration::from_secs(5);

pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) world: Arc<World>,
    /// How long the simulation had gone on before this process.
    pub(crate) since: Duration,
    /// How the process ends; `None`: when everything is done.
    pub(crate) end: Option<End>,
    pub(crate) filter: Option<BoxMailLayer>,
    pub(crate) fault: Option<Fault>,
}

/// A running process.
struct Process {
    agent: Agent,
    backend: Arc<FaultyBackend>,
    stop: CancellationToken,
    dispatching: JoinHandle<()>,
}

impl Epoch {
    pub(crate) async fn live(self, disk: &dyn Disk) {
        self.world.begin_epoch(self.since);
        let mut processes = Vec::new();
        for replica in 0..self.world.plan.replicas.len().max(1) {
            processes.push(self.start(disk, replica).await);
        }
        let backends = processes.iter().map(|process| Arc::clone(&process.backend));
        let backends: Vec<_> = backends.collect();
        let agents: Vec<_> = processes.iter().map(|process| &process.agent).collect();
        let steps = self.steps(&agents);
        match self.end {
            Some(end) => {
                let left = end.at.saturating_sub(self.world.elapsed());
                let steps = async {
                    steps.await;
                    pending::<()>().await;
                };
                // Later steps are left to the next process.
                let _ = timeout(left, steps).await;
                if end.kind == EndKind::Stopped {
                    join_all(processes.into_iter().map(|process| self.drain(process))).await;
                }
            }
            None => {
                steps.await;
                self.quiet(&processes[0].agent).await;
                self.finish(processes).await;
            }
        }
        let calls: u64 = backends.iter().map(|backend| backend.calls()).sum();
        self.world.ledger().calls += calls;
        self.world.end_epoch();
    }

    async fn start(&self, disk: &dyn Disk, replica: usize) -> Process {
        let world = &self.world;
        let number = self.number + EPOCHS * replica as u64;
        let durable = disk
            .open()
            .await
            .expect("what another process left can be opened");
        let faulty = FaultyBackend::new(
            durable,
            world.plan.faults_of(replica),
            world.random(u64::MAX - 1 - number),
            self.since,
        );
        let observing = Arc::clone(world);
        let observer = move |recipient: &Recipient| {
            // Copies alone ask for no notifications at all.
            let is_copy = !recipient.rcpt.notify().failure;
            let key = To::parse(recipient.rcpt.forward_path.as_str());
            if let Some(key) = key.filter(|_| !is_copy) {
                let now = observing.elapsed();
                observing.ledger().recorded.entry(key).or_insert(now);
            }
        };
        let faulty = faulty
            .with_time_held(disk.is_real())
            .with_observer(Arc::new(observer));
        let backend = Arc::new(faulty);
        let network = Network::new(Arc::clone(world), number);
        let agent = loop {
            let agent = Agent::start(
                world,
                Arc::clone(&backend) as _,
                network.clone(),
                self.filter.as_ref(),
                world.plan.ahead_of(replica),
            );
            match agent.await {
                Ok(agent) => break agent,
                // The process is cut off from the store just now.
                Err(_) if !world.plan.replicas.is_empty() => sleep(AGAIN).await,
                Err(error) => panic!("a session cannot be begun: {error}"),
            }
        };
        tokio::spawn(note_losses(Arc::clone(world), agent.storage.is_sound()));
        world.tell(AGENT, || "starts".into());
        let stop = CancellationToken::new();
        let dispatching = agent.dispatcher.clone().run(stop.clone().cancelled_owned());
        let dispatching = tokio::spawn(Counted::new(Arc::clone(world), dispatching));
        tokio::spawn(collect(agent.storage.clone()));
        Process {
            agent,
            backend,
            stop,
            dispatching,
        }
    }

    /// Starts clients as planned. Clients of an earlier process may come again.
    async fn steps(&self, agents: &[&Agent]) {
        let world = &self.world;
        // Each client uses one of the processes.
        let of = |number: u32| agents[number as usize % agents.len()];
        if world.plan.subscribes {
            tokio::spawn(subscribe(Arc::clone(world), agents[0].events.clone()));
        }
        let begun = world.ledger().begun;
        let (earlier, later) = world.plan.steps.split_at(begun);
        for Step { doing, .. } in earlier {
            match doing {
                Doing::Smtp(plan) => {
                    let agent = of(plan.letters[0].number);
                    tokio::spawn(self.smtp(agent, plan).come_again())
                }
                Doing::Rest(plan) => {
                    let agent = of(plan.letter.number);
                    tokio::spawn(self.rest(agent, plan).come_again())
                }
                Doing::Message(plan) => {
                    let agent = of(plan.letters[0].number);
                    tokio::spawn(self.message(agent, plan).come_again())
                }
                Doing::Operator(plan) => {
                    tokio::spawn(self.operator(of(plan.number), plan).come_again())
                }
            };
        }
        for Step { at, doing } in later {
            sleep(at.saturating_sub(world.elapsed())).await;
            world.ledger().begun += 1;
            match doing {
                Doing::Smtp(plan) => {
                    let agent = of(plan.letters[0].number);
                    tokio::spawn(self.smtp(agent, plan).run())
                }
                Doing::Rest(plan) => tokio::spawn(self.rest(of(plan.letter.number), plan).run()),
                Doing::Message(plan) => {
                    let agent = of(plan.letters[0].number);
                    tokio::spawn(self.message(agent, plan).run())
                }
                Doing::Operator(plan) => tokio::spawn(self.operator(of(plan.number), plan).run()),
            };
        }
    }

    fn smtp(&self, agent: &Agent, plan: &ClientPlan) -> SmtpClient {
        let server = agent.server(plan.listener).clone();
        let (world, fault, number) = (Arc::clone(&self.world), self.fault, plan.letters[0].number);
        let dial = move || -> DuplexStream {
            let (ours, theirs) = duplex(PIPE);
            let theirs = Fault::apply(fault, theirs, number);
            let connected = Connected {
                remote_host: Some(([192, 0, 2, 7], 51234).into()),
                local_host: Some(([192, 0, 2, 1], 25).into()),
                ..Connected::default()
            };
            let session = server.serve(theirs, &connected);
            tokio::spawn(Counted::new(Arc::clone(&world), session));
            ours
        };
        SmtpClient {
            plan: plan.clone(),
            world: Arc::clone(&self.world),
            dial: Box::new(dial),
        }
    }

    fn rest(&self, agent: &Agent, plan: &RestPlan) -> RestClient<Handler> {
        RestClient {
            plan: plan.clone(),
            world: Arc::clone(&self.world),
            handler: agent.handler.clone(),
        }
    }

    fn message(&self, agent: &Agent, plan: &MessagePlan) -> MessageClient<Handler> {
        MessageClient {
            plan: plan.clone(),
            world: Arc::clone(&self.world),
            handler: agent.handler.clone(),
        }
    }

    fn operator(&self, agent: &Agent, plan: &OperatorPlan) -> OperatorClient {
        OperatorClient {
            plan: plan.clone(),
            world: Arc::clone(&self.world),
            operator: agent.operator.clone(),
        }
    }

    /// Waits until nothing is left to do, or until the time for that is over.
    async fn quiet(&self, agent: &Agent) {
        let world = &self.world;
        let end = world.plan.healed + AFTERWARDS;
        sleep((world.plan.healed + LOOK).saturating_sub(world.elapsed())).await;
        while world.elapsed() < end {
            sleep(LOOK).await;
            let census = agent.storage.backend().census().await;
            if census.is_ok_and(|census| census.waiting + census.leased == 0) {
                break;
            }
        }
        sleep(CLIENTS).await;
    }

    /// Everything is done: what is left now is left for good.
    async fn finish(&self, processes: Vec<Process>) {
        let mut calls = 0;
        for process in processes {
            let Process {
                agent,
                backend,
                stop,
                dispatching,
            } = process;
            stop.cancel();
            if timeout(LOOK, dispatching).await.is_err() {
                self.world.violation("an attempt does not end".into());
            }
            agent.endpoint.close().await;
            agent.storage.flush().await;
            check::at_rest(&self.world, &agent, &backend).await;
            if timeout(LOOK, check::events(&self.world, &*backend))
                .await
                .is_err()
            {
                self.world.violation("events cannot be read".into());
            }
            calls += backend.calls();
        }
        check::polls(&self.world, calls);
    }

    /// Stops in good order, as the program does.
    async fn drain(&self, process: Process) {
        self.world.tell(AGENT, || "is told to stop".into());
        let Process {
            agent,
            stop,
            dispatching,
            ..
        } = process;
        stop.cancel();
        let storage = &agent.storage;
        let ended = async {
            // The dispatcher ends when its attempts have ended.
            let _ = dispatching.await;
            storage.given_back().await;
        };
        storage.drain_by_steps(ended).await;
        let _ = timeout(CLOSE, storage.flush()).await;
        let _ = timeout(CLOSE, storage.leave()).await;
    }
}

/// Notes when a process has to give up its work, which others may then repeat.
async fn note_losses(world: Arc<World>, mut sound: watch::Receiver<bool>) {
    while sound.changed().await.is_ok() {
        if !*sound.borrow_and_update() {
            let now = world.elapsed();
            world.ledger().ends.push(now);
            world.tell(AGENT, || "gives up what it works on".into());
        }
    }
}

async fn collect(storage: Storage) {
    loop {
        sleep(LOOK * 10).await;
        let now = storage.clock().now();
        let collected = storage.backend().collect_garbage(now, Retention::default());
        // The next round tries again.
        let _ = collected.await;
    }
}
