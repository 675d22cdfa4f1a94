//! Packets that are signed, verified, forged and decided on.

mod by_hand;
mod decisions;
mod options;
mod tampering;
mod waivers;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use emp_ops::keys::SigningKey;
use emp_ops::verdict::attestation::BUNDLE;
use emp_ops::verdict::attestation::envelope::{self, Envelope, Signature};
use serde_json::Value;

use crate::audit::run_dir::copy;
use crate::harness::{Bench, Output};

/// Makes a key pair below the bench, `NAME.key` and `NAME.pub`.
fn make_key(bench: &Bench, name: &str, ecdsa: bool) -> SigningKey {
    let random = ring::rand::SystemRandom::new();
    let document = match ecdsa {
        true => {
            let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
            ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random)
        }
        false => ring::signature::Ed25519KeyPair::generate_pkcs8(&random),
    };
    let body = BASE64_STANDARD.encode(document.unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let path = bench.write(&format!("{name}.key"), &pem);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let key = SigningKey::from_pem(pem.as_bytes(), name).unwrap();
    bench.write(&format!("{name}.pub"), key.public().to_pem());
    key
}

/// Rehearsals, made and signed once: `clean` by the key `signer`, `loud` with an error line by it, `ecdsa` by that of P-256, `fleet` of several workloads.
struct World {
    bench: Bench,
    signer: SigningKey,
    other: SigningKey,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let bench = Bench::new();
    let signer = make_key(&bench, "signer", false);
    let other = make_key(&bench, "other", true);
    for reviewer in ["alice", "bob", "mallory"] {
        make_key(&bench, reviewer, reviewer == "bob");
    }
    let image = format!("image=sha256:{}", "ab".repeat(32));
    let options = ["final-dry-run", "-q", "--output-root", ".", "--duration", "2s", "--subject", &image];
    let script = |event: &str| {
        format!(
            "for i in 1 2 3 4 5 6 7 8; do echo \"INFO tick $i\"; [ $i = 4 ] && echo '{event}'; sleep 0.2; done; sleep 9"
        )
    };
    let (clean, loud) = (script("INFO db up"), script("ERROR db down"));
    let plain = [
        "--sign-key",
        "signer.key",
        "--no-diary",
        "--no-performance",
        "--progress-interval",
        "500ms",
        "--",
        "sh",
        "-c",
    ];
    let runs = [
        ("clean", [&plain[..], &[&clean]].concat()),
        ("loud", [&plain[..], &[&loud]].concat()),
        ("ecdsa", vec!["--sign-key", "other.key", "--simulate", "crash"]),
        ("fleet", vec!["--sign-key", "signer.key", "--simulate", "workloads"]),
    ];
    thread::scope(|scope| {
        for (name, more) in runs {
            let command = [&options[..], &["--run-name", name], &more].concat();
            let bench = &bench;
            scope.spawn(move || drop(bench.run(&command)));
        }
    });
    World { bench, signer, other }
});

impl World {
    fn path(name: &str) -> String {
        WORLD.bench.path().join(name).display().to_string()
    }
}

/// A copy of a signed packet that a test may touch, as `it`.
fn packet(run: &str) -> Bench {
    let bench = Bench::new();
    copy(&WORLD.bench.path().join(run).join("packet"), &bench.path().join("it"));
    bench
}

/// Audits `it` with further options, and gives JSON.
fn audit(bench: &Bench, options: &[&str]) -> (i32, Value) {
    let output = bench.run(&[&["audit", "it", "--format", "json"], options].concat());
    (output.code, output.json())
}

fn gate<'a>(audit: &'a Value, name: &str) -> &'a Value {
    let gates = audit["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["name"] == name).unwrap_or(&Value::Null)
}

/// Rewrites the bundle of a packet.
fn edit_bundle(packet: &Path, change: impl FnOnce(&mut Vec<Envelope>)) {
    let path = packet.join(BUNDLE);
    let lines = envelope::lines(&fs::read(&path).unwrap()).unwrap();
    let mut envelopes: Vec<Envelope> = lines.into_iter().map(Result::unwrap).collect();
    change(&mut envelopes);
    fs::write(path, envelopes.iter().map(Envelope::line).collect::<String>()).unwrap();
}

/// An envelope that `key` signs.
fn signed(payload: Vec<u8>, key: &SigningKey) -> Envelope {
    let mut envelope = Envelope::new(payload);
    let signature = key.sign(&envelope.signed_bytes()).unwrap();
    envelope.signatures.push(Signature::new(key.public().id(), signature));
    envelope
}

