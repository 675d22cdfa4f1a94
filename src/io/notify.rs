//! Sends notifications: HTTP, mail, programs; tries again where that may help.

mod issue;
mod mail;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::stage_client::certificates;
use crate::stage::notify::message::Outgoing;

/// How long to wait before each further try, in seconds.
const WAITS: [f64; 3] = [1.0, 2.0, 4.0];
/// How long a program may take.
const EXEC: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const ANSWER: u64 = 4 << 20;

/// What became of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// How many tries there were.
    pub(crate) attempts: u64,
    pub(crate) http_status: Option<u16>,
    /// Why it was not delivered; none if it was.
    pub(crate) error: Option<String>,
    pub(crate) duration: Duration,
}

/// Why a try failed.
struct Failed {
    http_status: Option<u16>,
    why: String,
    /// Whether another try may help, and when the service asks for it.
    again: Option<Option<f64>>,
}

impl Failed {
    fn for_good(why: String) -> Self {
        Self { http_status: None, why, again: None }
    }

    fn for_now(why: String) -> Self {
        Self { http_status: None, why, again: Some(None) }
    }
}

/// The issues that were made, by address and title, each with when: a list may not tell of a new one at once.
pub(crate) type Issues = Mutex<BTreeMap<(String, String), (u64, Instant)>>;

/// How a program is started.
pub(crate) type Starter<'s> = &'s dyn Fn(&mut Command) -> std::io::Result<Child>;

/// Sends a message; each try takes `timeout` at most, all of them `deadline`.
pub(crate) fn send(
    message: &Outgoing,
    (timeout, deadline): (Duration, Duration),
    start_with: Starter<'_>,
    issues: &Issues,
) -> Sent {
    let start = Instant::now();
    let mut sent = Sent::default();
    loop {
        sent.attempts += 1;
        let left = deadline.saturating_sub(start.elapsed());
        let tried = match message {
            Outgoing::Post { url, headers, body, answers_ok } => {
                post(url, headers, body, *answers_ok, timeout.min(left))
            }
            Outgoing::Issue { .. } => issue::send(message, timeout.min(left), issues),
            Outgoing::Mail { .. } => mail::send(message, timeout.min(left)).map(|()| None),
            Outgoing::Exec { argv, input } => exec(argv, input, timeout.min(EXEC).min(left), start_with).map(|()| None),
        };
        sent.duration = start.elapsed();
        let failed = match tried {
            Ok(http_status) => return Sent { http_status, error: None, ..sent },
            Err(failed) => failed,
        };
        (sent.http_status, sent.error) = (failed.http_status, Some(failed.why));
        let Some((asked, wait)) = failed.again.zip(WAITS.get(sent.attempts as usize - 1)) else { return sent };
        // Not all at the same time where many were refused at once.
        let spread = 0.8 + 0.4 * f64::from(start.elapsed().subsec_nanos() % 1000) / 1000.0;
        let wait = Duration::from_secs_f64(asked.unwrap_or(0.0).max(wait * spread).min(3600.0));
        if start.elapsed() + wait >= deadline {
            return sent;
        }
        thread::sleep(wait);
    }
}

fn post(
    url: &str,
    headers: &[(String, String)],
    body: &Value,
    answers_ok: bool,
    timeout: Duration,
) -> Result<Option<u16>, Failed> {
    let (status, said) = ask(Method::POST, url, headers, Some(body), timeout)?;
    match answers_ok && said.is_some_and(|said| said.get("ok") == Some(&Value::Bool(false))) {
        true => {
            let why = "the service answered that it is not ok".to_owned();
            Err(Failed { http_status: Some(status), why, again: None })
        }
        false => Ok(Some(status)),
    }
}

/// A request whose answer is a success, with the JSON that it holds.
fn ask(
    method: Method,
    url: &str,
    headers: &[(String, String)],
    body: Option<&Value>,
    timeout: Duration,
) -> Result<(u16, Option<Value>), Failed> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_idle_connections(0)
        // Behind a redirect a POST is another request, and somebody else may read it.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout.max(Duration::from_millis(1))));
    if url.starts_with("https:") {
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::from(certificates(None).map_err(Failed::for_good)?))
            .unversioned_rustls_crypto_provider(ring);
        config = config.tls_config(tls.build());
    }
    let agent: Agent = config.build().into();
    let mut request = Request::builder().method(method).uri(url).header("user-agent", "emp-ops");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let cannot = |_| Failed::for_good("the request cannot be made".to_owned());
    let answer = match body {
        Some(body) => {
            let request = request.header("content-type", "application/json").body(body.to_string());
            agent.run(request.map_err(cannot)?)
        }
        None => agent.run(request.body(()).map_err(cannot)?),
    };
    let mut answer = answer.map_err(|error| {
        let why = match error {
            ureq::Error::Timeout(_) => format!("no answer within {}s", timeout.as_secs_f64()),
            // What it says may name the address, which may be a secret.
            ureq::Error::HostNotFound => "the host is not known".to_owned(),
            ureq::Error::ConnectionFailed => "no connection".to_owned(),
            ureq::Error::Io(error) => format!("no connection: {error}"),
            _ => "the request failed".to_owned(),
        };
        Failed::for_now(why)
    })?;
    let status = answer.status().as_u16();
    let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let failed = |why: String, again| Err(Failed { http_status: Some(status), why, again });
    match status {
        200..300 => {
            let mut text = Vec::new();
            let _ = answer.body_mut().as_reader().take(ANSWER).read_to_end(&mut text);
            Ok((status, serde_json::from_slice(&text).ok()))
        }
        300..400 => failed(format!("HTTP {status}: a redirect is no delivery"), None),
        408 | 425 | 429 | 500.. => {
            failed(format!("HTTP {status}"), Some(after.filter(|after| after.is_finite() && *after >= 0.0)))
        }
        _ => failed(format!("HTTP {status}"), None),
    }
}

fn exec(argv: &[String], input: &str, limit: Duration, start_with: Starter<'_>) -> Result<(), Failed> {
    let Some((program, arguments)) = argv.split_first() else { return Err(Failed::for_good("no program".to_owned())) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        start_with(&mut command).map_err(|error| Failed::for_good(format!("it cannot be started: {error}")))?;
    let start = Instant::now();
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        // A program that reads nothing would hold up who writes to it.
        thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(Failed::for_good(format!("the program ended with {status}"))),
            Ok(None) if start.elapsed() < limit => thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failed::for_good(format!("the program took longer than {}s", limit.as_secs_f64())));
            }
            Err(error) => return Err(Failed::for_good(error.to_string())),
        }
    }
}
