//! Each way to forge a signed packet that somebody who has it, or a key, may try.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use emp_ops::verdict::attestation::BUNDLE;
use emp_ops::verdict::attestation::envelope::Envelope;
use serde_json::{Value, json};

use super::{WORLD, World, audit, edit_bundle, packet, signed};
use crate::audit::tampering::{append, clear, edit, log, mend_head, redo_sums, replace, snapshots, whiten};

/// The statement of the first line, changed.
fn edited(envelope: &Envelope, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut statement: Value = serde_json::from_slice(&envelope.payload).unwrap();
    change(&mut statement);
    serde_json::to_vec(&statement).unwrap()
}

/// Every document and the evidence say that nothing was wrong.
fn whitewash(packet: &Path) {
    let raw = packet.join("raw");
    whiten(&raw);
    clear(&raw);
    mend_head(&raw);
    for name in ["dry_run_sign_off.json", "dry_run_summary.json", "summary.json"] {
        let text = fs::read_to_string(packet.join(name)).unwrap();
        fs::write(packet.join(name), text.replace("\"fail\"", "\"pass\"")).unwrap();
    }
    redo_sums(packet);
}

/// The statement of an honest signer about the packet as it is now.
fn restate(packet: &Path, old: &Envelope) -> Vec<u8> {
    edited(old, |statement| {
        for subject in statement["subject"].as_array_mut().unwrap() {
            if let Ok(bytes) = fs::read(packet.join(subject["name"].as_str().unwrap())) {
                subject["digest"]["sha256"] = json!(emp_ops::digest::sha256(&bytes));
                if subject["name"] == "raw/run.json" {
                    let record: Value = serde_json::from_slice(&bytes).unwrap();
                    subject["annotations"]["headSha256"] = record["progress"]["head_sha256"].clone();
                }
            }
        }
        let result = &mut statement["predicate"];
        let failed = std::mem::take(&mut result["failedTests"]);
        result["passedTests"].as_array_mut().unwrap().extend(failed.as_array().unwrap().iter().cloned());
        (result["failedTests"], result["result"]) = (json!([]), json!("PASSED"));
    })
}

type Change = fn(&Path);

