//! The HTTP side of a smoke run: sends what the machine asks for, each request on a thread of its own, so that no
//! server can hold up the main thread beyond the deadline.

use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::process::interrupt::Interrupts;
use crate::stage::smoke::{Action, Answer, Event, Failure, Lost, Machine, Request};
use crate::stage::sse::Decoder;

/// The longest body of an answer that is read.
const BODY_LIMIT: u64 = 1 << 20;
/// How often the main thread looks whether somebody wants the run to end.
const GLANCE: Duration = Duration::from_millis(100);

/// A name that is not looked up: requests to `host:port` go to `address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// The name in the URL.
    pub host: String,
    /// The port in the URL.
    pub port: u16,
    /// Where it goes; the port stays.
    pub address: IpAddr,
}

/// How to reach the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Route {
    /// The base URL, checked by [`base_url`].
    pub base: String,
    /// Further trusted certificates in PEM, besides those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Names that are not looked up.
    pub pins: Vec<Pin>,
    /// Ignore proxies from the environment.
    pub direct: bool,
}

/// Sends requests below one base URL.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
}

/// Checks a base URL and takes its trailing slashes away.
///
/// # Errors
/// Not `http` or `https`, no host, or with parts that would be dropped silently.
pub(crate) fn base_url(text: &str) -> Result<String, String> {
    const HINT: &str = "write it as https://stage.example.org/api";
    let uri: Uri = text.trim().parse().map_err(|error| format!("this is no URL ({error}); {HINT}"))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    match uri.scheme_str() {
        Some("http" | "https") if !authority.is_empty() => {}
        _ => return Err(format!("this is no http or https URL with a host; {HINT}")),
    }
    if authority.contains('@') {
        return Err(format!("a base URL holds no user or password; {HINT}"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(format!("a base URL has no query and no fragment; {HINT}"));
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// Reads `HOST:PORT:ADDRESS`, where the address may be in brackets.
///
/// # Errors
/// Shows the right spelling.
pub(crate) fn pin(text: &str) -> Result<Pin, String> {
    let parse = || {
        let (host, rest) = text.split_once(':')?;
        let (port, address) = rest.split_once(':')?;
        let address = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
        Some(Pin { host: host.to_owned(), port: port.parse().ok()?, address: address.parse().ok()? })
    };
    parse()
        .filter(|pin| !pin.host.is_empty())
        .ok_or_else(|| "write HOST:PORT:ADDRESS, such as stage.example.org:443:127.0.0.1".to_owned())
}

impl Client {
    /// A client for one run.
    ///
    /// # Errors
    /// Says what is wrong with the certificates.
    pub(crate) fn new(route: &Route) -> Result<Self, String> {
        let mut config = Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        // Another host would get what was meant for this one, and its answers would be taken for those of this one.
        config = config.max_redirects(0);
        if route.base.starts_with("https:") {
            let roots = RootCerts::from(certificates(route.ca_pem.as_deref())?);
            let ring = Arc::new(rustls::crypto::ring::default_provider());
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .root_certs(roots)
                .unversioned_rustls_crypto_provider(ring);
            config = config.tls_config(tls.build());
        }
        if route.direct {
            config = config.proxy(None);
        }
        let resolver = PinnedResolver { pins: route.pins.clone(), other: DefaultResolver::default() };
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), resolver);
        Ok(Self { agent, base: route.base.clone() })
    }

    fn call(&self, request: &Request, limit: Duration, whole: bool) -> Result<Response<Body>, ureq::Error> {
        let mut url = format!("{}{}", self.base, request.path);
        if !request.query.is_empty() {
            url.push('?');
            url.push_str(&request.query);
        }
        let global = whole.then_some(limit);
        match &request.body {
            Some(body) => {
                let mut call = self.agent.post(url).header("content-type", "application/json").header("accept", "*/*");
                if let Some(token) = &request.token {
                    call = call.header("authorization", format!("Bearer {token}"));
                }
                call.config().timeout_global(global).build().send(body.to_string())
            }
            None => {
                let mut call = self
                    .agent
                    .get(url)
                    .header("accept", "text/event-stream")
                    .header("cache-control", "no-cache")
                    .header("pragma", "no-cache");
                if !request.last_event_id.is_empty() {
                    call = call.header("last-event-id", &request.last_event_id);
                }
                let config = call.config().timeout_connect(Some(limit)).timeout_recv_response(Some(limit));
                config.timeout_send_request(Some(limit)).build().call()
            }
        }
    }

    /// Sends `body` to the base URL and gives the answer. `kinds` are the media types of both.
    ///
    /// # Errors
    /// The server cannot be reached, takes longer than `limit`, or does not answer with 200.
    pub(super) fn post(&self, kinds: [&str; 2], body: &[u8], limit: Duration) -> Result<Vec<u8>, String> {
        let [sent, wanted] = kinds;
        let call = self.agent.post(&self.base).header("content-type", sent).header("accept", wanted);
        let answer = call.config().timeout_global(Some(limit)).build().send(body);
        let mut answer = answer.map_err(|error| failure(&error).message)?;
        if answer.status() != 200 {
            return Err(format!("the answer is {}", answer.status()));
        }
        let mut bytes = Vec::new();
        let read = answer.body_mut().as_reader().take(BODY_LIMIT).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| io_text(&error))
    }

    /// Sends a request to the base URL itself and gives the status of the answer, with so much of its body, and why that
    /// is not all of it.
    ///
    /// # Errors
    /// The server cannot be reached, or takes longer than `limit`.
    pub(super) fn ask(
        &self,
        method: &str,
        body: Option<&str>,
        limit: Duration,
        most: u64,
    ) -> Result<(u16, Vec<u8>, Option<String>), String> {
        let mut request = ureq::http::Request::builder().method(method).uri(&self.base).header("accept", "*/*");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body.unwrap_or_default().to_owned()).map_err(|error| error.to_string())?;
        let request =
            self.agent.configure_request(request).timeout_global(Some(limit)).allow_non_standard_methods(true);
        let mut answer = self.agent.run(request.build()).map_err(|error| failure(&error).message)?;
        let mut bytes = Vec::new();
        // The status was sent, whatever comes of the rest.
        let broken = match answer.body_mut().as_reader().take(most + 1).read_to_end(&mut bytes) {
            Err(error) => Some(format!("the answer broke off: {}", io_text(&error))),
            Ok(_) if bytes.len() as u64 > most => Some(format!("the answer is longer than {} KiB", most >> 10)),
            Ok(_) => None,
        };
        Ok((answer.status().as_u16(), bytes, broken))
    }

    fn send(&self, request: &Request, limit: Duration) -> Result<Answer, Failure> {
        let mut response = self.call(request, limit, true).map_err(|error| failure(&error))?;
        let mut answer = head(&response);
        let mut bytes = Vec::new();
        let read = response.body_mut().as_reader().take(BODY_LIMIT).read_to_end(&mut bytes);
        answer.body = String::from_utf8_lossy(&bytes).into_owned();
        match read {
            Ok(_) => Ok(answer),
            Err(error) => {
                let message = format!("the answer ({}) broke off: {}", answer.status, io_text(&error));
                Err(Failure { message })
            }
        }
    }

    /// Opens the stream and passes on what it delivers, until it ends or nobody listens any more.
    fn follow(&self, ticket: u64, request: &Request, limit: Duration, events: &SyncSender<Event>) {
        let lost = |reason: String| Event::StreamLost(ticket, Lost { reason, ..Lost::default() });
        let mut response = match self.call(request, limit, false) {
            Ok(response) => response,
            Err(error) => {
                let _ = events.send(lost(failure(&error).message));
                return;
            }
        };
        let mut answer = head(&response);
        let is_stream = answer
            .content_type
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"));
        if answer.status != 200 || !is_stream {
            // The start of the body tells who answered; it must not take long, and need not be whole.
            let mut start = [0; 1024];
            let count = response.body_mut().as_reader().read(&mut start).unwrap_or(0);
            answer.body = String::from_utf8_lossy(&start[..count]).into_owned();
            let _ = events.send(Event::StreamRefused(ticket, answer));
            return;
        }
        if events.send(Event::StreamOpen(ticket)).is_err() {
            return;
        }
        let mut decoder = Decoder::after(&request.last_event_id);
        let mut reader = response.body_mut().as_reader();
        let mut chunk = [0; 16 << 10];
        let reason = loop {
            match reader.read(&mut chunk) {
                Ok(0) => break "the server ended it".to_owned(),
                Ok(count) => {
                    let mut listening = true;
                    decoder.feed(&chunk[..count], |event| {
                        listening = listening && events.send(Event::Stream(ticket, event)).is_ok();
                    });
                    if !listening {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break io_text(&error),
            }
        };
        let lost = Lost {
            reason,
            last_event_id: decoder.last_id().to_owned(),
            retry: decoder.retry(),
            oversized: decoder.oversized(),
        };
        let _ = events.send(Event::StreamLost(ticket, lost));
    }
}

/// Runs the machine to its end. A signal ends the run early, with the session closed.
pub(crate) fn run(machine: &mut Machine, client: &Client, interrupts: &Interrupts) {
    let start = Instant::now();
    let (sender, events) = mpsc::sync_channel(256);
    let mut next = Event::Start;
    let mut told = false;
    loop {
        for action in machine.step(start.elapsed(), next) {
            perform(action, client, &sender);
        }
        if machine.is_done() {
            return;
        }
        next = if !told && interrupts.pending().is_some() {
            told = true;
            Event::Interrupted
        } else {
            let now = start.elapsed();
            let pause = machine.wake_at(now).saturating_sub(now).clamp(Duration::from_millis(1), GLANCE);
            match events.recv_timeout(pause) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Event::Tick,
            }
        };
    }
}

/// Threads are left behind on purpose: the run must not wait for a server that is silent. Each ends with its request,
/// or as soon as it finds that nobody listens.
fn perform(action: Action, client: &Client, sender: &SyncSender<Event>) {
    let (client, sender) = (client.clone(), sender.clone());
    thread::spawn(move || match action {
        Action::Send(ticket, request, limit) => {
            let _ = sender.send(Event::Answer(ticket, client.send(&request, limit)));
        }
        Action::Open(ticket, request, delay, limit) => {
            thread::sleep(delay);
            client.follow(ticket, &request, limit, &sender);
        }
    });
}

fn head(response: &Response<Body>) -> Answer {
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    Answer {
        status: response.status().as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        location: response.headers().get("location").map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned()),
        body: String::new(),
    }
}

