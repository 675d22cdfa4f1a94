//! People hear of the verdict of a run.

use serde_json::{Map, Value, json};

use crate::command::notify::Courier;
use crate::finding::Status;
use crate::io::clock;
use crate::io::notify::Issues;
use crate::report;
use crate::stage::notify::message::ALL_OVER;
use crate::stage::notify::policy::Policy;
use crate::stage::notify::report::{Outcome, Receipt};
use crate::stage::notify::router::Router;
use crate::stage::notify::{Event, Severity};
use crate::supervise::record::RunRecord;
use crate::verdict::audit::Audit;

/// The name of the document, in its `schema` key.
const SCHEMA: &str = "emp-ops/delivery-receipt/v1";

/// Tells the verdict by the policy of the run. Gives the receipts as a document, and what did not arrive, in words.
pub(super) fn tell(policy: &Policy, record: &RunRecord, audit: &Audit) -> (Value, Vec<String>) {
    let severity = match audit.verdict {
        Status::Pass => Severity::Info,
        Status::Warn => Severity::Warning,
        Status::Fail => Severity::Critical,
    };
    let mut context = Map::new();
    context.insert("run".to_owned(), json!(record.name));
    context.insert("verdict".to_owned(), json!(audit.verdict));
    context.insert("because".to_owned(), json!(report::audit::because(audit).into_iter().take(5).collect::<Vec<_>>()));
    if audit.verdict == Status::Pass {
        context.insert(ALL_OVER.to_owned(), json!(true));
    }
    let message = format!("{}: {}", record.name, audit.headline);
    let event = Event {
        at: record.duration_seconds.unwrap_or_default(),
        category: "run.verdict".to_owned(),
        severity,
        fingerprint: format!("run.verdict: {message}"),
        message,
        occurred_at: clock::now().to_string(),
        context,
        ..Event::default()
    };
    let courier = Courier { policy, sends: true, issues: Issues::default() };
    let routed = Router::new(policy).route(&event);
    let mut receipts: Vec<Receipt> =
        courier.every(&event, routed.deliver).into_iter().map(|(_, _, receipt)| receipt).collect();
    if receipts.is_empty() && severity > Severity::Info {
        receipts.push(Receipt::of(policy, &event, None, Outcome::Unrouted));
    }
    let lost = receipts.iter().filter(|receipt| receipt.outcome == Outcome::Failed).map(|receipt| {
        let channel = receipt.channel.as_deref().unwrap_or_default();
        let why = receipt.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("the verdict did not reach {channel}{why}")
    });
    let lost = lost.collect();
    let document = json!({
        "schema": SCHEMA, "run": record.name, "verdict": audit.verdict, "status": audit.verdict, "receipts": receipts,
    });
    (document, lost)
}