#[test]
fn each_forgery_fails_and_says_what_was_forged() {
    let cases: &[(&str, Change, &str)] = &[
        ("a byte of a log", |p| append(&log(&p.join("raw"), "jsonl"), " "), "was changed after the list was made"),
        (
            "the error cut, sums redone",
            |p| {
                let log = log(&p.join("raw"), "jsonl");
                let text = fs::read_to_string(&log).unwrap();
                let kept: Vec<&str> = text.lines().filter(|line| !line.contains("db down")).collect();
                fs::write(log, kept.join("\n") + "\n").unwrap();
                redo_sums(p);
            },
            "files are not as signed: SHA256SUMS (changed), manifest.json (changed), raw/logs/",
        ),
        (
            "the error edited in place, the record changed to match, sums redone",
            |p| {
                whiten(&p.join("raw"));
                clear(&p.join("raw"));
                mend_head(&p.join("raw"));
                redo_sums(p);
            },
            "are not as signed",
        ),
        (
            "the policy loosened, sums redone",
            |p| {
                edit(&p.join("policy.json"), |policy| policy["sign_off"]["allow_warnings"] = json!(true));
                redo_sums(p);
            },
            "policy.json (changed)",
        ),
        (
            "the payload edited",
            |p| {
                edit_bundle(p, |all| {
                    all[0].payload = edited(&all[0], |statement| statement["predicate"]["result"] = json!("PASSED"));
                });
            },
            "the payload, its type or the signature was altered",
        ),
        (
            "whitewashed, signed by another key",
            |p| {
                whitewash(p);
                edit_bundle(p, |all| all[0] = signed(restate(p, &all[0]), &WORLD.other));
            },
            "signed by keys that you do not trust: SHA256:",
        ),
        (
            "… under the trusted key id",
            |p| {
                whitewash(p);
                edit_bundle(p, |all| {
                    all[0] = signed(restate(p, &all[0]), &WORLD.other);
                    all[0].signatures[0].keyid = WORLD.signer.public().id().to_owned();
                });
            },
            "altered",
        ),
        (
            "the bundle of a passing run",
            |p| assert!(fs::copy(WORLD.bench.path().join("clean/packet").join(BUNDLE), p.join(BUNDLE)).is_ok()),
            "files are not as signed",
        ),
        ("the bundle removed", |p| fs::remove_file(p.join(BUNDLE)).unwrap(), "the packet is not signed"),
        ("no signatures", |p| edit_bundle(p, |all| all[0].signatures.clear()), "it has no signature"),
        (
            "another payload type",
            |p| edit_bundle(p, |all| all[0].payload_type = "application/json".to_owned()),
            "its payload type is `application/json`",
        ),
        (
            "a second payload",
            |p| replace(&p.join(BUNDLE), "\"payload\":", "\"payload\":\"e30=\",\"payload\":"),
            "the key `payload` is in one object twice",
        ),
        (
            "the bundle cut",
            |p| {
                let bytes = fs::read(p.join(BUNDLE)).unwrap();
                fs::write(p.join(BUNDLE), &bytes[..bytes.len() / 2]).unwrap();
            },
            "not JSON",
        ),
        (
            "the last snapshots cut, sums redone",
            |p| {
                snapshots(&p.join("raw")).iter().rev().take(2).for_each(|path| fs::remove_file(path).unwrap());
                redo_sums(p);
            },
            "(missing)",
        ),
        (
            "… and the record changed to match",
            |p| {
                let raw = p.join("raw");
                snapshots(&raw).iter().rev().take(2).for_each(|path| fs::remove_file(path).unwrap());
                let left = snapshots(&raw).len();
                edit(&raw.join("run.json"), |record| record["progress"]["snapshots"] = json!(left));
                mend_head(&raw);
                redo_sums(p);
            },
            "were signed",
        ),
        (
            "two snapshots swapped, sums redone",
            |p| {
                let all = snapshots(&p.join("raw"));
                fs::rename(&all[0], p.join("x")).unwrap();
                fs::rename(&all[1], &all[0]).unwrap();
                fs::rename(p.join("x"), &all[1]).unwrap();
                redo_sums(p);
            },
            "(changed)",
        ),
        ("a log added", |p| fs::write(p.join("raw/logs/more.log"), "x\n").unwrap(), "raw/logs/more.log (added)"),
        (
            "a log added, sums redone",
            |p| {
                fs::write(p.join("raw/logs/more.log"), "x\n").unwrap();
                redo_sums(p);
            },
            "raw/logs/more.log (added)",
        ),
        (
            "a log replaced by a link",
            |p| {
                let log = log(&p.join("raw"), "jsonl");
                fs::rename(&log, p.parent().unwrap().join("moved")).unwrap();
                symlink(p.parent().unwrap().join("moved"), log).unwrap();
            },
            "it is a symbolic link",
        ),
        (
            "the bundle replaced by a link",
            |p| {
                fs::rename(p.join(BUNDLE), p.parent().unwrap().join("moved")).unwrap();
                symlink(p.parent().unwrap().join("moved"), p.join(BUNDLE)).unwrap();
            },
            BUNDLE,
        ),
        (
            "a path that leads out of the packet",
            |p| append(&p.join("SHA256SUMS"), &format!("{}  ../../etc/passwd\n", "0".repeat(64))),
            "is outside the folder",
        ),
        (
            "the trusted key signs PASSED over a failing sign-off",
            |p| edit_bundle(p, |all| all[0] = signed(restate(p, &all[0]), &WORLD.signer)),
            "the statement says PASSED, the evidence says FAIL",
        ),
        (
            "the trusted key signs a sign-off that was made to fit",
            |p| {
                for name in ["dry_run_sign_off.json", "dry_run_summary.json", "summary.json"] {
                    let text = fs::read_to_string(p.join(name)).unwrap();
                    fs::write(p.join(name), text.replace("\"fail\"", "\"pass\"")).unwrap();
                }
                redo_sums(p);
                edit_bundle(p, |all| all[0] = signed(restate(p, &all[0]), &WORLD.signer));
            },
            "the statement says PASSED, the evidence says FAIL",
        ),
    ];
    let key = World::path("signer.pub");
    for (name, change, expect) in cases {
        let bench = packet("loud");
        change(&bench.path().join("it"));
        let (code, audited) = audit(&bench, &["--verify-key", &key]);
        let text = audited.to_string();
        assert_eq!(code, 1, "{name}: {audited:#}");
        assert!(text.contains(expect), "{name}: {expect}: {:#} {:#}", audited["gates"], audited["checksums"]);
        let state = &audited["signature"]["state"];
        assert!(
            state != "valid" || ["checksums", "record"].iter().any(|g| super::gate(&audited, g)["status"] == "fail"),
            "{name}"
        );
        // `--fail-on never` was asked for, and the headline says FAIL all the same.
        let never = bench.run(&["audit", "it", "--verify-key", &key, "--fail-on", "never"]);
        assert!(never.code == 0 && never.stdout.starts_with("FAIL"), "{name}: {never:?}");
        // Nothing is signed on top of a forgery.
        let before = fs::read(bench.path().join("it").join(BUNDLE)).ok();
        if before.is_some() && *name != "whitewashed, signed by another key" {
            let (code, _) = audit(&bench, &["--verify-key", &key, "--sign-key", &World::path("alice.key")]);
            assert_eq!((code, fs::read(bench.path().join("it").join(BUNDLE)).ok()), (1, before), "{name}");
        }
    }
}
