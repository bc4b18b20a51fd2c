//! The order in which things are decided, the same wherever subjects are kept: what is due comes before the row that came
//! after it, and what subjects tell each other comes before the next of either.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::{
    self, Command, DeliveryFailure, Effects, Event, Ground, Input, Interval, Message, Position, Recovery, Rule,
    RuleSet, Slice, Standing, Subject, SubjectKind, Timestamp,
};

/// Where subjects are kept.
pub trait Slices {
    type Error;

    /// Lets `work` change the slice of `subject`; one of which nothing is kept is new.
    ///
    /// # Errors
    /// When the slice cannot be had; `work` has not run then.
    fn with(&mut self, subject: &Subject, work: impl FnOnce(&mut Slice)) -> Result<(), Self::Error>;

    /// The subjects that a new rule set judges at once: at least those with open alerts. The others follow by
    /// [`Order::judge`], or when something comes to them.
    ///
    /// # Errors
    /// When they cannot be found.
    fn to_judge(&mut self) -> Result<BTreeSet<Subject>, Self::Error>;

    /// Whether this made the engine panic before, so that it is passed over.
    fn is_broken(&self, _in_hand: &InHand) -> bool {
        false
    }
}

/// What is being decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InHand {
    Nothing,
    Row(Position),
    Wake(Subject),
}

