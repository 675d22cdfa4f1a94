//! `--notify`: a rehearsal of the policy of notifications, sent or only decided.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::command::notify::{Courier, RECEIPTS, read_policy};
use crate::command::{Common, Error};
use crate::finding::Finding;
use crate::io::notify::Issues;
use crate::io::{clock, files};
use crate::json::lenient;
use crate::stage::notify::policy::Policy;
use crate::stage::notify::report::{self, Notifications, Outcome, Receipt, Told};
use crate::stage::notify::router::{Routed, Router};
use crate::stage::notify::{Event, Severity, TEST};

/// Who hears of what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications")]
pub(super) struct NotifyArgs {
    /// Rehearse this policy of notifications: TOML with a table `notify`, or JSON. Shows who would hear of what; nothing is sent
    #[arg(long, value_name = "FILE")]
    pub(super) notify: Option<PathBuf>,
    /// Send: one marked test event to each channel, or what the policy lets through of --replay
    #[arg(long, requires = "notify")]
    deliver: bool,
    /// Play these events through the policy on a clock of their own: JSON lines with `at` in seconds
    #[arg(long, value_name = "EVENTS", requires = "notify")]
    replay: Option<PathBuf>,
}

/// Rehearses the policy; none if nobody asks.
///
/// # Errors
/// The policy cannot be meant, or a file cannot be read or written.
pub(super) fn rehearse(common: &Common, args: &NotifyArgs) -> Result<Option<Notifications>, Error> {
    let Some(path) = &args.notify else { return Ok(None) };
    let policy = read_policy(path)?;
    let (events, problems) = match &args.replay {
        Some(path) => replay(path)?,
        None => (tests(&policy), Vec::new()),
    };
    let mut play = Play {
        policy: &policy,
        courier: Courier { policy: &policy, sends: args.deliver, issues: Issues::default() },
        told: Vec::new(),
        receipts: Vec::new(),
    };
    match args.replay {
        Some(_) => play.all(&events),
        None => play.each_channel(&events),
    }
    let Play { told, receipts, .. } = play;
    let result = report::judge(&policy, told, receipts, problems, args.deliver);
    if args.deliver {
        let folder = common.out.clone().unwrap_or_default();
        let document = json!({
            "schema": "emp-ops/delivery-receipt/v1", "generated_at": clock::generated_at(), "status": result.status,
            "receipts": result.receipts,
        });
        files::replace(&folder.join(RECEIPTS), files::json_text(&document).as_bytes())?;
    }
    Ok(Some(result))
}

/// The events of a file, one to a line, in their order.
fn replay(path: &Path) -> Result<(Vec<Step>, Vec<Finding>), Error> {
    let shown = path.display().to_string();
    let bytes = files::read(path)?;
    let (mut steps, mut problems) = (Vec::new(), Vec::new());
    // Who does not say when something happened is told of it now.
    let now = clock::now().to_string();
    for (number, line) in lenient::text(&bytes).lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = serde_json::from_str::<Value>(line).map_err(|error| format!("it is not JSON: {error}"));
        let read = read.and_then(|value| match value.get("acknowledged") {
            Some(what) => {
                Ok(Step::Acknowledged(value["at"].as_f64().unwrap_or_default(), what.as_str().map(str::to_owned)))
            }
            None => Event::read(&value).map(|mut event| {
                if event.occurred_at.is_empty() {
                    event.occurred_at.clone_from(&now);
                }
                Step::Event(event)
            }),
        });
        match read {
            Ok(step) => steps.push(step),
            Err(why) => problems.push(Finding::fail(why).in_file(shown.clone(), Some(number as u64 + 1))),
        }
    }
    Ok((steps, problems))
}

/// What happens in a replay.
#[derive(Clone, Debug)]
enum Step {
    Event(Event),
    /// Somebody looks after the event with this fingerprint, or after all.
    Acknowledged(f64, Option<String>),
}

/// A test event for each channel, marked as one.
fn tests(policy: &Policy) -> Vec<Step> {
    let now = clock::now().to_string();
    let test = |severity| {
        let mut context = serde_json::Map::new();
        context.insert("drill".to_owned(), true.into());
        Step::Event(Event {
            category: TEST.to_owned(),
            severity,
            message: "this is a test of the delivery; nothing has happened".to_owned(),
            occurred_at: now.clone(),
            tags: vec!["drill".to_owned()],
            fingerprint: format!("{TEST} {now}"),
            context,
            ..Event::default()
        })
    };
    policy.channels.iter().map(|channel| test(channel.min_severity.max(Severity::Warning))).collect()
}

