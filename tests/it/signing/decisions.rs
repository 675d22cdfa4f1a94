//! Decisions of reviewers, from the command line.

use std::fs;

use emp_ops::verdict::attestation::BUNDLE;

use super::{World, audit, edit_bundle, gate, packet};
use crate::harness::Bench;

fn decide(bench: &Bench, key: &str, name: &str, choice: &str) {
    let key = World::path(&format!("{key}.key"));
    let args = ["audit", "-q", "it", "--sign-key", &key, "--as", name, "--decision", choice, "--note", "because"];
    let out = bench.run(&args);
    assert!([0, 1].contains(&out.code) && !out.stderr.contains("nothing was signed"), "{out:?}");
}

fn reviewed(bench: &Bench, wanted: &str) -> (i32, serde_json::Value) {
    let [alice, bob] = ["alice", "bob"].map(|name| format!("{name}={}", World::path(&format!("{name}.pub"))));
    let key = World::path("signer.pub");
    let options = ["--reviewer", &alice, "--reviewer", &bob, "--min-approvals", wanted, "--verify-key", &key];
    audit(bench, &options)
}

type Act = fn(&Bench);

#[test]
fn consent_is_counted_and_what_does_not_count_is_named() {
    let cases: &[(&str, &str, Act)] = &[
        ("", "2", |b| {
            decide(b, "alice", "alice", "approve");
            decide(b, "bob", "bob", "approve");
        }),
        ("1 of 2 approvals given: bob has not decided", "2", |b| decide(b, "alice", "alice", "approve")),
        ("bob has not decided", "2", |b| {
            decide(b, "alice", "alice", "approve");
            decide(b, "alice", "alice", "approve");
        }),
        ("in the name of bob does not count: it is not signed by the key of bob", "2", |b| {
            decide(b, "alice", "alice", "approve");
            decide(b, "mallory", "bob", "approve");
        }),
        ("it is not signed by the key of bob", "2", |b| {
            decide(b, "alice", "alice", "approve");
            decide(b, "alice", "bob", "approve");
        }),
        ("alice rejects the packet: because", "1", |b| {
            decide(b, "alice", "alice", "reject");
            decide(b, "bob", "bob", "approve");
        }),
        ("the decision of bob does not count: it does not name all the decisions before it", "1", |b| {
            decide(b, "alice", "alice", "reject");
            decide(b, "bob", "bob", "approve");
            edit_bundle(&b.path().join("it"), |all| drop(all.remove(1)));
        }),
        ("1 of 2 approvals given: alice has not decided", "2", |b| {
            decide(b, "bob", "bob", "approve");
            decide(b, "alice", "alice", "reject");
            edit_bundle(&b.path().join("it"), |all| drop(all.pop()));
        }),
        ("the decision of alice does not count: it is about another packet", "1", |b| {
            let other = packet("loud");
            decide(&other, "alice", "alice", "approve");
            let line = fs::read_to_string(other.path().join("it").join(BUNDLE)).unwrap();
            crate::audit::tampering::append(&b.path().join("it").join(BUNDLE), line.lines().nth(1).unwrap());
        }),
        ("the decision of alice does not count: it was altered: the signature of alice does not fit", "1", |b| {
            decide(b, "alice", "alice", "reject");
            edit_bundle(&b.path().join("it"), |all| {
                let text = String::from_utf8(all[1].payload.clone()).unwrap();
                all[1].payload = text.replace("\"reject\"", "\"approve\"").into_bytes();
            });
        }),
    ];
    for (expect, wanted, act) in cases {
        let bench = packet("clean");
        act(&bench);
        let (code, audited) = reviewed(&bench, wanted);
        let gate = gate(&audited, "approvals");
        assert_eq!(code, i32::from(!expect.is_empty()), "{expect}: {audited:#}");
        assert!(gate["measured"].as_str().unwrap().contains(expect), "{expect}: {gate:#}");
        assert_eq!(audited["signature"]["state"], "valid", "{expect}");
    }
}

#[test]
fn a_decision_is_shown_and_changes_no_verdict() {
    let bench = packet("loud");
    decide(&bench, "alice", "alice", "approve");
    decide(&bench, "bob", "bob", "approve");
    let (code, audited) = reviewed(&bench, "2");
    assert_eq!((code, &gate(&audited, "approvals")["status"]), (1, &"pass".into()));
    let decision = &audited["decisions"][1];
    assert_eq!(
        (&decision["reviewer"], &decision["decision"], &decision["counts"]),
        (&"bob".into(), &"approve".into(), &true.into())
    );
    assert_eq!(decision["decided_at"], "2025-01-06T00:00:00Z");
    let (_, other) = audit(&bench, &["--reviewer", &format!("bob={}", World::path("bob.pub"))]);
    assert_eq!(other["decisions"][0]["why_not"], "alice is none of the reviewers");
    let text = bench.run(&["audit", "it"]).stdout;
    assert!(text.contains("\nDecisions\n") && text.contains("approves"), "{text}");
}
