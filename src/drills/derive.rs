//! Reads the verdict on a drill off its steps.

use serde::{Deserialize, Serialize};

use super::plan::{Drill, Kind};
use super::step::{Stage, Step, StepKind};
use crate::time::{Stamp, human_seconds};

/// What became of a drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It went as it should.
    Passed,
    /// It did not.
    Failed,
    /// The run ended before it began.
    #[default]
    NotRun,
    /// Somebody asked to leave it out, or to try it without a fault.
    Skipped,
}

/// An instant of a drill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    pub at: Stamp,
    pub seconds: f64,
}

/// The verdict on a drill.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judged {
    pub state: State,
    /// Where it failed first.
    pub stage: Option<Stage>,
    pub injected: Option<Mark>,
    pub detected: Option<Mark>,
    pub detected_by: Option<String>,
    /// When somebody was told of it first.
    pub notified: Option<Mark>,
    pub acknowledged: Option<Mark>,
    pub restored: Option<Mark>,
    pub recovered: Option<Mark>,
    /// The last step.
    pub last: Option<Mark>,
    /// What is wrong with it, in words.
    pub findings: Vec<String>,
}

impl Judged {
    fn fail(&mut self, stage: Stage, why: String) {
        self.state = State::Failed;
        self.stage.get_or_insert(stage.told());
        self.findings.push(why);
    }
}

/// Reads the verdict on a drill off its steps.
pub(crate) fn derive(drill: &Drill, steps: &[Step], dry: bool) -> Judged {
    let mut judged = Judged { last: steps.last().map(mark), ..Judged::default() };
    if drill.skipped {
        judged.state = State::Skipped;
        judged.findings.push("left out by --skip-drill".to_owned());
        return judged;
    }
    if steps.is_empty() {
        judged.findings.push("the run ended before it began".to_owned());
        return judged;
    }
    judged.state = State::Passed;
    let of = Steps { drill, steps };
    if steps.windows(2).any(|pair| pair[1].seconds < pair[0].seconds) {
        judged.fail(Stage::Steady, "its steps are not in order of time".to_owned());
    }
    of.must_hold(Stage::Steady, "before anything was done", &mut judged);
    if judged.stage.is_none() && !drill.detect.is_empty() && !of.ended_in(Stage::Steady) {
        of.before(&mut judged);
    }
    if dry {
        return dry_run(&of, judged);
    }
    let injected = of.of(Stage::Inject, StepKind::Begun).next().map(mark);
    judged.injected = injected;
    let Some(injected) = injected else {
        if judged.stage.is_none() {
            let ended = of.ended().map_or("nothing was injected", |_| "the run ended before anything was injected");
            judged.fail(if drill.inject.is_empty() { Stage::Verify } else { Stage::Inject }, ended.to_owned());
        }
        return judged;
    };
    of.actions(Stage::Inject, &mut judged);
    of.detect(injected, &mut judged);
    of.actions(Stage::Restore, &mut judged);
    judged.restored = of.of(Stage::Restore, StepKind::Over).last().filter(|step| step.ok).map(mark);
    of.recover(injected, &mut judged);
    if judged.stage.is_none() {
        of.must_hold(Stage::Verify, "at the end", &mut judged);
        of.must_hold(Stage::Again, "again at the end", &mut judged);
    }
    of.acknowledge(&mut judged);
    if let (Some(ended), None) = (of.ended(), judged.stage) {
        judged.fail(ended.stage, "the run ended before the drill was over".to_owned());
    }
    if judged.stage.is_none() && of.is_unseen() {
        let told = match drill.kind {
            Kind::Fault => {
                "nothing showed its fault: it has no detect, and what shows the recovery held at every look, or comes \
                 anyway; add detect"
            }
            Kind::Exercise => "nothing showed that it worked: what shows it comes anyway",
        };
        judged.findings.push(told.to_owned());
    }
    judged
}

/// Nothing was injected because somebody asked for that.
fn dry_run(of: &Steps<'_>, mut judged: Judged) -> Judged {
    of.must_hold(Stage::Recover, "in this system as it is", &mut judged);
    of.must_hold(Stage::Verify, "in this system as it is", &mut judged);
    judged.state = State::Skipped;
    judged.stage = None;
    judged.findings.insert(0, "tried without a fault: nothing was injected (--dry-drills)".to_owned());
    judged
}

fn mark(step: &Step) -> Mark {
    Mark { at: step.at, seconds: step.seconds }
}