#[test]
fn what_nobody_touched_is_accepted_however_it_came_and_asked_for_or_not() {
    for (run, key, code) in [("clean", "signer.pub", 0), ("loud", "signer.pub", 1), ("ecdsa", "other.pub", 1)] {
        let bench = packet(run);
        let key = World::path(key);
        let asked = ["--verify-key", &key];
        let check = |how: &str, code_now: i32, audit: &Value| {
            assert_eq!(code_now, code, "{run} {how}: {audit:#}");
            assert_eq!(audit["signature"]["state"], "valid", "{run} {how}");
            let gate = gate(audit, "signature");
            assert_eq!((&gate["status"], &gate["threshold"]), (&"pass".into(), &"signed by 1 trusted key".into()));
            assert_eq!(self::gate(audit, "record")["status"], "pass", "{run} {how}: {audit:#}");
        };
        let (now, audited) = audit(&bench, &asked);
        check("as it is", now, &audited);
        let (now, unasked) = audit(&bench, &[]);
        assert_eq!((now, &unasked["signature"]["state"]), (code, &"not_checked".into()));
        assert_eq!(gate(&unasked, "signature"), &Value::Null);
        // Moved into another place under another name.
        fs::rename(bench.path().join("it"), bench.path().join("moved to here")).unwrap();
        let out = bench.run(&["audit", "moved to here", "--format", "json", "--verify-key", &key]);
        check("moved", out.code, &out.json());
        fs::rename(bench.path().join("moved to here"), bench.path().join("it")).unwrap();
        // As the archive that was made with it.
        let archive = archive(run);
        let out = bench.run(&["audit", &archive, "--format", "json", "--verify-key", &key]);
        check("archive", out.code, &out.json());
        // In the alphabet that other tools write.
        let path = bench.path().join("it").join(BUNDLE);
        let mut line: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let payload = BASE64_STANDARD.decode(line["payload"].as_str().unwrap()).unwrap();
        line["payload"] = BASE64_URL_SAFE_NO_PAD.encode(payload).into();
        fs::write(&path, line.to_string()).unwrap();
        let (now, audited) = audit(&bench, &asked);
        check("URL-safe", now, &audited);
    }
}

#[test]
fn a_page_that_names_evidence_of_several_workloads_is_as_it_was_signed() {
    let bench = packet("fleet");
    let (_, audited) = audit(&bench, &["--verify-key", &World::path("signer.pub")]);
    assert_eq!(gate(&audited, "record")["status"], "pass", "{:#}", audited["record"]);
    assert_eq!(audited["signature"]["state"], "valid");
    // A word of that page is not to be another one.
    let page = bench.path().join("it/report.html");
    fs::write(&page, fs::read_to_string(&page).unwrap().replace("feed", "food")).unwrap();
    let (code, audited) = audit(&bench, &[]);
    assert_eq!((code, &gate(&audited, "record")["status"]), (1, &"fail".into()));
}

fn archive(run: &str) -> String {
    let folder = WORLD.bench.path().join(run);
    let mut all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.find(|path| path.display().to_string().ends_with("packet.tar.gz")).unwrap().display().to_string()
}

#[test]
fn a_second_signature_counts_beside_the_first_and_an_archive_is_never_rewritten() {
    let bench = packet("loud");
    let (one, two) = (World::path("signer.pub"), World::path("other.pub"));
    let both = ["--verify-key", &one, "--verify-key", &two, "--min-signatures", "2"];
    let (code, before) = audit(&bench, &both);
    assert_eq!((code, &before["signature"]["state"]), (1, &"untrusted".into()));
    let measured = gate(&before, "signature")["measured"].as_str().unwrap().to_owned();
    assert!(measured.contains("1 of 2 trusted keys signed"), "{measured}");
    let (_, after) = audit(&bench, &[&["--sign-key", &World::path("other.key")], &both[..]].concat());
    assert_eq!(after["signature"]["state"], "valid", "{after:#}");
    assert_eq!(after["signature"]["keys"].as_array().unwrap().len(), 2);
    // The verdict itself stays what it was.
    assert_eq!((&after["verdict"], &after["signature"]["result"]), (&"fail".into(), &"FAILED".into()));
    // Signing again changes nothing.
    let bundle = fs::read(bench.path().join("it").join(BUNDLE)).unwrap();
    let _ = audit(&bench, &["--sign-key", &World::path("other.key")]);
    assert_eq!(fs::read(bench.path().join("it").join(BUNDLE)).unwrap(), bundle);

    let archive = archive("loud");
    let bytes = fs::read(&archive).unwrap();
    let out = bench.run(&["audit", &archive, "--sign-key", &World::path("other.key")]).exits(2);
    assert!(out.stderr.contains("--out DIR"), "{out:?}");
    let args = ["audit", &archive, "--format", "json", "--sign-key", &World::path("other.key"), "--out", "beside"];
    let _ = bench.run(&[&args[..], &both].concat()).exits(1);
    assert_eq!(fs::read(&archive).unwrap(), bytes);
    let beside = bench.path().join("beside").join(BUNDLE).display().to_string();
    let out = bench.run(&[&["audit", &archive, "--format", "json", "--attestation", &beside], &both[..]].concat());
    assert_eq!(out.json()["signature"]["state"], "valid");
}