/// The certificates of the system and those of `pem`.
pub(super) fn certificates(pem: Option<&[u8]>) -> Result<Vec<Certificate<'static>>, String> {
    let system = rustls_native_certs::load_native_certs();
    let mut all: Vec<_> = system.certs.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
    if let Some(pem) = pem {
        let before = all.len();
        for item in ureq::tls::parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => all.push(certificate),
                Ok(_) => {}
                Err(error) => return Err(format!("the file of --ca-cert is no PEM: {error}")),
            }
        }
        if all.len() == before {
            return Err("the file of --ca-cert holds no certificate in PEM form".to_owned());
        }
    }
    if all.is_empty() {
        return Err("the system has no trusted certificates; name the server's CA with --ca-cert".to_owned());
    }
    Ok(all)
}

fn failure(error: &ureq::Error) -> Failure {
    let message = match error {
        ureq::Error::Io(error) => io_text(error),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the host name is not known; check it, or pin it with --resolve".to_owned(),
        ureq::Error::ConnectionFailed => "the connection failed".to_owned(),
        ureq::Error::Rustls(error) => tls_text(&error.to_string()),
        // The URI may hold the token.
        ureq::Error::BadUri(_) => "the URL is not valid".to_owned(),
        other => other.to_string(),
    };
    Failure { message }
}

