//! What the story is told with: the daemon, the stand-ins around it, and a clock that both go by.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::cast::Told;
use super::mail_catcher::Mail;
use super::show::{Moves, Show};
use crate::account::webhooks::Plan;
use crate::api::Status;
use crate::api::client::AdminClient;
use crate::clock::Clock;
use crate::config::Settings;
use crate::daemon::Daemon;
use crate::digest;
use crate::engine::Timestamp;
use crate::simulate::account::StandIn;

/// How long a message is waited for that is certain to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked what has come.
const LOOK: Duration = Duration::from_millis(100);

/// What is caught of what the daemon sends.
pub(super) struct Caught {
    pub mails: UnboundedReceiver<Mail>,
    pub messages: UnboundedReceiver<Value>,
}

/// Everything that plays a part.
pub(super) struct Stage {
    pub stand_in: StandIn,
    pub show: Show,
    /// How many times faster than usual it is told.
    pub speed: f64,
    settings: Settings,
    caught: Caught,
    moves: Moves,
    clock: Clock,
    daemon: Option<Daemon>,
    /// The subjects of the mails that were shown, and the texts of Slack's messages.
    mailed: Vec<String>,
    slacked: Vec<String>,
    /// Events of which the reader knows.
    known: u64,
    /// Repetitions of which the reader knows.
    repeated: u64,
}

impl Stage {
    /// `begin` is when the story does.
    pub(super) fn new(settings: Settings, stand_in: StandIn, caught: Caught, begin: Timestamp, speed: f64) -> Self {
        Self {
            stand_in,
            show: Show::new(),
            speed,
            settings,
            caught,
            moves: Moves::default(),
            clock: Clock::going_from(begin),
            daemon: None,
            mailed: Vec::new(),
            slacked: Vec::new(),
            known: 0,
            repeated: 0,
        }
    }

    /// What the story's clock shows.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts the daemon; the story goes on from `at`.
    pub(super) async fn start(&mut self, at: Timestamp) -> anyhow::Result<()> {
        self.clock = Clock::going_from(at);
        self.stand_in.move_to(self.now()).await;
        self.daemon = Some(Daemon::start_by(self.clock.clone(), self.settings.clone(), None).await?);
        self.repeated = 0;
        Ok(())
    }