#[test]
fn an_unsigned_packet_gets_its_verdict_signed_only_if_it_is_what_it_says() {
    for (run, code) in [("clean", 0), ("loud", 1)] {
        let bench = packet(run);
        let path = bench.path().join("it").join(BUNDLE);
        let signed_by_the_run = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let (now, unsigned) = audit(&bench, &[]);
        assert_eq!((now, &unsigned["signature"]["state"]), (code, &"none".into()));
        let (now, asked) = audit(&bench, &["--verify-key", &World::path("signer.pub")]);
        assert_eq!((now, &gate(&asked, "signature")["status"]), (1, &"fail".into()));
        // The same evidence and Ed25519: the same bundle, byte for byte.
        let (now, _) = audit(&bench, &["--sign-key", &World::path("signer.key")]);
        assert_eq!((now, fs::read(&path).unwrap()), (code, signed_by_the_run));
    }
    let bench = packet("clean");
    fs::remove_file(bench.path().join("it").join(BUNDLE)).unwrap();
    crate::audit::tampering::append(&bench.path().join("it/summary.md"), "\n");
    let out = bench.run(&["audit", "it", "--fail-on", "never", "--sign-key", &World::path("signer.key")]).exits(1);
    assert!(out.stderr.contains("nothing was signed: checksums: summary.md was changed"), "{out:?}");
    assert!(!bench.path().join("it").join(BUNDLE).exists());
}

#[test]
fn people_who_sign_at_once_lose_nothing() {
    let bench = packet("clean");
    let names: Vec<String> = (0..6).map(|n| format!("person-{n}")).collect();
    for name in &names {
        make_key(&bench, name, false);
    }
    thread::scope(|scope| {
        for name in &names {
            let bench = &bench;
            scope.spawn(move || {
                let key = format!("{name}.key");
                let _ = bench.run(&["audit", "-q", "it", "--sign-key", &key]).exits(0);
                let decide = ["--decision", "approve", "--as", name, "--note", "seen"];
                let _ = bench.run(&[&["audit", "-q", "it", "--sign-key", &key], &decide[..]].concat()).exits(0);
            });
        }
    });
    let trust: Vec<String> = names.iter().flat_map(|n| ["--verify-key".into(), format!("{n}.pub")]).collect();
    let reviewers: Vec<String> = names.iter().flat_map(|n| ["--reviewer".into(), format!("{n}={n}.pub")]).collect();
    let mut options: Vec<&str> = trust.iter().chain(&reviewers).map(String::as_str).collect();
    options.extend(["--min-signatures", "6", "--min-approvals", "6"]);
    let (code, audited) = audit(&bench, &options);
    assert_eq!(code, 0, "{audited:#}");
    assert_eq!(audited["signature"]["keys"].as_array().unwrap().len(), 7);
    assert_eq!(audited["decisions"].as_array().unwrap().len(), 6);
}

#[test]
fn every_document_says_who_ran_what_and_the_key_stays_with_us() {
    let bench = Bench::new();
    make_key(&bench, "k", false);
    let pem = fs::read_to_string(bench.path().join("k.key")).unwrap();
    let script = "env | grep -c MY_KEY; sleep 9";
    let mut command = bench.command(&["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s"]);
    command.args(["--run-name", "r", "--sign-key", "env:MY_KEY", "--", "sh", "-c", script]).env("MY_KEY", &pem);
    let output = Output::from(command.output().unwrap());
    let packet = bench.path().join("runs/r/packet");
    assert!(packet.join(BUNDLE).exists(), "{output:?}");
    let secret = pem.lines().nth(1).unwrap();
    let (mut documents, mut markdown) = (0, 0);
    for entry in walkdir::WalkDir::new(bench.path().join("runs")).into_iter().map(Result::unwrap) {
        if !entry.file_type().is_file() {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(40).any(|window| window == &secret.as_bytes()[20..60]), "{}", entry.path().display());
        let top = entry.path().parent() == Some(packet.as_path());
        let name = entry.file_name().to_str().unwrap();
        if top && name.ends_with(".json") && !["manifest.json", "policy.json"].contains(&name) {
            documents += 1;
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            let provenance = &document["provenance"];
            assert!(provenance["user"].is_string() && provenance["host"].is_string(), "{name}: {provenance}");
            assert_eq!(provenance["program_sha256"].as_str().unwrap().len(), 64, "{name}");
            assert_eq!(provenance["command"][0], "sh", "{name}");
        }
        markdown +=
            usize::from(top && name.ends_with(".md") && String::from_utf8_lossy(&bytes).contains("Provenance: "));
    }
    assert_eq!((documents, markdown), (6, 6));
    let log = crate::audit::tampering::log(&packet.join("raw"), "log");
    assert_eq!(fs::read_to_string(log).unwrap().trim(), "0");
}
