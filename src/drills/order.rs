//! What drills are told, and what they ask for.

use std::time::Duration;

use super::step::Stage;
use crate::time::Stamp;

/// An instant, on two clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// By the wall clock.
    pub wall: Stamp,
    /// Since the start of the run, by the monotonic clock.
    pub at: Duration,
}

impl Moment {
    /// The instant a little before this one at which the wall clock said `at`.
    pub(super) fn back_to(self, at: Stamp) -> Self {
        let at = at.min(self.wall);
        Self { wall: at, at: self.at.saturating_sub(self.wall.since(at)) }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Do this action.
    Do {
        /// The drill.
        drill: usize,
        /// The list: [`Stage::Inject`] or [`Stage::Restore`].
        stage: Stage,
        /// Its place in it.
        number: usize,
    },
    /// Look at this condition.
    Ask {
        /// The drill.
        drill: usize,
        /// For which stage.
        stage: Stage,
        /// Its place in the list of that stage.
        number: usize,
    },
    /// Keep what is known now.
    Write,
    /// Tell that this drill begins.
    Begun {
        /// The drill.
        drill: usize,
    },
    /// Tell that it is over.
    Over {
        /// The drill.
        drill: usize,
        /// Whether the run ends: it failed, and asks for that.
        stop: bool,
    },
}

/// What the machine is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// An action is over.
    Done {
        /// The drill.
        drill: usize,
        /// Its list.
        stage: Stage,
        /// Its place in it.
        number: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// A condition was looked at.
    Answered {
        /// The drill.
        drill: usize,
        /// For which stage.
        stage: Stage,
        /// Its place in the list of that stage.
        number: usize,
        /// Whether it holds.
        ok: bool,
        /// Why, in words.
        message: String,
    },
}

/// What came of an action.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Whether it did what it should.
    pub ok: bool,
    /// In words, with the last of the output of a program.
    pub message: String,
    /// How long it took.
    pub duration: Duration,
}
