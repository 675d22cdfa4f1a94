//! Mail over TLS, to a server of another make.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::boom;
use crate::harness::{Bench, Output};

/// An authority, and a server that it knows as `localhost`.
const CERTIFICATES: &str = "\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=localhost
printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile server.ext";

/// Takes mail with a login, encrypted from the start or from STARTTLS on; says its port, and keeps what comes.
const SERVER: &str = r#"
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
class Keep:
    async def handle_DATA(self, server, session, envelope):
        with open("mail", "ab") as mail:
            mail.write(repr((envelope.mail_from, envelope.rcpt_tos, server.transport.get_extra_info("ssl_object") is not None)).encode() + b"\n" + envelope.content)
        return "250 kept"
def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"ops" and data.password == b"s3cr3t")
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("server.pem", "server.key")
own = dict(ssl_context=context, auth_require_tls=False) if sys.argv[1] == "implicit" else dict(tls_context=context, require_starttls=True)
controller = Controller(Keep(), hostname="127.0.0.1", port=int(sys.argv[2]), authenticator=login, auth_required=True, **own)
controller.start()
print("ready", flush=True)
time.sleep(600)
"#;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python() -> Command {
    let mut python = Command::new("python3");
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/aiosmtpd");
    python.env("PYTHONPATH", package).stdin(Stdio::null());
    python
}

/// Whether what these tests need is installed; it is said where it is not.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn is_there() -> bool {
    let works = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    for (tool, found) in [
        ("openssl", works(Command::new("openssl").arg("version"))),
        ("aiosmtpd", works(python().args(["-c", "import aiosmtpd"]))),
    ] {
        if !found {
            eprintln!("skipped: mail over TLS: {tool} is not installed; .ci/run installs it");
            return false;
        }
    }
    true
}

fn serve(bench: &Bench, how: &str) -> (Server, u16) {
    // Nobody else takes it in the moment until the server does.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = python();
    command
        .args(["-c", SERVER, how, &port.to_string()])
        .current_dir(bench.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = command.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ready");
    (Server(server), port)
}

fn send(bench: &Bench, mail: &Value, authority: &str) -> Output {
    bench.write(
        "notify.json",
        json!({"deadline": 5, "channels": [mail], "rules": [{"channels": ["mail"]}]}).to_string(),
    );
    bench.write("events.jsonl", boom(0, "critical").to_string());
    let args = ["stage-alerts", "--notify", "notify.json", "--replay", "events.jsonl", "--deliver"];
    bench.command(&args).env("SSL_CERT_FILE", authority).env("MAIL_WORD", "s3cr3t").output().unwrap().into()
}

#[test]
fn mail_is_encrypted_to_a_server_that_the_authority_knows_and_to_no_other() {
    if !is_there() {
        return;
    }
    for how in ["implicit", "starttls"] {
        let bench = Bench::new();
        let made = Command::new("sh").args(["-euc", CERTIFICATES]).current_dir(bench.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (_server, port) = serve(&bench, how);
        let mail = |host: &str, tls: &str| {
            json!({"name": "mail", "type": "email", "sender": "ops@x.example", "recipients": ["ann@x.example"],
                "host": host, "port": port, "tls": tls, "username": "ops", "password_env": "MAIL_WORD", "timeout": 3})
        };
        let output = send(&bench, &mail("localhost", how), "ca.pem").exits(0);
        assert!(!output.stdout.contains("s3cr3t"));
        let kept = fs::read_to_string(bench.path().join("mail")).unwrap();
        assert!(
            kept.starts_with("('ops@x.example', ['ann@x.example'], True)") && kept.contains("boom"),
            "{how}: {kept}"
        );
        // An authority that nobody trusts, another name, and the password in clear: nothing arrives.
        fs::remove_file(bench.path().join("mail")).unwrap();
        let nobody = bench.write("nobody.pem", "");
        for (mail, authority) in [
            (mail("localhost", how), nobody.to_str().unwrap()),
            (mail("127.0.0.1", how), "ca.pem"),
            (mail("localhost", "none"), "ca.pem"),
        ] {
            let said = send(&bench, &mail, authority).exits(1);
            assert!(said.stdout.contains("mail did not get"), "{how}: {}", said.stdout);
        }
        assert!(!bench.path().join("mail").exists(), "{how}");
    }
}
