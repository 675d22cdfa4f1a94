use std::rc::Rc;

use serde_json::Value;

use super::super::envelope::Signature;
use super::super::statement::Sealed;
use super::*;
use crate::finding::Status;
use crate::keys::tests::private;
use crate::keys::{Kind, SigningKey};

/// A packet with the people around it.
struct World {
    files: BTreeMap<String, String>,
    head: (u64, String),
    gates: Gates,
    signer: Rc<SigningKey>,
    other: Rc<SigningKey>,
    alice: Rc<SigningKey>,
    bob: Rc<SigningKey>,
    envelopes: Vec<Envelope>,
}

impl World {
    fn new(status: Status) -> Self {
        let names = ["SHA256SUMS", "manifest.json", "policy.json", "raw/run.json", "raw/logs/a.jsonl", "summary.json"];
        let mut world = Self {
            files: names.map(|name| (name.to_owned(), format!("<{name}>"))).into(),
            head: (3, "head of the timeline".to_owned()),
            gates: Gates { status, gates: vec![("run".to_owned(), Status::Pass), ("logs".to_owned(), status)] },
            signer: private(Kind::Ed25519).into(),
            other: private(Kind::P256).into(),
            alice: private(Kind::Ed25519).into(),
            bob: private(Kind::P256).into(),
            envelopes: Vec::new(),
        };
        world.envelopes.push(signed(world.payload(), &[&world.signer]));
        world
    }

    fn payload(&self) -> Vec<u8> {
        let head = Some((self.head.0, self.head.1.as_str()));
        statement::verdict(&Sealed { files: &self.files, head, tested: &[], verdict: &self.gates })
    }

    fn trust(&self, keys: &[&SigningKey], min_signatures: usize) -> Trust {
        Trust { keys: keys.iter().map(|key| key.public().clone()).collect(), min_signatures, ..Trust::default() }
    }

    fn reviewers(&self, min_approvals: usize) -> Trust {
        let reviewers = [("alice", &self.alice), ("bob", &self.bob)];
        let reviewers = reviewers.map(|(name, key)| Reviewer { name: name.to_owned(), key: key.public().clone() });
        Trust { reviewers: reviewers.into(), min_approvals, ..self.trust(&[&self.signer], 1) }
    }

    fn decide(&mut self, choice: Choice, name: &str, key: &SigningKey) {
        let verdict = &self.envelopes[0];
        let result = statement::read_verdict(&verdict.payload).unwrap().predicate.result;
        let decision = Decision {
            decision: choice,
            reviewer: name.to_owned(),
            note: Some(format!("{choice:?} for a reason")),
            decided_at: "2026-11-26T09:00:00Z".to_owned(),
            verdict: VerdictRef { result, payload_sha256: verdict.payload_sha256() },
            earlier: self.envelopes[1..].iter().map(Envelope::payload_sha256).collect(),
        };
        self.envelopes.push(signed(decision.payload(&self.files["SHA256SUMS"]), &[key]));
    }

    fn bundle(&self) -> Vec<u8> {
        self.envelopes.iter().map(Envelope::line).collect::<String>().into_bytes()
    }

    fn judge_bundles(&self, bundles: &[Vec<u8>], trust: &Trust) -> Judgement {
        let bundles: Vec<(String, Vec<u8>)> = bundles.iter().map(|bytes| (BUNDLE.to_owned(), bytes.clone())).collect();
        let packet = Packet {
            files: self.files.clone(),
            head: Some(self.head.clone()),
            derived: Some(self.gates.clone()),
            sealed: Some(self.gates.clone()),
            ..Packet::default()
        };
        judge(&bundles, trust, &packet)
    }

    fn judge(&self, trust: &Trust) -> Judgement {
        self.judge_bundles(&[self.bundle()], trust)
    }
}

fn signed(payload: Vec<u8>, keys: &[&SigningKey]) -> Envelope {
    let mut envelope = Envelope::new(payload);
    for key in keys {
        let signature = key.sign(&envelope.signed_bytes()).unwrap();
        envelope.signatures.push(Signature::new(key.public().id(), signature));
    }
    envelope
}

