//! JUnit XML. Valid under the strict schema that users of Ant know and under that of Jenkins: no attributes on the
//! root, times without an offset, at most one `failure`, `error` or `skipped` in a case and nothing beside it.

use super::{Check, Export, State};
use crate::finding::count;
use crate::sanitize;

/// More kinds of finding are counted only.
const FINDINGS: usize = 1000;
/// The longest text of a case, in bytes.
const CASE: usize = 64 << 10;
/// The longest file, in bytes: findings beyond it are counted only.
const FILE: usize = 10 << 20;

/// The whole document.
pub(crate) fn render(export: &Export<'_>) -> String {
    let gates = export.gates();
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    out.push_str(&suite(export, 0, "gates", &gates, 0));
    if !export.view.unfinished {
        let all = export.rows.len();
        let mut room = FILE.saturating_sub(out.len());
        let mut checks = Vec::new();
        for row in export.rows.iter().take(FINDINGS) {
            let check = export.finding(row);
            // What is written twice at most, with everything around it.
            let size = 2 * case(export, "findings", &check).len();
            if size > room {
                break;
            }
            room -= size;
            checks.push(check);
        }
        let left_out = all - checks.len();
        out.push_str(&suite(export, 1, "findings", &checks, left_out));
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(export: &Export<'_>, id: u8, name: &str, checks: &[Check], left_out: usize) -> String {
    let view = export.view;
    let number = |wanted: fn(&State) -> bool| checks.iter().filter(|check| wanted(&check.state)).count();
    // Neither schema can do without a time.
    let at = view.started_at.or(view.ended_at).or(view.generated_at);
    let at = at.map_or("1970-01-01T00:00:00".to_owned(), |at| at.utc().format("%Y-%m-%dT%H:%M:%S").to_string());
    let seconds = if id == 0 { view.duration_seconds.unwrap_or(0.0).max(0.0) } else { 0.0 };
    let mut out = format!(
        "  <testsuite id=\"{id}\" package=\"emp-ops\" name=\"{name}\" hostname=\"localhost\" timestamp=\"{at}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">\n    <properties>\n",
        checks.len(),
        number(|state| *state == State::Failed),
        number(|state| *state == State::Missing),
        number(|state| matches!(state, State::Waived(_))),
    );
    let verdict = if view.unfinished { "none" } else { view.status.word() };
    for (name, value) in [("run", view.subject.as_str()), ("verdict", verdict), ("version", env!("CARGO_PKG_VERSION"))]
    {
        out.push_str(&format!("      <property name=\"{name}\" value=\"{}\"/>\n", sanitize::xml_attribute(value)));
    }
    out.push_str("    </properties>\n");
    let cases: Vec<String> = checks.iter().map(|check| case(export, name, check)).collect();
    out.push_str(&cases.concat());
    let mut remarks: Vec<String> = checks.iter().filter_map(Check::remark).collect();
    if left_out > 0 {
        remarks.push(format!("{} not listed: see the report", count(left_out as u64, "more kind")));
    }
    out.push_str(&format!("    <system-out>{}</system-out>\n", sanitize::xml_text(&remarks.join("\n"), FILE / 10)));
    out.push_str("    <system-err></system-err>\n  </testsuite>\n");
    out
}

fn case(export: &Export<'_>, suite: &str, check: &Check) -> String {
    let attribute = sanitize::xml_attribute;
    let class = format!("{}.{suite}", super::word(&export.view.subject));
    let head =
        format!("    <testcase name=\"{}\" classname=\"{}\" time=\"0\"", attribute(&check.name), attribute(&class));
    let element = match &check.state {
        State::Passed => return head + "/>\n",
        State::Waived(by) => format!("<skipped message=\"{}\"/>", attribute(by)),
        State::Failed | State::Missing => {
            let name = if check.state == State::Missing { "error" } else { "failure" };
            format!(
                "<{name} type=\"{}\" message=\"{}\">{}\n</{name}>",
                attribute(&check.kind),
                attribute(&check.message),
                sanitize::xml_text(&check.details.join("\n"), CASE)
            )
        }
    };
    format!("{head}>\n      {element}\n    </testcase>\n")
}