struct Play<'p> {
    policy: &'p Policy,
    courier: Courier<'p>,
    told: Vec<Told>,
    receipts: Vec<Receipt>,
}

impl Play<'_> {
    /// Each event to the channel of its place, past all rules.
    fn each_channel(&mut self, steps: &[Step]) {
        for (channel, step) in steps.iter().enumerate() {
            let Step::Event(event) = step else { continue };
            let outcome = self.one(event, channel, None, 0);
            self.keep(event, vec![outcome]);
        }
        // Rules that bring nothing anywhere would not show.
        for glob in &self.policy.events {
            for severity in [Severity::Warning, Severity::Critical] {
                let event = Event { category: glob.clone(), severity, ..Event::default() };
                if !Router::new(self.policy).route(&event).is_matched() {
                    self.unrouted(&event);
                }
            }
        }
    }

    /// Every step in its order.
    fn all(&mut self, steps: &[Step]) {
        let mut router = Router::new(self.policy);
        for step in steps {
            let at = match step {
                Step::Event(event) => event.at,
                Step::Acknowledged(at, _) => *at,
            };
            for (rule, event) in router.due(at) {
                let Some((_, to)) = &self.policy.rules[rule].escalate else { continue };
                let event = Event { at, ..event };
                let outcomes = self.every(&event, to.iter().map(|channel| (*channel, rule, 0)).collect());
                self.keep(&event, outcomes.into_iter().map(|(_, _, outcome)| outcome).collect());
            }
            match step {
                Step::Acknowledged(_, which) => router.acknowledged(which.as_deref().filter(|which| *which != "all")),
                Step::Event(event) => self.event(event, &mut router),
            }
        }
    }

    fn event(&mut self, event: &Event, router: &mut Router<&Policy>) {
        let Routed { deliver, suppressed } = router.route(event);
        let mut actions = Vec::new();
        for (channel, rule, outcome) in self.every(event, deliver) {
            if outcome.1 != Outcome::Failed {
                router.delivered(event, channel, rule);
            }
            actions.push(outcome);
        }
        for (channel, rule) in suppressed {
            let receipt = self.receipt(event, Some((channel, Some(rule))), Outcome::Suppressed);
            self.receipts.push(receipt);
            actions.push((self.policy.channels[channel].name.clone(), Outcome::Suppressed));
        }
        if actions.is_empty() && event.severity > Severity::Info {
            self.unrouted(event);
        }
        self.keep(event, actions);
    }

    /// To all of these channels at once: none waits for another.
    fn every(&mut self, event: &Event, deliver: Vec<(usize, usize, u64)>) -> Vec<(usize, usize, (String, Outcome))> {
        let mut outcomes = Vec::new();
        for (channel, rule, receipt) in self.courier.every(event, deliver) {
            outcomes.push((channel, rule, (self.policy.channels[channel].name.clone(), receipt.outcome)));
            self.receipts.push(receipt);
        }
        outcomes
    }

    fn one(&mut self, event: &Event, channel: usize, rule: Option<usize>, held_back: u64) -> (String, Outcome) {
        let receipt = self.courier.sent(event, channel, rule, held_back);
        let outcome = (self.policy.channels[channel].name.clone(), receipt.outcome);
        self.receipts.push(receipt);
        outcome
    }

    fn receipt(&self, event: &Event, to: Option<(usize, Option<usize>)>, outcome: Outcome) -> Receipt {
        Receipt::of(self.policy, event, to, outcome)
    }

    fn unrouted(&mut self, event: &Event) {
        let receipt = self.receipt(event, None, Outcome::Unrouted);
        self.receipts.push(receipt);
    }

    fn keep(&mut self, event: &Event, mut actions: Vec<(String, Outcome)>) {
        actions.sort();
        self.told.push(Told {
            at: event.at,
            category: event.category.clone(),
            severity: event.severity,
            message: event.message.clone(),
            matched: !actions.is_empty(),
            actions,
        });
    }
}