fn texts(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.summary.as_str()).collect()
}

#[test]
fn what_nobody_touched_is_valid_however_it_came() {
    let mut world = World::new(Status::Fail);
    let one = world.trust(&[&world.signer], 1);
    let two = world.trust(&[&world.signer, &world.other], 2);
    assert_eq!(world.judge(&one).signatures.state, State::Valid);
    assert_eq!(world.judge(&Trust::default()).signatures.state, State::NotChecked);
    assert_eq!(world.judge_bundles(&[], &Trust::default()).signatures.state, State::None);
    assert!(world.judge_bundles(&[], &Trust::default()).signatures.findings.is_empty());

    // A signature that is kept elsewhere counts like one in the packet.
    let elsewhere = signed(world.payload(), &[&world.other]).line().into_bytes();
    let judged = world.judge_bundles(&[world.bundle(), elsewhere], &two);
    assert_eq!((judged.signatures.state, judged.signatures.findings), (State::Valid, vec![]));

    // Key ids are hints.
    world.envelopes[0].signatures[0].keyid = "somebody".to_owned();
    assert_eq!(world.judge(&one).signatures.state, State::Valid);
    world.envelopes[0].signatures.push(Signature::new("", b"of a scheme of tomorrow".to_vec()));
    assert_eq!(world.judge(&one).signatures.state, State::Valid);
    // So are lines of other kinds.
    world.envelopes.push(signed(
        br#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","subject":[],"predicate":{}}"#.to_vec(),
        &[&world.other],
    ));
    let judged = world.judge(&one);
    assert_eq!((judged.signatures.state, judged.ignored), (State::Valid, 1));
}

