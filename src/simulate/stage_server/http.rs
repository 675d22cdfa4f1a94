//! As much of HTTP/1.1 as one client needs.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

/// The longest head and the longest body that are accepted.
const HEAD: usize = 16 << 10;
const BODY: usize = 1 << 20;
/// The most header fields that are accepted.
const HEADERS: usize = 64;

/// A connection, plain or encrypted.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>),
}

impl Wire {
    pub(crate) fn tls(stream: TcpStream, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(rustls::StreamOwned::new(connection, stream))))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) bearer: Option<String>,
    pub(crate) last_event_id: String,
    pub(crate) body: Vec<u8>,
}

/// Reads the next request; none when the client has closed the connection.
pub(crate) fn read(wire: &mut Wire) -> io::Result<Option<Incoming>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match wire.read(&mut byte)? {
            0 => return Ok(None),
            _ => head.push(byte[0]),
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let complete = request.parse(&head).is_ok_and(|status| status.is_complete());
    let (Some(method), Some(target), true) = (request.method, request.path, complete) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let path = target.split('?').next().unwrap_or_default();
    let mut incoming = Incoming { method: method.to_owned(), path: path.to_owned(), ..Incoming::default() };
    let mut length = 0;
    for header in request.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => incoming.bearer = value.strip_prefix("Bearer ").map(str::to_owned),
            "last-event-id" => incoming.last_event_id = value.into_owned(),
            _ => {}
        }
    }
    if length > BODY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    incoming.body = vec![0; length];
    wire.read_exact(&mut incoming.body)?;
    Ok(Some(incoming))
}

/// Undoes percent-encoding.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer.
pub(crate) struct Reply {
    status: u16,
    content_type: &'static str,
    body: String,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json; charset=utf-8", body: body.to_string() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({ "error": code }))
    }

    pub(crate) fn html(status: u16, method: &str, path: &str) -> Self {
        let body = format!("<!DOCTYPE html>\n<title>Error</title>\n<pre>Cannot {method} {path}</pre>\n");
        Self { status, content_type: "text/html; charset=utf-8", body }
    }

    pub(crate) fn write(&self, wire: &mut Wire) -> io::Result<()> {
        let Self { status, content_type, body } = self;
        let head =
            format!("HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
        wire.write_all(head.as_bytes())?;
        wire.write_all(body.as_bytes())?;
        wire.flush()
    }
}
