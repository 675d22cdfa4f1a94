//! Drills: the file that describes them, and the plan that comes of it.

mod conditions;
mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::digest::sha256;
use crate::drills::plan::DrillsPlan;
use crate::io::files;
use crate::json::lenient;
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::drill::DrillActs;

/// What the run is to be, as far as drills depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// How long it is.
    pub(crate) target: Duration,
    /// Whether what ends is always started again.
    pub(crate) restarts: bool,
    /// The drills that are left out.
    pub(crate) skipped: &'a [String],
    /// Whether nothing is injected.
    pub(crate) dry: bool,
    /// The channels of its notifications.
    pub(crate) channels: &'a [String],
    /// The names of its guards.
    pub(crate) guards: &'a [String],
    /// Whether the file is a configuration, which holds other tables too.
    pub(crate) in_config: bool,
}

/// The drills of a run: the plan, and what is done and looked at.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) plan: DrillsPlan,
    pub(crate) acts: Vec<DrillActs>,
}

/// Reads the file of `--drill`; none if there is none.
///
/// # Errors
/// It cannot be read, or something in it is unknown or impossible.
pub(crate) fn load(file: Option<&PathBuf>, terms: Terms<'_>) -> Result<Option<Asked>, Error> {
    let Some(path) = file else {
        let given = if terms.dry { "--dry-drills" } else { "--skip-drill" };
        return match terms.dry || !terms.skipped.is_empty() {
            true => Err(Error::Usage(format!("{given} has no effect without drills; add --drill FILE"))),
            false => Ok(None),
        };
    };
    let bytes = files::read_within(path, files::REPORT_LIMIT).map_err(|error| Error::Usage(error.to_string()))?;
    of_text(path, &bytes, terms).map(Some).map_err(Error::Usage)
}

fn of_text(path: &Path, bytes: &[u8], terms: Terms<'_>) -> Result<Asked, String> {
    let mut asked = read::read(&path.display().to_string(), &lenient::text(bytes), terms)?;
    asked.plan.sha256 = sha256(bytes);
    Ok(asked)
}

impl Asked {
    /// Takes secrets out of what is shown and kept.
    pub(crate) fn hide(mut self, redactor: &Redactor) -> Self {
        let hide = |text: &mut String| *text = redactor.text(text.as_str().into()).into_owned();
        for drill in &mut self.plan.list {
            drill.inject.iter_mut().chain(&mut drill.restore).for_each(|action| hide(&mut action.what));
            let lists = [&mut drill.steady, &mut drill.detect, &mut drill.recover, &mut drill.verify];
            lists.into_iter().flatten().for_each(|condition| hide(&mut condition.what));
        }
        self
    }
}