#[test]
fn each_forgery_is_named() {
    type Change = fn(&mut World);
    let cases: &[(&str, State, Change)] = &[
        ("1 file is not as signed: raw/logs/a.jsonl (changed)", State::Mismatch, |world| {
            world.files.insert("raw/logs/a.jsonl".to_owned(), "another".to_owned());
        }),
        ("raw/logs/a.jsonl (missing)", State::Mismatch, |world| {
            world.files.remove("raw/logs/a.jsonl");
        }),
        (
            "8 files are not as signed: b0 (added), b1 (added), b2 (added), b3 (added), b4 (added) and 3 more",
            State::Mismatch,
            |world| {
                world.files.extend((0..8).map(|n| (format!("b{n}"), String::new())));
            },
        ),
        ("the timeline holds 2 snapshots, but 3 were signed", State::Mismatch, |world| world.head.0 = 2),
        ("is not the one that was signed", State::Mismatch, |world| world.head.1 = "x".to_owned()),
        ("the statement says FAILED, the evidence says PASS (logs: FAIL in the statement", State::Mismatch, |world| {
            world.gates = World::new(Status::Pass).gates;
        }),
        ("the payload, its type or the signature was altered", State::Invalid, |world| {
            let text = String::from_utf8(world.envelopes[0].payload.clone()).unwrap();
            world.envelopes[0].payload = text.replace("FAILED", "PASSED").into_bytes();
        }),
        ("altered", State::Invalid, |world| {
            let payload = world.payload();
            let id = world.signer.public().id().to_owned();
            world.envelopes = vec![signed(payload, &[&world.other])];
            world.envelopes[0].signatures[0].keyid = id;
        }),
        (
            "0 of 1 trusted key signed the verdict; signed by keys that you do not trust: SHA256:",
            State::Untrusted,
            |world| {
                world.envelopes = vec![signed(world.payload(), &[&world.other])];
            },
        ),
        ("it has no signature", State::Invalid, |world| world.envelopes[0].signatures.clear()),
        ("its payload type is `text/plain`", State::Invalid, |world| {
            world.envelopes[0].payload_type = "text/plain".to_owned();
        }),
        ("its predicate is `https://slsa.dev/provenance/v1`", State::Invalid, |world| {
            let text =
                String::from_utf8(world.payload()).unwrap().replace(VERDICT_TYPE, "https://slsa.dev/provenance/v1");
            world.envelopes = vec![signed(text.into_bytes(), &[&world.signer])];
        }),
        ("the key `result` is in one object twice", State::Invalid, |world| {
            let text =
                String::from_utf8(world.payload()).unwrap().replace("\"result\":", "\"result\":\"PASSED\",\"result\":");
            world.envelopes = vec![signed(text.into_bytes(), &[&world.signer])];
        }),
        ("it is another verdict than the first line", State::Invalid, |world| {
            let other = World::new(Status::Pass).payload();
            world.envelopes.push(signed(other, &[&world.signer]));
        }),
        ("the statement names a configuration, policy.json, that it does not sign", State::Mismatch, |world| {
            let mut statement: Value = serde_json::from_slice(&world.payload()).unwrap();
            statement["predicate"]["configuration"][0]["digest"]["sha256"] = "loose".into();
            world.envelopes = vec![signed(statement.to_string().into_bytes(), &[&world.signer])];
        }),
        ("raw/logs/a.jsonl (added)", State::Mismatch, |world| {
            let mut statement: Value = serde_json::from_slice(&world.payload()).unwrap();
            let log = statement["subject"].as_array_mut().unwrap().iter_mut().find(|s| s["name"] == "raw/logs/a.jsonl");
            log.unwrap()["annotations"] = serde_json::json!({"role": "tested"});
            world.envelopes = vec![signed(statement.to_string().into_bytes(), &[&world.signer])];
        }),
    ];
    for (expect, state, change) in cases {
        let mut world = World::new(Status::Fail);
        change(&mut world);
        let judged = world.judge(&world.trust(&[&world.signer], 1));
        assert!(
            texts(&judged.signatures.findings).iter().any(|text| text.contains(expect)),
            "{expect}: {:?}",
            judged.signatures.findings
        );
        assert_eq!(judged.signatures.state, *state, "{expect}");
        // What needs no key is found without one.
        let unasked = world.judge(&Trust::default());
        let by_key_alone = expect.contains("altered") || *state == State::Untrusted;
        let said = texts(&unasked.signatures.findings);
        assert!(said.iter().any(|text| text.contains(expect)) || by_key_alone, "{expect}: {said:?}");
    }
    let world = World::new(Status::Fail);
    for (bundle, expect) in [(&world.bundle()[..500], "not JSON"), (b"", "it is empty"), (b"\xff\xfe{}", "not JSON")] {
        let judged = world.judge_bundles(&[bundle.to_vec()], &world.trust(&[&world.signer], 1));
        assert!(texts(&judged.signatures.findings)[0].contains(expect), "{:?}", judged.signatures.findings);
        assert_eq!(judged.signatures.state, State::Invalid);
    }
    let unsigned = world.judge_bundles(&[], &world.trust(&[&world.signer], 1));
    assert!(texts(&unsigned.signatures.findings)[0].contains("--sign-key"), "{:?}", unsigned.signatures.findings);
    // One good signature does not make up for one that was altered.
    let mut world = World::new(Status::Pass);
    world.envelopes[0].signatures.push(Signature::new(world.other.public().id(), b"broken".to_vec()));
    let judged = world.judge(&world.trust(&[&world.signer, &world.other], 1));
    assert_eq!(judged.signatures.state, State::Invalid);
}