/// What a step says, for people.
fn said(step: &Step) -> String {
    if step.message.is_empty() { step.what.clone() } else { format!("{} ({})", step.what, step.message) }
}

struct Steps<'a> {
    drill: &'a Drill,
    steps: &'a [Step],
}

impl<'a> Steps<'a> {
    fn of(&self, stage: Stage, kind: StepKind) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| step.stage == stage && step.kind == kind)
    }

    fn ended(&self) -> Option<&'a Step> {
        self.steps.iter().find(|step| step.kind == StepKind::Ended)
    }

    fn ended_in(&self, stage: Stage) -> bool {
        self.ended().is_some_and(|step| step.stage == stage)
    }

    /// The last that is known of a condition.
    fn last(&self, stage: Stage, number: usize) -> Option<&'a Step> {
        self.of(stage, StepKind::Condition).filter(|step| step.number == number).last()
    }

    fn must_hold(&self, stage: Stage, when: &str, judged: &mut Judged) {
        for (number, condition) in self.drill.conditions(stage).iter().enumerate() {
            match self.last(stage, number) {
                Some(step) if step.ok => {}
                Some(step) => judged.fail(stage, format!("{when} this did not hold: {}", said(step))),
                None => judged.fail(stage, format!("{when} this was not looked at: {}", condition.what)),
            }
        }
    }

    fn before(&self, judged: &mut Judged) {
        let known: Vec<&Step> = (0..self.drill.detect.len()).filter_map(|n| self.last(Stage::Before, n)).collect();
        if known.iter().any(|step| !step.ok) {
            return;
        }
        match known.last().filter(|_| known.len() == self.drill.detect.len()) {
            Some(step) => judged.fail(
                Stage::Steady,
                format!("what should show the fault was true before anything was injected: {}", said(step)),
            ),
            None => judged.fail(
                Stage::Steady,
                "nobody looked whether what should show the fault was there before anything was injected".to_owned(),
            ),
        }
    }

    fn actions(&self, stage: Stage, judged: &mut Judged) {
        for (number, action) in self.drill.actions(stage).iter().enumerate() {
            match self.of(stage, StepKind::Action).filter(|step| step.number == number).last() {
                Some(step) if step.ok => {}
                Some(step) => judged.fail(stage, format!("{} failed: {}", verb(stage), said(step))),
                None if judged.stage == Some(Stage::Inject) && stage == Stage::Inject => {}
                None => judged.fail(stage, format!("{} was not done: {}", verb(stage), action.what)),
            }
        }
    }

    fn detect(&self, injected: Mark, judged: &mut Judged) {
        if self.drill.detect.is_empty() {
            return;
        }
        let first = |number: usize| {
            let mut own = self.of(Stage::Detect, StepKind::Condition).filter(|step| step.number == number);
            own.find(|step| step.ok && step.seconds >= injected.seconds)
        };
        let all: Option<Vec<&Step>> = (0..self.drill.detect.len()).map(first).collect();
        let limit = human_seconds(self.drill.detect_within_seconds);
        let Some(last) = all.into_iter().flatten().max_by(|a, b| a.seconds.total_cmp(&b.seconds)) else {
            let missing: Vec<&str> = (0..self.drill.detect.len())
                .filter(|number| first(*number).is_none())
                .map(|number| self.drill.detect[number].what.as_str())
                .collect();
            if judged.stage.is_none() {
                let early = if self.ended_in(Stage::Detect) { ", until the run ended" } else { "" };
                judged.fail(Stage::Detect, format!("not detected within {limit}{early}: {}", missing.join(", ")));
            }
            return;
        };
        judged.detected = Some(mark(last));
        let by = if last.message.is_empty() { &last.what } else { &last.message };
        judged.detected_by = Some(by.clone());
        let took = last.seconds - injected.seconds;
        if took > self.drill.detect_within_seconds {
            judged.fail(Stage::Detect, format!("detected only after {} (limit {limit})", human_seconds(took)));
        }
    }

    fn acknowledge(&self, judged: &mut Judged) {
        let mut known = [None, None];
        for step in self.of(Stage::Acknowledge, StepKind::Condition).filter(|step| step.ok && step.number < 2) {
            known[step.number].get_or_insert(mark(step));
        }
        [judged.notified, judged.acknowledged] = known;
        let Some(limit) = self.drill.acknowledge_within_seconds else { return };
        let told = human_seconds(limit);
        match known {
            [None, _] => judged
                .fail(Stage::Acknowledge, "no notification of it arrived, so nobody could acknowledge it".to_owned()),
            [Some(_), None] => judged.fail(Stage::Acknowledge, format!("not acknowledged within {told}")),
            [Some(from), Some(to)] if to.seconds - from.seconds > limit => {
                let took = human_seconds(to.seconds - from.seconds);
                judged.fail(Stage::Acknowledge, format!("acknowledged only after {took} (limit {told})"));
            }
            _ => {}
        }
    }

    /// Whether it would look the same if its injection had done nothing.
    fn is_unseen(&self) -> bool {
        // It comes anyway where it came within the same time before, too.
        let done = self.of(Stage::Restore, StepKind::Over).chain(self.of(Stage::Inject, StepKind::Over)).next();
        let came = |place: usize, stage, number| {
            let shown = self.of(stage, StepKind::Condition).find(|step| step.number == number && step.ok);
            let took = done.zip(shown).map_or(0.0, |(from, shown)| shown.seconds - from.seconds);
            let mut before = self.of(Stage::Before, StepKind::Condition).filter(|step| step.number == place && step.ok);
            before.any(|step| step.duration_seconds.is_some_and(|ago| ago <= took + self.drill.poll_seconds))
        };
        let fell = |stage, number| self.of(stage, StepKind::Condition).any(|step| step.number == number && !step.ok);
        let mut shown = self.drill.shown().enumerate();
        // What an exercise leaves behind may be there before.
        let told =
            self.drill.kind == Kind::Fault || shown.clone().all(|(_, (_, _, condition))| condition.kind.happens());
        told && self.drill.detect.is_empty()
            && shown.all(|(place, (stage, number, condition))| match condition.kind.happens() {
                true => came(place, stage, number),
                false => !fell(stage, number),
            })
    }

    /// Since when all conditions held when that was looked at last, and whether that lasted.
    fn recover(&self, injected: Mark, judged: &mut Judged) {
        let conditions = &self.drill.recover;
        if conditions.is_empty() {
            return;
        }
        let limit = human_seconds(self.drill.recover_within_seconds);
        let mut holds = vec![false; conditions.len()];
        let mut since = None;
        let mut fell_back = false;
        for step in self.of(Stage::Recover, StepKind::Condition) {
            if let Some(known) = holds.get_mut(step.number) {
                *known = step.ok;
            }
            let all = holds.iter().all(|known| *known);
            fell_back |= since.is_some() && !all;
            since = all.then(|| since.unwrap_or_else(|| mark(step)));
        }
        let over = self.of(Stage::Recover, StepKind::Over).last();
        let Some(since) = since else {
            let missing: Vec<&str> =
                conditions.iter().zip(&holds).filter(|(_, held)| !**held).map(|(c, _)| c.what.as_str()).collect();
            let told = match (over, fell_back) {
                (None, _) => format!("the run ended before it recovered: {}", missing.join(", ")),
                (Some(_), true) => format!("recovered, but not for {}", human_seconds(self.drill.hold_seconds)),
                (Some(_), false) => format!("not recovered within {limit}: {}", missing.join(", ")),
            };
            judged.fail(Stage::Recover, told);
            return;
        };
        let held = over.map_or(0.0, |over| over.seconds - since.seconds);
        let took = since.seconds - injected.seconds;
        // Steps are noted to the millisecond.
        if over.is_none() || held + 0.0015 < self.drill.hold_seconds {
            let wanted = human_seconds(self.drill.hold_seconds);
            judged.fail(Stage::Recover, format!("the run ended before it had recovered for {wanted}"));
        } else if took > self.drill.recover_within_seconds + 0.0015 {
            judged.fail(Stage::Recover, format!("recovered only after {} (limit {limit})", human_seconds(took)));
        }
        judged.recovered = Some(since);
    }
}

fn verb(stage: Stage) -> &'static str {
    if stage == Stage::Restore { "the restore" } else { "the injection" }
}

/// Whether it proves anything: something must show the fault, the recovery, or the result.
pub(crate) fn proves(drill: &Drill) -> Result<(), &'static str> {
    if drill.detect.is_empty() && drill.recover.is_empty() && drill.verify.is_empty() {
        return Err("it has neither detect nor recover nor verify: it would prove nothing");
    }
    if drill.kind == Kind::Fault && drill.inject.is_empty() {
        return Err("a fault needs inject; kind = \"exercise\" has steps instead");
    }
    Ok(())
}