fn io_text(error: &io::Error) -> String {
    // A time limit comes wrapped in an error of the reader.
    let timeout = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match (error.kind(), timeout) {
        (_, Some(ureq::Error::Timeout(_))) | (io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock, _) => {
            "no answer in time".to_owned()
        }
        (io::ErrorKind::ConnectionRefused, _) => "connection refused; is the server running there?".to_owned(),
        (io::ErrorKind::ConnectionReset, _) => "the server reset the connection".to_owned(),
        (io::ErrorKind::UnexpectedEof, _) => "the server closed the connection".to_owned(),
        _ => tls_text(&error.to_string()),
    }
}

fn tls_text(text: &str) -> String {
    if text.contains("UnknownIssuer") {
        return format!("the server's certificate is not trusted ({text}); name its CA with --ca-cert");
    }
    text.to_owned()
}

/// Looks names up, except those that are pinned.
#[derive(Debug)]
struct PinnedResolver {
    pins: Vec<Pin>,
    other: DefaultResolver,
}

impl Resolver for PinnedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let host = uri.host().unwrap_or_default();
        match self.pins.iter().find(|pin| pin.host.eq_ignore_ascii_case(host) && pin.port == port) {
            Some(pin) => {
                let mut found = self.empty();
                found.push(SocketAddr::new(pin.address, port));
                Ok(found)
            }
            None => self.other.resolve(uri, config, timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked() {
        for (text, expect) in [
            ("https://stage.example.org:4443/api//", Some("https://stage.example.org:4443/api")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://user:pw@host/", None),
            ("http://host/?x=1", None),
            ("http://host/#x", None),
            ("ftp://host/", None),
            ("--report", None),
            ("host:3000", None),
        ] {
            assert_eq!(base_url(text).ok().as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn pins_are_read() {
        let address = |text: &str| pin(text).map(|pin| (pin.port, pin.address.to_string()));
        assert_eq!(address("stage.local:443:127.0.0.1"), Ok((443, "127.0.0.1".to_owned())));
        assert_eq!(address("stage.local:443:[::1]"), Ok((443, "::1".to_owned())));
        assert_eq!(address("stage.local:443:::1"), Ok((443, "::1".to_owned())));
        for bad in ["stage.local", "stage.local:443", "stage.local:x:127.0.0.1", ":443:127.0.0.1", "a:1:b"] {
            assert!(pin(bad).is_err(), "{bad}");
        }
    }
}
