//! The stream: opened, lost, opened again, and what it delivers.

use std::time::Duration;

use serde_json::Value;

use super::super::report::Loss;
use super::super::waits::Seen;
use super::super::{Action, Answer, Lost, Request, Step};
use super::{Machine, Phase, Stream};
use crate::json::strict;
use crate::stage::sse;

/// The delay before a lost stream is opened again, where the server names none.
const REOPEN: Duration = Duration::from_secs(3);
/// The longest delay that a server may ask for.
const REOPEN_MAX: Duration = Duration::from_secs(30);
/// How many events are kept while the answer of their request is awaited.
const KEPT: usize = 20_000;
/// How many event types are counted by name, and how many samples of unparsable data are kept.
const TYPES: usize = 500;
const SAMPLES: usize = 3;

impl Machine {
    pub(super) fn stream_open(&mut self, now: Duration, ticket: u64) {
        if self.is_pending(ticket) == Some(Step::Stream) {
            let Some(pending) = self.pending.take() else { return };
            self.answered = true;
            self.facts.connected_at = Some(self.stamp(now).millis_z());
            self.stream = Stream::Open(ticket);
            self.report(Step::Stream).http_status = Some(200);
            self.pass(now, pending.sent.map_or(pending.first, |(_, at)| at), Step::Stream, String::new());
        } else if self.stream == Stream::Reopening(ticket) {
            self.stream = Stream::Open(ticket);
            let at = self.stamp(now).millis_z();
            if let Some(loss) = self.facts.losses.last_mut() {
                loss.reopened_at = Some(at);
            }
        }
    }

    pub(super) fn stream_refused(&mut self, now: Duration, ticket: u64, answer: &Answer) {
        let why = match answer.status {
            200 => format!(
                "the event stream has the content type {:?} instead of text/event-stream",
                self.start_of(&answer.content_type)
            ),
            status => format!("Non-200 status code ({status}) for the event stream"),
        };
        if self.is_pending(ticket) == Some(Step::Stream) {
            self.answered = true;
            self.report(Step::Stream).http_status = Some(answer.status);
            self.try_again_or_fail(now, Step::Stream, Some(answer), &why);
        } else if self.stream == Stream::Reopening(ticket) {
            self.stream = Stream::Dead(format!("the stream was lost and not given back: {why}"));
        }
    }

    pub(super) fn stream_lost(&mut self, now: Duration, ticket: u64, lost: &Lost, actions: &mut Vec<Action>) {
        if self.is_pending(ticket) == Some(Step::Stream) {
            return self.try_again_or_fail(now, Step::Stream, None, &lost.reason);
        }
        let (was_open, ours) = match self.stream {
            Stream::Open(current) => (true, current == ticket),
            Stream::Reopening(current) => (false, current == ticket),
            _ => (false, false),
        };
        if !ours || self.phase >= Phase::Cleanup {
            return;
        }
        self.facts.unparsable += lost.oversized;
        if was_open {
            self.facts.losses.push(Loss {
                at: self.stamp(now).millis_z(),
                reason: self.secrets.mask(&lost.reason),
                reopened_at: None,
                resumable: !lost.last_event_id.is_empty(),
            });
        }
        self.tickets += 1;
        self.stream = Stream::Reopening(self.tickets);
        let delay = lost.retry.unwrap_or(REOPEN).min(REOPEN_MAX);
        let request = Request::stream(&self.token, &self.correlation.session, &lost.last_event_id);
        actions.push(Action::Open(self.tickets, request, delay, self.settings.timeout));
    }

    pub(super) fn stream_event(&mut self, now: Duration, ticket: u64, event: &sse::Event) {
        if self.stream != Stream::Open(ticket) {
            return;
        }
        self.facts.events += 1;
        self.facts.named_events += u64::from(event.name != "message");
        let value = strict::parse(event.data.as_bytes()).ok().filter(|v| v.is_object() || v.is_array());
        let Some(mut value) = value else {
            self.facts.unparsable += 1;
            if self.facts.unparsable_samples.len() < SAMPLES {
                let sample = self.secrets.mask(&event.data).chars().take(80).collect();
                self.facts.unparsable_samples.push(sample);
            }
            return;
        };
        let kind = value.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        let kind = self.secrets.mask(kind.unwrap_or("unknown"));
        let counted = if self.event_counts.len() < TYPES || self.event_counts.contains_key(&kind) {
            kind.clone()
        } else {
            "other".to_owned()
        };
        *self.event_counts.entry(counted).or_default() += 1;
        let payload = value.get_mut("payload").map(Value::take).unwrap_or_default();
        let seen = Seen { at: now, kind, payload };
        self.facts.foreign_events += u64::from(self.correlation.is_foreign(&seen));
        let sent = self.pending.as_ref().is_some_and(|pending| pending.attempts > 0);
        let before_check = self.phase < Phase::Probe || (self.phase == Phase::Probe && !sent && self.waits.is_empty());
        if seen.kind == "overlay.characterSync" && before_check {
            let revision = seen.payload.get("revision").and_then(Value::as_f64);
            self.correlation.revision = revision.or(self.correlation.revision);
        }
        self.offer(&seen);
        if sent && self.recent.len() < KEPT {
            self.recent.push(seen);
        }
    }
}
