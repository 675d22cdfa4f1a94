//! Notifications sent and kept, and acknowledgements looked for. Each channel sends on a thread of its own: a dead endpoint
//! holds nobody up.

use std::cell::Cell;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::{Driver, Message, RunError};
use crate::io::notify::{self, Issues};
use crate::stage::notify::live::{Delivery, Order};
use crate::stage::notify::message;
use crate::stage::notify::policy::Policy;
use crate::supervise::acks::{self, Ack};
use crate::supervise::event::Event;

/// Between looks at the acknowledgements.
const LOOK: Duration = Duration::from_millis(500);

/// How far the acknowledgements were read.
pub(super) struct Acks {
    looked: Instant,
    read: u64,
    /// The issues that were made.
    issues: Arc<Issues>,
}

impl Acks {
    pub(super) fn new() -> Self {
        Self { looked: Instant::now(), read: 0, issues: Arc::default() }
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

impl Driver {
    pub(super) fn notify(&mut self, order: Order) -> Result<(), RunError> {
        let (channel, event, held_back) = match order {
            Order::Keep(receipt) => {
                let now = self.clocks.now().wall;
                self.keep.receipt(&receipt, now);
                return Ok(());
            }
            Order::Send { channel, event, held_back } => (channel, event, held_back),
        };
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let (sender, helpers) = (self.sender.clone(), self.helpers.clone());
        let issues = Arc::clone(&self.acks.issues);
        let body = move || {
            let Policy { channels, deadline, .. } = &*policy;
            let to = &channels[channel];
            let drill = event.context.contains_key("drill");
            let outgoing = message::of(to, &event, held_back, drill);
            // A program is no part of what is supervised.
            let started = Cell::new(None);
            let start = |command: &mut Command| {
                let child = helpers.spawn(command.process_group(0))?;
                started.set(Some(child.id()));
                Ok(child)
            };
            let sent = notify::send(&outgoing, (seconds(to.timeout), seconds(*deadline)), &start, &issues);
            started.get().into_iter().for_each(|pid| helpers.remove(pid));
            let delivery = Delivery {
                error: sent.error,
                attempts: sent.attempts,
                http_status: sent.http_status,
                duration_ms: u64::try_from(sent.duration.as_millis()).unwrap_or(u64::MAX),
            };
            let _ = sender.send(Message::Sent(channel, delivery));
        };
        self.aside.run("notify", body).or_else(|error| {
            let error = Some(format!("cannot send: {error}"));
            self.feed(Event::Sent { channel, delivery: Delivery { error, ..Delivery::default() } })
        })
    }

    /// Tells the machine who looks after what.
    pub(super) fn look_for_acks(&mut self) -> Result<(), RunError> {
        if self.acks.looked.elapsed() < LOOK || !self.machine.waits_for_people() {
            return Ok(());
        }
        self.acks.looked = Instant::now();
        let Ok(mut file) = self.keep.folder.open_file(acks::FILE_NAME) else { return Ok(()) };
        if file.metadata().map_or(0, |about| about.len()) <= self.acks.read {
            return Ok(());
        }
        let mut text = Vec::new();
        let read =
            file.seek(SeekFrom::Start(self.acks.read)).and_then(|_| file.take(acks::LIMIT).read_to_end(&mut text));
        // What is not written to its end is read the next time.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if read.is_err() || whole == 0 {
            return Ok(());
        }
        self.acks.read += whole as u64;
        for line in text[..whole].split(|byte| *byte == b'\n') {
            if let Ok(ack) = serde_json::from_slice::<Ack>(line) {
                self.feed(Event::Acknowledged { incident: ack.incident })?;
            }
        }
        Ok(())
    }

    /// Waits for what is on its way, as long as the policy allows.
    pub(super) fn flush_notices(&mut self, receiver: &Receiver<Message>) -> Result<(), RunError> {
        let Some(policy) = self.policy.clone() else { return Ok(()) };
        let started = Instant::now();
        while self.machine.has_notices() {
            let left = seconds(policy.deadline).saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            match receiver.recv_timeout(left) {
                Ok(Message::Sent(channel, delivery)) => self.feed(Event::Sent { channel, delivery })?,
                // Whoever asks again does not want to wait.
                Ok(Message::Signal(_)) => break,
                _ => {}
            }
        }
        for order in self.machine.give_up_notices() {
            self.notify(order)?;
        }
        Ok(())
    }
}
