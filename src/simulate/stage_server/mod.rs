//! A simulated staging server on loopback: the whole protocol of a smoke run, with faults to order. It serves
//! demonstrations and tests; nothing in it is real.

mod http;
mod scenario;
mod sessions;
mod tls;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use self::http::{Incoming, Reply, Wire};
pub(crate) use self::scenario::Scenario;
use self::sessions::Sessions;
use crate::io::random;

/// The account that may log in.
pub(crate) const EMAIL: &str = "admin@glassfrontier";
/// How long an event waits in scenario `slow`.
const SLOW: Duration = Duration::from_millis(300);
/// How long after an upgrade of the connection silence is kept in scenario `hang`.
const SILENCE: Duration = Duration::from_secs(3600);
/// Between heartbeats of a stream.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// A running server; it ends with the process.
pub(crate) struct Server {
    /// Where it listens, for `--base-url`.
    pub base_url: String,
    /// The password of [`EMAIL`].
    pub password: String,
    /// The certificate of its CA in PEM, in scenario `tls`.
    pub ca_pem: Option<&'static str>,
}

struct Shared {
    scenario: Scenario,
    password: String,
    account: String,
    token: String,
    sessions: Mutex<Sessions>,
}

/// Starts a server on a loopback port; 0 takes a free one.
///
/// # Errors
/// The port is taken, or the certificates cannot be used.
pub(crate) fn start(port: u16, scenario: Scenario) -> io::Result<Server> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let address = listener.local_addr()?;
    let config = if scenario == Scenario::Tls { Some(tls::config()?) } else { None };
    let (scheme, ca_pem) = if config.is_some() { ("https", Some(tls::CA_PEM)) } else { ("http", None) };
    let password = random::uuid()?;
    let shared = Arc::new(Shared {
        scenario,
        password: password.clone(),
        account: random::uuid()?,
        token: random::uuid()?,
        sessions: Mutex::new(Sessions::new(scenario)),
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (shared, config) = (Arc::clone(&shared), config.clone());
            thread::spawn(move || {
                // A client that goes away in the middle is nobody's fault.
                let _ = serve(stream, config, &shared);
            });
        }
    });
    let host = if scheme == "https" { "localhost".to_owned() } else { address.ip().to_string() };
    Ok(Server { base_url: format!("{scheme}://{host}:{}", address.port()), password, ca_pem })
}

fn serve(stream: TcpStream, config: Option<Arc<rustls::ServerConfig>>, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = match config {
        Some(config) => Wire::tls(stream, config)?,
        None => Wire::Plain(stream),
    };
    while let Some(incoming) = http::read(&mut wire)? {
        if shared.scenario == Scenario::Hang {
            thread::sleep(SILENCE);
            return Ok(());
        }
        if incoming.method == "GET" && incoming.path.ends_with("/events") {
            return stream_events(&mut wire, &incoming, shared);
        }
        route(&incoming, shared)?.write(&mut wire)?;
    }
    Ok(())
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn route(incoming: &Incoming, shared: &Shared) -> io::Result<Reply> {
    let segments: Vec<&str> = incoming.path.trim_matches('/').split('/').collect();
    if incoming.method != "POST" {
        return Ok(Reply::html(404, &incoming.method, &incoming.path));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&incoming.body) else {
        return Ok(Reply::error(500, "internal_error"));
    };
    if segments == ["auth", "login"] {
        return Ok(login(&body, shared));
    }
    if segments.first() == Some(&"debug") && shared.scenario == Scenario::NoDebug {
        return Ok(Reply::html(404, "POST", &incoming.path));
    }
    match incoming.bearer.as_deref() {
        None => return Ok(Reply::error(401, "auth_token_required")),
        Some(token) if token != shared.token => return Ok(Reply::error(401, "auth_token_invalid")),
        Some(_) => {}
    }
    let mut sessions = shared.sessions();
    match segments.as_slice() {
        ["accounts", "me", "sessions"] => Ok(Reply::json(201, &sessions.create(&body)?)),
        ["debug", "sessions", id, "checks"] => Ok(Reply::json(202, &sessions.check(&http::decode(id), &body)?)),
        ["debug", "sessions", id, "admin-alerts"] => Ok(Reply::json(202, &sessions.alert(&http::decode(id), &body)?)),
        ["sessions", id, "close"] => Ok(match sessions.close(&http::decode(id), &body)? {
            Some(answer) => Reply::json(202, &answer),
            None => Reply::error(404, "session_directory_access_denied"),
        }),
        _ => Ok(Reply::html(404, "POST", &incoming.path)),
    }
}

fn login(body: &Value, shared: &Shared) -> Reply {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let known = text("email").trim().to_lowercase() == EMAIL && text("password") == shared.password;
    if !known || shared.scenario == Scenario::LoginRefused {
        return Reply::error(401, "account_invalid_credentials");
    }
    let now = crate::io::clock::now().millis_z();
    let account = json!({
        "id": shared.account, "email": EMAIL, "displayName": "Simulated Admin", "roles": ["player", "admin"],
        "createdAt": now, "updatedAt": now, "lastLoginAt": now,
    });
    Reply::json(200, &json!({ "account": account, "token": shared.token }))
}

/// Writes frames as they come, until the client goes away or the scenario cuts the stream.
fn stream_events(wire: &mut Wire, incoming: &Incoming, shared: &Shared) -> io::Result<()> {
    let id = incoming.path.trim_matches('/').split('/').nth(1).map(http::decode).unwrap_or_default();
    let frames = shared.sessions().subscribe(&id, &incoming.last_event_id)?;
    wire.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\nconnection: keep-alive\r\n\
          transfer-encoding: chunked\r\n\r\n",
    )?;
    wire.flush()?;
    loop {
        let frame = match frames.recv_timeout(HEARTBEAT) {
            Ok(Some(frame)) => frame,
            // The end of the stream, as the scenario wants it: without the last chunk, so that it looks broken.
            Ok(None) => return Ok(()),
            Err(_) => b":heartbeat\n\n".to_vec(),
        };
        if shared.scenario == Scenario::Slow {
            thread::sleep(SLOW);
        }
        write!(wire, "{:x}\r\n", frame.len())?;
        wire.write_all(&frame)?;
        wire.write_all(b"\r\n")?;
        wire.flush()?;
    }
}