/// What a journal row holds, ready to be decided.
pub enum Given<'a> {
    /// An event; one that speaks of no subject changes nothing.
    Event(&'a Event<'a>),
    Command(&'a Command),
    /// From here on this rule set decides.
    Rules(Arc<RuleSet>),
    DeliveryFailed(&'a DeliveryFailure),
    /// In this stretch nothing could be heard. The row stands where the stretch begins, or right behind what was decided before
    /// it was known, so that what is due in it comes after the row.
    Blind(Interval),
    /// What became of such a stretch.
    Recovery(&'a Recovery),
    /// What cannot be read back, or is passed over: it has its place, and changes nothing.
    Nothing,
}

/// A run of decisions between two looks at the outside: rows and due times go in, effects gather.
pub struct Order {
    pub rules: Arc<RuleSet>,
    pub standing: Standing,
    pub effects: Effects,
    /// Due times of subjects: all that there are up to where this run goes.
    due: BTreeSet<(Timestamp, Subject)>,
    /// The last row that was taken.
    position: Position,
    in_hand: InHand,
}

impl Order {
    /// Begins after the row `position`. New alerts are numbered from `next_alert`; `due` must hold every due time up to the
    /// last instant that this run comes to.
    #[must_use]
    pub fn new(
        rules: Arc<RuleSet>,
        standing: Standing,
        position: Position,
        next_alert: u64,
        due: BTreeSet<(Timestamp, Subject)>,
    ) -> Self {
        let effects = Effects { next_alert, ..Effects::default() };
        Self { rules, standing, effects, due, position, in_hand: InHand::Nothing }
    }

    /// The last row that was taken.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What was being decided last; after a panic, what made it.
    #[must_use]
    pub fn into_in_hand(self) -> InHand {
        self.in_hand
    }

    /// The first due time that is known.
    #[must_use]
    pub fn first_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Runs every wake-up due at or before `until`, by due time, then subject; gives their number.
    ///
    /// # Errors
    /// When a slice cannot be had.
    pub fn wake_until<S: Slices>(&mut self, slices: &mut S, until: Timestamp) -> Result<usize, S::Error> {
        let mut wakes = 0;
        while self.first_due().is_some_and(|due| due <= until) {
            let Some((due, subject)) = self.due.pop_first() else { break };
            wakes += 1;
            self.in_hand = InHand::Wake(subject.clone());
            if slices.is_broken(&self.in_hand) {
                slices.with(&subject, forget_due)?;
                continue;
            }
            let ended = self.effects.ended.len();
            self.step(slices, &subject, &Input::Wake { position: self.position }, due)?;
            self.deliver(slices, None, due)?;
            self.standing.silences_over(due, &mut self.effects.records);
            self.alerts_ended(slices, ended, due)?;
        }
        Ok(wakes)
    }

    /// Says that the row at `position` is in hand now, for whoever has something to do with it before [`Order::row`].
    pub fn begin(&mut self, position: Position) {
        self.in_hand = InHand::Row(position);
    }

    /// Takes the row at `position`, which came `at`; whatever is due by then must have run.
    ///
    /// # Errors
    /// When a slice cannot be had.
    pub fn row<S: Slices>(
        &mut self,
        slices: &mut S,
        position: Position,
        at: Timestamp,
        given: Given<'_>,
    ) -> Result<(), S::Error> {
        self.begin(position);
        let ended = self.effects.ended.len();
        match given {
            Given::Event(event) => {
                if let Some(first) = event.facts.about.first() {
                    self.step(slices, &first.subject, &Input::Event(event), at)?;
                    self.deliver(slices, Some(event), at)?;
                }
            }
            Given::Command(command) => self.command(slices, command, position, at)?,
            Given::Rules(rules) => {
                self.standing.begin(&self.rules, &rules, position, at);
                self.rules = rules;
                for subject in slices.to_judge()? {
                    self.judge(slices, &subject)?;
                }
            }
            Given::Blind(interval) => {
                self.standing.add_blind(interval);
                (self.standing.blind_since, self.standing.blind_at) = (position, at);
            }
            Given::Recovery(Recovery::Begun { interval }) => {
                self.standing.away = Some(*interval);
                if self.standing.blind_since + 1 == position {
                    self.standing.blind_since = position;
                }
            }
            Given::Recovery(Recovery::Healed { interval }) => {
                if self.standing.heal(*interval, position, at) {
                    for subject in slices.to_judge()? {
                        self.judge(slices, &subject)?;
                    }
                }
            }
            Given::Recovery(Recovery::Ended { outage }) => {
                self.standing.away = None;
                self.effects.messages.extend(engine::tells_of_return(&self.rules, outage));
                self.deliver(slices, None, at)?;
            }
            Given::DeliveryFailed(failure) if !failure.group.is_empty() => {
                let subject = engine::answers_for(&failure.group);
                self.step(slices, &subject, &Input::DeliveryFailed { failure, position }, at)?;
                self.deliver(slices, None, at)?;
            }
            Given::DeliveryFailed(_) | Given::Nothing => {}
        }
        self.position = position;
        self.alerts_ended(slices, ended, at)
    }

    /// Silences that were to last until their alerts end may be over.
    fn alerts_ended<S: Slices>(&mut self, slices: &mut S, before: usize, at: Timestamp) -> Result<(), S::Error> {
        let Self { standing, effects, .. } = self;
        let ended = effects.ended.get(before..).unwrap_or_default().iter().map(|alert| alert.number);
        let over = standing.alerts_over(ended, at, &mut effects.records);
        for subject in over {
            self.effects.messages.push_back((subject, Message::Over));
        }
        self.deliver(slices, None, at)
    }

    /// Somebody asked for something.
    fn command<S: Slices>(
        &mut self,
        slices: &mut S,
        command: &Command,
        position: Position,
        at: Timestamp,
    ) -> Result<(), S::Error> {
        let subject = match command {
            Command::TestNotification { receiver, .. } => {
                Some(Subject::new(SubjectKind::Group, format!("test {receiver}")))
            }
            Command::Alert { subject, .. } => Some(subject.clone()),
            Command::Silence { silence } => {
                let subject = self.standing.add_silence(silence, position, at, &mut self.effects.records);
                let silence = self.standing.silences.last().cloned();
                if let Some(silence) = silence {
                    let command = Command::Silence { silence: Box::new(silence) };
                    self.step(slices, &subject, &Input::Command { command: &command, position }, at)?;
                }
                None
            }
            Command::Unsilence { silence, by } => {
                let over = self.standing.end_silence(*silence, by, position, at, &mut self.effects.records);
                self.effects.messages.extend(over.map(|subject| (subject, Message::Over)));
                None
            }
        };
        if let Some(subject) = subject {
            self.step(slices, &subject, &Input::Command { command, position }, at)?;
        }
        self.deliver(slices, None, at)
    }

    /// Judges a subject by the rule set in force, where that has not been done yet. Until then it is done before anything else
    /// comes to the subject, so that it does not matter when the turn of each comes.
    ///
    /// # Errors
    /// When a slice cannot be had.
    pub fn judge<S: Slices>(&mut self, slices: &mut S, subject: &Subject) -> Result<(), S::Error> {
        self.in_hand = InHand::Wake(subject.clone());
        if slices.is_broken(&self.in_hand) {
            return Ok(());
        }
        let Self { rules, standing, effects, due, position, .. } = self;
        slices.with(subject, |slice| {
            let before = slice.due;
            judge_anew(rules, standing, slice, *position, effects);
            keep_due(due, subject, before, slice.due);
        })?;
        let (_, at) = self.standing.looked_since();
        self.deliver(slices, None, at)
    }

    /// Counts an event of the past for a rule of the set in force that counts anew; gives the subject that it counted for.
    ///
    /// # Errors
    /// When a slice cannot be had.
    pub fn recount<S: Slices>(
        &mut self,
        slices: &mut S,
        event: &Event<'_>,
        rule: &Rule,
    ) -> Result<Option<Subject>, S::Error> {
        let Some(first) = event.facts.about.first() else { return Ok(None) };
        let mut of = (first.subject.kind == rule.subject).then(|| first.subject.clone());
        if of.is_none() {
            of = event.facts.party(rule.subject).map(|about| about.subject.clone());
        }
        if of.is_none() {
            slices.with(&first.subject, |slice| {
                let related = slice.projection.related.get(&rule.subject);
                of = related.map(|related| Subject::new(rule.subject, related.id.clone()));
            })?;
        }
        if let Some(subject) = &of {
            self.step(slices, subject, &Input::Recount { event, rule: &rule.name }, self.standing.rules_at)?;
        }
        Ok(of)
    }

    /// What came before is counted: judges what a rule has counted of a subject.
    ///
    /// # Errors
    /// When a slice cannot be had.
    pub fn recounted<S: Slices>(&mut self, slices: &mut S, subject: &Subject, rule: &Rule) -> Result<(), S::Error> {
        let (at, position) = (self.standing.rules_at, self.position);
        self.step(slices, subject, &Input::Recounted { rule: &rule.name, position }, at)?;
        self.deliver(slices, None, at)
    }

    /// Takes the messages between subjects, first in first out, until there are none.
    fn deliver<S: Slices>(
        &mut self,
        slices: &mut S,
        event: Option<&Event<'_>>,
        now: Timestamp,
    ) -> Result<(), S::Error> {
        while let Some((subject, message)) = self.effects.messages.pop_front() {
            let position = event.map_or(self.position, |event| event.position);
            self.step(slices, &subject, &Input::Message { message: &message, event, position }, now)?;
        }
        Ok(())
    }

    fn step<S: Slices>(
        &mut self,
        slices: &mut S,
        subject: &Subject,
        input: &Input<'_>,
        now: Timestamp,
    ) -> Result<(), S::Error> {
        let Self { rules, standing, effects, due, position, .. } = self;
        slices.with(subject, |slice| {
            let before = slice.due;
            judge_anew(rules, standing, slice, *position, effects);
            engine::step(Ground { rules, standing }, slice, input, now, effects);
            keep_due(due, subject, before, slice.due);
        })
    }
}

/// Judges a slice by the rule set in force, and by what counts as heard, where that has not been done yet.
fn judge_anew(rules: &RuleSet, standing: &Standing, slice: &mut Slice, position: Position, effects: &mut Effects) {
    let (since, _) = standing.looked_since();
    if slice.projection.judged >= since || !slice.subject.kind.is_named() {
        return;
    }
    if slice.is_unknown() {
        slice.projection.judged = since;
        return;
    }
    let ground = Ground { rules, standing };
    if slice.projection.judged < standing.rules_since {
        let input = Input::Rules { since: standing.rules_since, position };
        engine::step(ground, slice, &input, standing.rules_at, effects);
    }
    if slice.projection.judged < standing.healed_since {
        let input = Input::Healed { since: standing.healed_since, position };
        engine::step(ground, slice, &input, standing.healed_at, effects);
    }
}

fn keep_due(
    due: &mut BTreeSet<(Timestamp, Subject)>,
    subject: &Subject,
    before: Option<Timestamp>,
    after: Option<Timestamp>,
) {
    if before == after {
        return;
    }
    if let Some(before) = before {
        due.remove(&(before, subject.clone()));
    }
    if let Some(after) = after {
        due.insert((after, subject.clone()));
    }
}

/// Lets a subject sleep until an event wakes it.
fn forget_due(slice: &mut Slice) {
    slice.due = None;
    slice.dirty = true;
}
