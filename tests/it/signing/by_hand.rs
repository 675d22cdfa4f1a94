//! What a stranger does without us: the commands that every packet brings, and other tools.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use super::{WORLD, World, audit, packet};

/// Runs a script in `folder` by bash; none if a tool that it needs is not installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn shell(folder: &Path, tools: &[&str], script: &str) -> Option<Output> {
    for tool in tools {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        if !found.status.success() {
            eprintln!("skipped: {tool} is not installed");
            return None;
        }
    }
    Some(Command::new("bash").args(["-euc", script]).current_dir(folder).output().unwrap())
}

fn works(output: &Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_commands_of_every_packet_verify_it_and_find_forgeries() {
    for (run, key, other) in [("clean", "signer.pub", "openssl dgst"), ("ecdsa", "other.pub", "openssl pkeyutl")] {
        let bench = packet(run);
        let folder = bench.path().join("it");
        let text = fs::read_to_string(folder.join("VERIFY.md")).unwrap();
        let block = text.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        // Of the two commands for the kinds of keys, the one that applies.
        let script: Vec<&str> = block.lines().filter(|line| !line.starts_with(other)).collect();
        assert_eq!(script.len(), 6, "{block}");
        let script = script.join("\n");
        fs::copy(World::path(key), folder.join("KEY.pub")).unwrap();
        let tools = ["openssl", "jq", "sha256sum", "base64"];
        let Some(output) = shell(&folder, &tools, &script) else { return };
        works(&output);
        fs::copy(World::path("alice.pub"), folder.join("KEY.pub")).unwrap();
        assert!(!shell(&folder, &tools, &script).unwrap().status.success(), "{run} by another key");
        fs::copy(World::path(key), folder.join("KEY.pub")).unwrap();
        crate::audit::tampering::append(&folder.join("summary.md"), "\n");
        let sums = script.replace("sha256sum --check --strict SHA256SUMS", "true");
        assert!(!shell(&folder, &tools, &sums).unwrap().status.success(), "{run} changed");
    }
}

#[test]
fn another_library_verifies_our_envelopes() {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    let script = format!(
        r#"
import json, sys
sys.path.insert(0, {:?})
try:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey
except ImportError:
    sys.exit(77)
for bundle, pem in zip(sys.argv[1::2], sys.argv[2::2]):
    line = json.loads(open(bundle).readline())
    key = SSlibKey.from_crypto(load_pem_public_key(open(pem, "rb").read()), keyid=line["signatures"][0]["keyid"])
    Envelope.from_dict(line).verify([key], 1)
"#,
        tools.display().to_string()
    );
    let bundle = |run: &str| World::path(run) + "/packet/attestations.intoto.jsonl";
    let arguments = [bundle("clean"), World::path("signer.pub"), bundle("ecdsa"), World::path("other.pub")];
    match Command::new("python3").args(["-c", &script]).args(arguments).output() {
        Ok(output) if output.status.code() != Some(77) => works(&output),
        _ => eprintln!("skipped: securesystemslib for python3 is not installed; .ci/run installs it"),
    }
}

#[test]
fn a_key_that_stays_elsewhere_signs_verdicts_and_decisions() {
    let bench = packet("clean");
    let make = "openssl genpkey -algorithm ed25519 -out token.key; chmod 600 token.key; openssl pkey -in token.key -pubout -out token.pub";
    let Some(made) = shell(bench.path(), &["openssl"], make) else { return };
    works(&made);
    let (id, theirs) = ("token.key", "token.pub");
    let sign = format!("openssl pkeyutl -sign -rawin -inkey {id} -in bytes -out sig");
    let reviewer = format!("alice={theirs}");
    let decide: &[&str] = &["--decision", "approve", "--as", "alice", "--note", "seen"];
    for more in [&[][..], decide] {
        let _ = bench.run(&[&["audit", "it", "--to-sign", "bytes"], more].concat()).exits(0);
        works(&shell(bench.path(), &[], &sign).unwrap());
        let add = ["--to-sign", "bytes", "--add-signature", "sig", "--verify-key"];
        let out = bench.run(&[&["audit", "it"], &add[..], &[&World::path("bob.pub")]].concat()).exits(2);
        assert!(out.stderr.contains("is no signature of"), "{out:?}");
        let _ = bench.run(&[&["audit", "it"], &add[..], &[theirs]].concat()).exits(0);
    }
    let (code, audited) = audit(&bench, &["--verify-key", theirs, "--reviewer", &reviewer]);
    assert_eq!((code, audited["signature"]["state"].as_str()), (0, Some("valid")), "{audited:#}");
    // What was written for an earlier state of the bundle is refused.
    let _ = bench.run(&[&["audit", "it", "--to-sign", "bytes"], decide].concat()).exits(0);
    works(&shell(bench.path(), &[], &sign).unwrap());
    let again = ["audit", "-q", "it", "--sign-key", id, "--decision", "approve", "--as", "alice", "--note", "again"];
    let _ = bench.run(&again).exits(0);
    let late = ["audit", "it", "--to-sign", "bytes", "--add-signature", "sig", "--verify-key", theirs];
    let out = bench.run(&late).exits(2);
    assert!(out.stderr.contains("out of date"), "{out:?}");
}

/// Answers one request for a time stamp by openssl.
fn authority(folder: &Path, listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    fs::write(folder.join("query"), body).unwrap();
    let reply = "openssl ts -reply -config tsa.cnf -queryfile query -inkey tsa.key -signer tsa.crt -out reply";
    works(&shell(folder, &[], reply).unwrap());
    let reply = fs::read(folder.join("reply")).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", reply.len());
    stream.write_all(&[head.as_bytes(), &reply].concat()).unwrap();
}

#[test]
fn a_signature_is_stamped_by_an_authority_and_kept_without_one() {
    let bench = packet("clean");
    bench.write(
        "tsa.cnf",
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4.1\ndigests = sha256\nsigner_digest = sha256\n\
         ess_cert_id_alg = sha256\n[ext]\nextendedKeyUsage = critical,timeStamping\n",
    );
    let make = "echo 01 > serial; openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.crt -days 2 -subj /CN=tsa \
                -extensions ext -config <(cat tsa.cnf; printf '[req]\\ndistinguished_name=d\\n[d]\\n')";
    let Some(made) = shell(bench.path(), &["openssl", "jq", "base64"], make) else { return };
    works(&made);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tsa", listener.local_addr().unwrap());
    let sign = ["audit", "it", "--sign-key", &World::path("alice.key"), "--timestamp-url", &url];
    thread::scope(|scope| {
        scope.spawn(|| authority(bench.path(), &listener));
        let out = bench.run(&sign).exits(0);
        assert!(!out.stderr.contains("without a time stamp"), "{out:?}");
    });
    let check = "line() { head -1 it/attestations.intoto.jsonl | jq -r \".signatures[1]$1\" | base64 -d; }
        line .sig > sig; line '.timestamps[0].data' > token
        openssl ts -verify -data sig -in token -token_in -CAfile tsa.crt";
    works(&shell(bench.path(), &[], check).unwrap());
    assert_eq!(audit(&bench, &["--verify-key", &World::path("alice.pub")]).1["signature"]["state"], "valid");
    // Nobody listens there any more.
    drop(listener);
    let sign = ["audit", "it", "--sign-key", &World::path("bob.key"), "--timestamp-url", &url];
    let out = bench.run(&sign).exits(0);
    assert!(out.stderr.contains("signed without a time stamp"), "{out:?}");
    assert_eq!(audit(&bench, &["--verify-key", &World::path("bob.pub")]).1["signature"]["state"], "valid");
    assert!(WORLD.bench.path().exists());
}
