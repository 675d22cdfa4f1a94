//! What a drill does and looks at: what the plan of drills only names.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::Value;

use super::check::{Act, Check, Http, LogLine};
use crate::drills::step::Stage;
use crate::guards::fields::Lines;

/// One drill.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DrillActs {
    /// Its actions by stage, in the order of the plan.
    pub acts: BTreeMap<Stage, Vec<Act>>,
    /// How its conditions are looked at by list, in the order of the plan; none of what only happens.
    pub looks: BTreeMap<Stage, Vec<Option<Look>>>,
    /// The lines that it waits for: with the list and the place of their condition.
    pub lines: Vec<(Stage, usize, LogLine)>,
}

/// How a condition is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    /// What is looked at.
    pub at: Sight,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sight {
    /// A program, or a server.
    Check(Check),
    /// A file.
    File(FileLook),
}

impl Sight {
    /// A request.
    pub(crate) fn http(http: Http) -> Self {
        Self::Check(Check::Http(Box::new(http)))
    }
}

/// What must be true of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FileLook {
    pub path: String,
    /// It must not be there.
    pub absent: bool,
    /// It was written since the drill injected its fault, or began.
    pub newer: bool,
    /// Its least size.
    pub min_bytes: u64,
    /// The place of a list, or of an object, in it, with the least number of members.
    pub min_entries: Option<(String, u64)>,
}

impl FileLook {
    /// Whether a document has enough members at the place.
    pub(crate) fn entries(&self, document: &Value) -> Result<(), String> {
        let Some((pointer, least)) = &self.min_entries else { return Ok(()) };
        let found = match document.pointer(pointer) {
            Some(Value::Array(list)) => list.len() as u64,
            Some(Value::Object(map)) => map.len() as u64,
            _ => return Err(format!("there is no list at {pointer}")),
        };
        if found >= *least { Ok(()) } else { Err(format!("{found} entries at {pointer}, wanted {least}")) }
    }
}

/// The lines that drills wait for and guards watch, as all pumps look for them.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Whether they matter now.
    pub active: AtomicBool,
    /// Each with its drill, and the list and the place of its condition there.
    pub lines: Vec<((usize, Stage, usize), LogLine)>,
    /// The figures that guards watch, which always matter.
    pub figures: Lines,
}
