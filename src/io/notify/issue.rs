//! The open issue of a run at a tracker: found by label and title, commented, closed when all is over.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Failed, Issues, ask};
use crate::io::read::parallel::lock;
use crate::stage::notify::message::Outgoing;

/// So many pages of open issues are looked through.
const PAGES: usize = 10;
/// How many issues a page has.
const PAGE: usize = 100;
/// For so long the list may not tell of an issue that was made.
const FRESH: Duration = Duration::from_secs(60);

/// Sends a message; each request takes `timeout` at most.
pub(super) fn send(message: &Outgoing, timeout: Duration, known: &Issues) -> Result<Option<u16>, Failed> {
    let Outgoing::Issue { issues, headers, label, title, text, new, over, closes } = message else {
        return Err(Failed::for_good("this is no issue".to_owned()));
    };
    let mut found = None;
    for page in 1..=PAGES {
        let url = format!("{issues}?state=open&labels={}&per_page={PAGE}&page={page}", encoded(label));
        let (status, said) = ask(Method::GET, &url, headers, None, timeout)?;
        let Some(Value::Array(list)) = said else {
            let why = "the tracker answered with no list of issues".to_owned();
            return Err(Failed { http_status: Some(status), why, again: None });
        };
        // A change that is proposed is listed as an issue too.
        let is = |issue: &&Value| issue["title"] == title.as_str() && issue.get("pull_request").is_none();
        found = list.iter().find(is).and_then(|issue| issue["number"].as_u64());
        if found.is_some() || list.len() < PAGE {
            break;
        }
    }
    let key = (issues.clone(), title.clone());
    let made = lock(known).get(&key).filter(|(_, at)| at.elapsed() < FRESH).map(|(number, _)| *number);
    let Some(number) = found.or(made) else {
        if *over {
            // Nobody was told that it began.
            return Ok(None);
        }
        let (status, said) = ask(Method::POST, issues, headers, Some(new), timeout)?;
        if let Some(number) = said.and_then(|said| said["number"].as_u64()) {
            lock(known).insert(key, (number, Instant::now()));
        }
        return Ok(Some(status));
    };
    let url = format!("{issues}/{number}");
    let (status, _) = ask(Method::POST, &format!("{url}/comments"), headers, Some(&json!({ "body": text })), timeout)?;
    if *closes {
        let closed = json!({ "state": "closed", "state_reason": "completed" });
        ask(Method::PATCH, &url, headers, Some(&closed), timeout)?;
        lock(known).remove(&key);
    }
    Ok(Some(status))
}

/// A word as a part of an address.
fn encoded(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    word.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
