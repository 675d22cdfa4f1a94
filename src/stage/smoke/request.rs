//! The requests of a smoke run, and how secrets are kept out of everything that is written.

use std::fmt;

use serde_json::{Value, json};

/// The cause that a seed names, so that it is told apart from a live alert.
pub(super) const SEED_SOURCE: &str = "langgraph-smoke";

/// One HTTP request, ready to be sent below the base URL.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Below the base URL, with a leading slash; without the query.
    pub path: String,
    /// The query, which holds a secret; empty where there is none.
    pub query: String,
    /// The bearer token.
    pub token: Option<String>,
    /// The JSON body; none for `GET`.
    pub body: Option<Value>,
    /// For a stream that is opened again: the last event id.
    pub last_event_id: String,
}

impl Request {
    fn post(path: String, token: Option<&str>, body: Value) -> Self {
        let token = token.map(str::to_owned);
        Self { method: "POST", path, query: String::new(), token, body: Some(body), last_event_id: String::new() }
    }

    pub(super) fn login(email: &str, password: &str) -> Self {
        Self::post("/auth/login".to_owned(), None, json!({ "email": email, "password": password }))
    }

    pub(super) fn session(token: &str, id: &str, title: &str) -> Self {
        Self::post("/accounts/me/sessions".to_owned(), Some(token), json!({ "sessionId": id, "title": title }))
    }

    pub(super) fn stream(token: &str, session: &str, last_event_id: &str) -> Self {
        Self {
            method: "GET",
            path: format!("/sessions/{}/events", percent(session)),
            query: format!("token={}", percent(token)),
            token: None,
            body: None,
            last_event_id: last_event_id.to_owned(),
        }
    }

    pub(super) fn check(token: &str, session: &str) -> Self {
        let body = json!({ "move": "langgraph-smoke-probe", "stat": "finesse", "statValue": 2 });
        Self::post(format!("/debug/sessions/{}/checks", percent(session)), Some(token), body)
    }

    pub(super) fn safety_check(token: &str, session: &str) -> Self {
        let body = json!({
            "move": "langgraph-smoke-safety", "safetyFlags": ["prohibited-capability"], "stat": "grit", "statValue": 1
        });
        Self::post(format!("/debug/sessions/{}/checks", percent(session)), Some(token), body)
    }

    pub(super) fn seed(token: &str, session: &str, check: &str, run: &str) -> Self {
        let data = json!({ "checkId": check, "seedSource": SEED_SOURCE, "runId": run, "fallback": true });
        let body = json!({ "reason": "debug.seed.admin_alert", "severity": "medium", "data": data });
        Self::post(format!("/debug/sessions/{}/admin-alerts", percent(session)), Some(token), body)
    }

    pub(super) fn close(token: &str, session: &str) -> Self {
        let body = json!({ "reason": "debug.validation" });
        Self::post(format!("/sessions/{}/close", percent(session)), Some(token), body)
    }

    /// The request for people: without its query, which holds the token.
    pub fn label(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Like [`Request::label`], so that no secret gets into a message by accident.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

/// Encodes a path segment or a query value: everything but unreserved characters.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Secrets that must not be written anywhere.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Adds a secret in all the forms in which it travels.
    pub fn add(&mut self, secret: &str) {
        let quoted = Value::from(secret).to_string();
        for form in [secret.to_owned(), percent(secret), quoted.trim_matches('"').to_owned()] {
            if !form.is_empty() && !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // Longer forms first, so that no remainder of one is left over.
        self.0.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// `text` with every secret replaced.
    pub fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"))
    }

    /// [`Self::mask`] for every text inside a JSON value, names of fields included.
    pub fn mask_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            Value::Object(fields) => {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.mask_json(&mut value);
                        (self.mask(&name), value)
                    })
                    .collect();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_every_form() {
        let mut secrets = Secrets::default();
        secrets.add("p\"w d");
        for text in ["p\"w d", "x=p%22w%20d&", "{\"a\":\"p\\\"w d\"}"] {
            assert!(secrets.mask(text).contains("[secret]"), "{text}");
        }
        let request = Request::stream("tok en", "a/b", "");
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/sessions/a%2Fb/events", "token=tok%20en"));
        assert!(!format!("{request:?}").contains("tok"));
    }
}
