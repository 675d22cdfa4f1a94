//! `watch --ack` and the key `a`: somebody has seen an incident.

use std::process::ExitCode;

use serde_json::json;

use super::{ACCEPTED, Error, Format, Watch, none};
use crate::io::files;
use crate::io::provenance;
use crate::io::runs::follow::Follower;
use crate::io::tty::terminal;
use crate::report::dashboard::{self, Board};
use crate::sanitize;
use crate::supervise::acks::{NAME_LIMIT, NOTE_LIMIT};
use crate::supervise::progress_reader::Event;

/// So many digits of an id are enough, where they are those of one incident.
const SHORTEST: usize = 4;

/// clap parser for the name of a person.
pub(super) fn name(text: &str) -> Result<String, String> {
    limited(text, NAME_LIMIT)
}

/// clap parser for a note.
pub(super) fn note(text: &str) -> Result<String, String> {
    limited(text, NOTE_LIMIT)
}

fn limited(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say something".to_owned()),
        long if long > most => Err(format!("at most {most} characters, please")),
        _ => Ok(text.to_owned()),
    }
}

impl Watch<'_> {
    fn by(&self) -> String {
        self.args.by.clone().unwrap_or_else(provenance::user)
    }

    /// Acknowledges incidents from the command line.
    pub(super) fn acknowledge(&self, ids: &str) -> Result<ExitCode, Error> {
        let mut run = Follower::new(&self.args.path);
        run.look();
        let Some(view) = &run.view else { return Err(none(run.problem)) };
        let by = self.by();
        let chosen = chosen(view.events(), ids).map_err(|why| Error::Usage(format!("--ack: {why}")))?;
        for event in &chosen {
            run.add_ack(&event.id, &by, self.args.note.as_deref()).map_err(Error::NoVerdict)?;
            let line = if self.common.format == Format::Json {
                files::json_line(&json!({"incident": event.id, "by": by, "message": event.message}))
            } else {
                format!("acknowledged {} {} {} (by {by})\n", event.id, event.label(), event.message)
            };
            let line = if self.common.format == Format::Json { line } else { sanitize::line(line.trim_end()) + "\n" };
            terminal::print(&line)?;
        }
        if chosen.is_empty() {
            terminal::note("watch: there is no incident that nobody has acknowledged");
        }
        Ok(ACCEPTED.into())
    }

    /// Acknowledges the incident that is selected on the dashboard, and says there what became of it.
    pub(super) fn acknowledge_selected(&self, run: &Follower, board: &mut Board) {
        let note = board.note.take().filter(|note| !note.trim().is_empty());
        let Some(event) = run.view.as_ref().and_then(|view| dashboard::selected(view, board)) else { return };
        let by = self.by();
        board.said = Some(match run.add_ack(&event.id, &by, note.as_deref()) {
            Ok(()) => format!("acknowledged {} by {by}", event.id),
            Err(why) => format!("! {why}"),
        });
    }
}

/// The incidents that are meant by an id, its first digits, or `all`.
fn chosen<'e>(events: &'e [Event], ids: &str) -> Result<Vec<&'e Event>, String> {
    if ids == "all" {
        return Ok(events.iter().filter(|event| !event.is_acknowledged()).collect());
    }
    let digits = ids.to_ascii_lowercase();
    let found: Vec<&Event> =
        events.iter().filter(|event| digits.len() >= SHORTEST && event.id.starts_with(&digits)).collect();
    let known = || -> String {
        let newest = events.iter().rev().take(10).map(|event| {
            format!("\n  {} {} {}", event.id, event.label(), sanitize::shorten(&sanitize::line(&event.message), 80))
        });
        newest.collect()
    };
    match found[..] {
        [_] => Ok(found),
        _ if events.is_empty() => Err(format!("the run has no incident, so none with the id {ids}")),
        [] => Err(format!("no incident has the id {ids}; the newest are{}", known())),
        _ => Err(format!("{ids} is the beginning of {} ids; write more of it", found.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::progress_reader::View;

    #[test]
    fn an_id_means_one_incident_and_all_those_that_nobody_has_seen() {
        let text = r#"{"status":"fail","incidents":[{"id":"aaaa00000001","severity":"fail","message":"one"},
            {"id":"aaaa00000002","severity":"warn","message":"two"},{"severity":"warn","message":"three"}]}"#;
        let view = View::parse(text.as_bytes()).unwrap();
        let messages = |ids: &str| -> Result<Vec<&str>, String> {
            Ok(chosen(view.events(), ids)?.into_iter().map(|event| event.message.as_str()).collect())
        };
        assert_eq!(messages("AAAA00000002"), Ok(vec!["two"]));
        assert_eq!(messages(&view.events()[2].id[..6]), Ok(vec!["three"]));
        assert_eq!(messages("all").map(|all| all.len()), Ok(3));
        for (ids, why) in [("aaaa", "2 ids"), ("aaa", "no incident has the id"), ("ffff", "aaaa00000002 WARN two")] {
            let error = messages(ids).unwrap_err();
            assert!(error.contains(why), "{ids}: {error}");
        }
        assert!(chosen(&[], "ffff").unwrap_err().contains("no incident"));
    }
}