    /// Stops the daemon, if it runs.
    pub(super) async fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop().await;
        }
    }

    /// Subscribes to what the rules need.
    pub(super) async fn subscribe(&self) -> anyhow::Result<Plan> {
        let daemon = self.daemon.as_ref().context("the daemon does not run")?;
        Ok(daemon.shared().sync_subscriptions(false).await?)
    }

    /// Waits for so many seconds as they are told, and shows nothing.
    pub(super) async fn wait(&self, seconds: f64) {
        sleep(Duration::from_secs_f64(seconds / self.speed)).await;
    }

    /// Lets so many seconds pass as they are told, and shows what comes meanwhile.
    pub(super) async fn pass(&mut self, seconds: f64) {
        let end = Instant::now() + Duration::from_secs_f64(seconds / self.speed);
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(mail) = self.caught.mails.recv() => {
                    self.look();
                    self.mailed.extend(mail.header("Subject"));
                    self.show.mail(self.clock.now(), &mail);
                }
                Some(message) = self.caught.messages.recv() => {
                    self.look();
                    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
                    self.slacked.push(text.to_owned());
                    self.show.slack(self.clock.now(), text);
                }
                _ = tick.tick() => {
                    self.stand_in.move_to(self.clock.now()).await;
                    self.look();
                }
                () = sleep_until(end) => return,
            }
        }
    }

    fn look(&mut self) {
        if let Some(daemon) = &self.daemon {
            self.moves.show_new(&self.show, daemon.shared());
        }
    }

    /// Waits for a mail and a message of Slack's that hold these words; the story goes on meanwhile.
    pub(super) async fn told(&mut self, about: &str) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        let has = |texts: &[String]| texts.iter().any(|text| text.contains(about));
        while !(has(&self.mailed) && has(&self.slacked)) {
            ensure!(Instant::now() < end, "no message has come about: {about}");
            self.pass(0.2).await;
        }
        Ok(())
    }

    /// Waits until the daemon has read the list of devices and planned this digest: from then on it counts what happens for
    /// it. Gives how many devices it knows.
    pub(super) async fn settled(&mut self, digest: &str) -> anyhow::Result<u64> {
        let end = Instant::now() + PATIENCE;
        loop {
            let store = &self.daemon.as_ref().context("the daemon does not run")?.shared().store;
            let figures = store.figures()?;
            let is_read = store.recovery()?.fleet_read_at.is_some() && figures.oldest_unprocessed.is_none();
            if is_read && store.digest_due(digest)?.is_some() {
                return Ok(figures.devices);
            }
            ensure!(Instant::now() < end, "the devices are not read, or the digest {digest} is not planned");
            self.pass(0.2).await;
        }
    }

    /// Asks for a digest.
    pub(super) async fn send(&self, digest: &'static str) -> anyhow::Result<()> {
        let parts = self.daemon.as_ref().context("the daemon does not run")?.shared().digests.clone();
        tokio::task::spawn_blocking(move || digest::send(&parts, digest, "the demo")).await??;
        Ok(())
    }

    /// After so many seconds Impilo tells something, and it arrives.
    pub(super) async fn event(&mut self, after: f64, what: &str, told: Told) {
        self.pass(after).await;
        self.others();
        self.show.event(self.now(), what);
        self.unseen(0.0, told).await;
    }

    /// The same, and nothing is said of it.
    pub(super) async fn unseen(&mut self, after: f64, (kind, payload): Told) {
        self.pass(after).await;
        self.stand_in.add(kind, &payload.to_string());
        self.known += 1;
        self.stand_in.move_to(self.clock.now()).await;
    }

    /// How many events there were of which the reader does not know yet.
    pub(super) fn untold(&mut self) -> u64 {
        let told = self.stand_in.tally().told;
        let untold = told.saturating_sub(self.known);
        self.known = told;
        untold
    }

    /// Says how much the other devices have told meanwhile.
    fn others(&mut self) {
        match self.untold() {
            0 => {}
            1 => self.aside("One more event, of another device."),
            others => self.aside(&format!("{others} more events, of other devices.")),
        }
        let repeated =
            self.daemon.as_ref().map_or(0, |daemon| daemon.shared().counters.repeated.load(Ordering::Relaxed));
        if repeated > self.repeated {
            self.aside("Impilo sends again what it could not deliver before. It is known already, and counts once.");
            self.repeated = repeated;
        }
    }

    /// Goes on to a later time, at which Impilo tells something that does not arrive.
    pub(super) async fn lose(&mut self, seconds: f64, at: Timestamp, what: &str, (kind, payload): Told) {
        self.skip_to(at).await;
        self.show.lost(at, what);
        self.stand_in.add(kind, &payload.to_string());
        self.wait(seconds).await;
    }

    /// Goes on to a later time.
    pub(super) async fn skip_to(&mut self, at: Timestamp) {
        self.stand_in.move_to(at).await;
        self.clock = Clock::going_from(at);
    }

    /// Something beside the story.
    pub(super) fn aside(&self, what: &str) {
        self.show.aside(self.now(), what);
    }

    /// Says what has come of it all, as `pulsewarden status` does.
    pub(super) async fn sum_up(&mut self) -> anyhow::Result<()> {
        self.others();
        let status: Status = AdminClient::new(&self.settings.admin.socket)?.get("/api/v1/status").await?;
        let kept: u64 = status.figures.last_by_type.iter().map(|(_, _, count)| count).sum();
        let text = format!(
            "{kept} events kept, {} devices known, alerts still open: {}. Is anything missing? {}\n\
             README.md tells how to install Pulsewarden, docs/simulate.md how to try yours with the stand-in for Impilo.",
            status.figures.devices, status.figures.open_alerts, status.whole.sentence
        );
        self.show.section("That was it", &text);
        Ok(())
    }

    /// Goes on until somebody ends it.
    pub(super) async fn stay(&mut self) {
        loop {
            self.pass(1.0).await;
        }
    }
}
