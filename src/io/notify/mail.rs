//! Mail by SMTP: STARTTLS, TLS from the start, or none; certificates are always verified.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Failed;
use crate::stage::notify::message::Outgoing;
use crate::stage::notify::policy::Tls;

/// The longest answer of a server, in bytes.
const ANSWER: usize = 64 << 10;

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Sends a mail.
pub(super) fn send(message: &Outgoing, timeout: Duration) -> Result<(), Failed> {
    let Outgoing::Mail { host, port, tls, login, from, to, data } = message else {
        return Err(Failed::for_good("this is no mail".to_owned()));
    };
    let timeout = timeout.max(Duration::from_millis(1));
    let lost = |error: std::io::Error| Failed::for_now(format!("no connection to the mail server: {error}"));
    let address = (host.as_str(), *port).to_socket_addrs().map_err(lost)?.next();
    let address = address.ok_or_else(|| Failed::for_now("the mail server is not known".to_owned()))?;
    let plain = TcpStream::connect_timeout(&address, timeout).map_err(lost)?;
    plain.set_read_timeout(Some(timeout)).and_then(|()| plain.set_write_timeout(Some(timeout))).map_err(lost)?;
    let mut session = match tls {
        Tls::Implicit => Session { stream: encrypt(plain, host)? },
        Tls::None => Session { stream: Box::new(plain) },
        Tls::Upgraded => {
            let mut before = Session { stream: Box::new(plain.try_clone().map_err(lost)?) };
            before.expect(220)?;
            before.say("EHLO emp-ops", 250)?;
            before.say("STARTTLS", 220)?;
            Session { stream: encrypt(plain, host)? }
        }
    };
    if *tls != Tls::Upgraded {
        session.expect(220)?;
    }
    session.say("EHLO emp-ops", 250)?;
    if let Some((user, password)) = login {
        let word = STANDARD.encode(format!("\0{user}\0{password}"));
        session.say(&format!("AUTH PLAIN {word}"), 235)?;
    }
    session.say(&format!("MAIL FROM:<{}>", bare(from)), 250)?;
    for recipient in to {
        session.say(&format!("RCPT TO:<{}>", bare(recipient)), 250)?;
    }
    session.say("DATA", 354)?;
    session.say(&format!("{data}."), 250)?;
    // It is delivered: how the server says good-bye does not matter.
    let _ = session.say("QUIT", 221);
    Ok(())
}

/// The address in `Name <address>`.
fn bare(address: &str) -> &str {
    address.rsplit_once('<').map_or(address, |(_, rest)| rest.trim_end_matches('>')).trim()
}

fn encrypt(plain: TcpStream, host: &str) -> Result<Box<dyn Stream>, Failed> {
    let failed = |what: &str| Failed::for_good(format!("no TLS to the mail server: {what}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| failed("its name is none"))?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|error| failed(&error.to_string()))?;
    let mut stream = StreamOwned::new(connection, plain);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| failed(&error.to_string()))?;
    }
    Ok(Box::new(stream))
}

struct Session {
    stream: Box<dyn Stream>,
}

impl Session {
    /// Says a line and waits for the answer with this code.
    fn say(&mut self, line: &str, code: u16) -> Result<(), Failed> {
        let written = self.stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| self.stream.flush());
        written.map_err(|error| Failed::for_now(format!("the mail server went away: {error}")))?;
        self.expect(code)
    }

    fn expect(&mut self, code: u16) -> Result<(), Failed> {
        let mut read = 0;
        loop {
            let line = self.line(&mut read)?;
            // Lines with a hyphen behind the code go on.
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            let said: Option<u16> = line.get(..3).and_then(|said| said.parse().ok());
            return match said {
                Some(said) if said == code => Ok(()),
                Some(said) => {
                    let why = format!("the mail server answered {said} instead of {code}");
                    Err(if (400..500).contains(&said) { Failed::for_now(why) } else { Failed::for_good(why) })
                }
                None => Err(Failed::for_good("the answer of the mail server is none".to_owned())),
            };
        }
    }

    fn line(&mut self, read: &mut usize) -> Result<String, Failed> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.stream.read(&mut byte) {
                Ok(0) => return Err(Failed::for_now("the mail server went away".to_owned())),
                Ok(_) if byte[0] == b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
                Ok(_) => line.push(byte[0]),
                Err(error) => return Err(Failed::for_now(format!("no answer of the mail server: {error}"))),
            }
            *read += 1;
            if *read > ANSWER {
                return Err(Failed::for_good("the mail server says too much".to_owned()));
            }
        }
    }
}
