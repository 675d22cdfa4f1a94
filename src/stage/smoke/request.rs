//! The requests of a smoke run, and how secrets are kept out of everything that is written.

use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Input, MatchKind};
use serde_json::{Value, json};

use crate::sanitize;

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

/// What is written in the place of a secret.
const MASK: &str = "[secret]";

/// Secrets that must not be written anywhere.
#[derive(Clone, Default)]
pub struct Secrets {
    secrets: Vec<String>,
    forms: Vec<String>,
    /// Finds the longest form at each place.
    finder: Option<AhoCorasick>,
}

impl Secrets {
    /// Adds a secret in all the forms in which it travels.
    pub fn add(&mut self, secret: &str) {
        if secret.is_empty() || self.secrets.iter().any(|known| known == secret) {
            return;
        }
        self.secrets.push(secret.to_owned());
        if secret.len() >= sanitize::SHORTEST_SECRET {
            self.forms.extend(sanitize::spellings(secret));
        } else {
            self.forms.extend(sanitize::quoted(secret));
        }
        self.finder = AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(&self.forms).ok();
    }

    /// `text` with every secret replaced; nothing is replaced in a replacement, in the name of a field, and words only
    /// where they are whole.
    pub fn mask(&self, text: &str) -> String {
        if self.secrets.iter().any(|secret| secret == text.trim()) {
            return MASK.to_owned();
        }
        let Some(finder) = &self.finder else { return text.to_owned() };
        let (mut masked, mut kept, mut from) = (String::with_capacity(text.len()), 0, 0);
        while let Some(found) = finder.find(Input::new(text).range(from..)) {
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            let form = &text[found.range()];
            let is_plain = self.secrets.iter().any(|secret| secret == form);
            if !sanitize::is_hidden(before, form, after, is_plain) {
                from = found.start() + form.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            masked.push_str(&text[kept..found.start()]);
            // The quotes of a short one stay.
            let quote = ["\\\"", "\""]
                .into_iter()
                .find(|quote| form.len() > 3 && form.starts_with(*quote) && form.ends_with(*quote));
            masked.push_str(&quote.map_or_else(|| MASK.to_owned(), |quote| format!("{quote}{MASK}{quote}")));
            (kept, from) = (found.end(), found.end());
        }
        masked.push_str(&text[kept..]);
        masked
    }

    /// [`Self::mask`] for every text inside a JSON value, but not for the names of fields.
    pub fn mask_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.mask_json(value)),
            Value::Number(number) if self.secrets.contains(&number.to_string()) => *value = MASK.into(),
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
        secrets.add("p\"w do");
        for text in ["p\"w do", "x=p%22w%20do&", "{\"a\":\"p\\\"w do\"}"] {
            assert!(secrets.mask(text).contains("[secret]"), "{text}");
        }
        secrets.add("letmein");
        secrets.add("admin");
        for (text, expect) in [
            ("letmein, letmeinside, say letmein", "[secret], letmeinside, say [secret]"),
            (r"line\nletmein", r"line\n[secret]"),
            ("{\"letmein.count\":1,\"a\":\"letmein\"}", "{\"letmein.count\":1,\"a\":\"[secret]\"}"),
            (
                "{\"admin\":\"admin\",\"admin.alert\":\"the admin\"}",
                "{\"admin\":\"[secret]\",\"admin.alert\":\"the admin\"}",
            ),
            (" admin\n", "[secret]"),
            (r#"{"b":"{\"a\":\"admin\"}"}"#, r#"{"b":"{\"a\":\"[secret]\"}"}"#),
        ] {
            assert_eq!(secrets.mask(text), expect);
        }
        let mut value = json!({"letmein": ["letmein"], "admin.alert": "admin", "n": 1});
        secrets.mask_json(&mut value);
        assert_eq!(value, json!({"letmein": ["[secret]"], "admin.alert": "[secret]", "n": 1}));
        let request = Request::stream("tok en", "a/b", "");
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/sessions/a%2Fb/events", "token=tok%20en"));
        assert!(!format!("{request:?}").contains("tok"));
    }
}