#[test]
fn decisions_count_only_of_the_right_person_about_this_packet_in_their_order() {
    use Choice::{Approve, Reject};
    fn by(world: &mut World, choice: Choice, name: &str, key: fn(&World) -> &Rc<SigningKey>) {
        let key = key(world).clone();
        world.decide(choice, name, &key);
    }
    fn alice(world: &mut World, choice: Choice) {
        by(world, choice, "alice", |world| &world.alice);
    }
    type Change = fn(&mut World);
    let cases: &[(&str, usize, Change)] = &[
        ("", 2, |w| {
            alice(w, Approve);
            by(w, Approve, "bob", |w| &w.bob);
        }),
        ("1 of 2 approvals given: bob has not decided", 2, |w| alice(w, Approve)),
        ("1 of 2 approvals given: bob has not decided", 2, |w| {
            alice(w, Approve);
            alice(w, Approve);
        }),
        ("in the name of bob does not count: it is not signed by the key of bob", 2, |w| {
            alice(w, Approve);
            by(w, Approve, "bob", |w| &w.other);
        }),
        ("in the name of bob does not count: it is not signed by the key of bob", 2, |w| {
            alice(w, Approve);
            by(w, Approve, "bob", |w| &w.alice);
        }),
        ("alice rejects the packet: Reject for a reason", 1, |w| {
            alice(w, Reject);
            by(w, Approve, "bob", |w| &w.bob);
        }),
        ("it does not name all the decisions before it", 1, |w| {
            alice(w, Reject);
            by(w, Approve, "bob", |w| &w.bob);
            w.envelopes.remove(1);
        }),
        ("", 1, |w| {
            by(w, Approve, "bob", |w| &w.bob);
            alice(w, Reject);
            w.envelopes.pop();
        }),
        ("1 of 2 approvals given: alice has not decided", 2, |w| {
            by(w, Approve, "bob", |w| &w.bob);
            alice(w, Reject);
            w.envelopes.pop();
        }),
        ("", 1, |w| {
            alice(w, Reject);
            alice(w, Approve);
        }),
        ("alice rejects", 1, |w| {
            alice(w, Approve);
            alice(w, Reject);
            by(w, Approve, "bob", |w| &w.bob);
        }),
        ("it is about another packet", 1, |w| {
            alice(w, Approve);
            let moved = w.envelopes[1].clone();
            w.files.insert("SHA256SUMS".to_owned(), "new".to_owned());
            w.envelopes = vec![signed(w.payload(), &[&w.signer]), moved];
        }),
        ("it was altered: the signature of alice does not fit it", 1, |w| {
            alice(w, Reject);
            let text = String::from_utf8(w.envelopes[1].payload.clone()).unwrap();
            w.envelopes[1].payload = text.replace("\"reject\"", "\"approve\"").into_bytes();
        }),
        ("does not count: carol is none of the reviewers", 1, |w| by(w, Approve, "carol", |w| &w.other)),
    ];
    for (expect, asked, change) in cases {
        let mut world = World::new(Status::Fail);
        change(&mut world);
        let judged = world.judge(&world.reviewers(*asked));
        let approvals = judged.approvals.unwrap();
        if expect.is_empty() {
            assert_eq!(approvals.findings, [], "{:?}", judged.decisions);
        } else if expect.contains("none of the reviewers") {
            assert!(judged.decisions[0].why_not.as_ref().unwrap().contains("none of the reviewers"));
            assert!(!approvals.findings.is_empty());
        } else {
            assert!(
                texts(&approvals.findings).iter().any(|t| t.contains(expect)),
                "{expect}: {:?}",
                approvals.findings
            );
        }
        // The verdict and its signature are another matter.
        assert_eq!(judged.signatures.findings, [], "{expect}");
    }
}

#[test]
fn an_approval_of_what_failed_needs_a_note_and_nobody_asks_without_reviewers() {
    let mut world = World::new(Status::Fail);
    let verdict = VerdictRef { result: Outcome::Failed, payload_sha256: world.envelopes[0].payload_sha256() };
    let decision = Decision {
        decision: Choice::Approve,
        reviewer: "alice".to_owned(),
        note: Some("  ".to_owned()),
        decided_at: "2026-11-26T09:00:00Z".to_owned(),
        verdict,
        earlier: Vec::new(),
    };
    let payload = decision.payload(&world.files["SHA256SUMS"]);
    world.envelopes.push(signed(payload, &[&world.alice]));
    let judged = world.judge(&world.reviewers(1));
    assert!(judged.decisions[0].why_not.as_ref().unwrap().contains("without a note"));
    let unasked = world.judge(&Trust::default());
    assert_eq!((unasked.signatures.findings, unasked.approvals), (vec![], None));
    // One that was put into another packet is found all the same.
    world.files.insert("SHA256SUMS".to_owned(), "new".to_owned());
    world.envelopes[0] = signed(world.payload(), &[&world.signer]);
    let unasked = world.judge(&Trust::default());
    assert!(texts(&unasked.signatures.findings)[0].contains("another packet"), "{:?}", unasked.signatures.findings);
}
