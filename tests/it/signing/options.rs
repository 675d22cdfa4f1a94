//! Wrong keys and contradictions: refused before any work, with the command that helps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{World, make_key, packet};

#[test]
fn what_cannot_be_meant_is_refused_before_any_work() {
    let bench = packet("clean");
    for name in ["one", "two"] {
        make_key(&bench, name, name == "two");
    }
    bench.write("encrypted.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    bench.write("sec1.key", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
    bench.write("junk.pub", "junk\n");
    bench.write("both.pub", ["one.pub", "two.pub"].map(|n| fs::read_to_string(bench.path().join(n)).unwrap()).concat());
    let image = format!("x=sha256:{}", "a".repeat(64));
    let cases: &[(&[&str], &str)] = &[
        (&["--sign-key", "none.key"], "none.key: No such file"),
        (&["--sign-key", "encrypted.key"], "--sign-key <(openssl pkey -in encrypted.key)"),
        (&["--sign-key", "sec1.key"], "--sign-key <(openssl pkey -in sec1.key)"),
        (&["--sign-key", "one.pub"], "is a public key, which cannot sign"),
        (&["--sign-key", "junk.pub"], "openssl genpkey -algorithm ed25519"),
        (&["--sign-key", "env:NO_SUCH_KEY"], "the variable NO_SUCH_KEY is not set"),
        (&["--sign-key", "one.key", "--sign-key", "one.key"], "give each key once"),
        (&["--sign-key", "one.key", "--subject", "image=latest"], "NAME=sha256:HEX"),
        (&["--sign-key", "one.key", "--subject", &image, "--subject", &image], "given twice"),
        (&["--sign-key", "one.key", "--timestamp-url", "tsa"], "http"),
    ];
    let of_audits: &[(&[&str], &str)] = &[
        (&["--verify-key", "one.key"], "openssl pkey -in one.key -pubout -out KEY.pub"),
        (&["--verify-key", "junk.pub"], "holds no public key"),
        (&["--verify-key", "none.pub"], "check the path"),
        (&["--verify-key", "one.pub", "--verify-key", "both.pub"], "is there twice"),
        (&["--verify-key", "both.pub", "--min-signatures", "3"], "can never be met: there are 2 keys"),
        (&["--min-signatures", "1"], "there are 0 keys; add --verify-key FILE"),
        (&["--verify-key", "one.pub", "--min-signatures", "0"], "at least 1"),
        (&["--reviewer", "a=one.pub", "--reviewer", "b=one.pub"], "this is the key of a too"),
        (&["--reviewer", "a=one.pub", "--reviewer", "a=two.pub"], "one name has one key"),
        (&["--reviewer", "a=both.pub"], "holds several keys"),
        (&["--reviewer", "a=one.pub", "--min-approvals", "2"], "can never be met: there is 1 reviewer"),
        (&["--decision", "approve", "--as", "a"], "add --sign-key KEY"),
        (&["--sign-key", "one.key", "--decision", "approve"], "--as"),
        (&["--sign-key", "one.key", "--decision", "maybe", "--as", "a"], "approve"),
        (&["--sign-key", "one.key", "--decision", "reject", "--as", "a"], "--note"),
        (&["--sign-key", "one.key", "--sign-key", "two.key", "--decision", "approve", "--as", "a"], "one person"),
        (
            &["--reviewer", "a=two.pub", "--sign-key", "one.key", "--decision", "approve", "--as", "a", "--note", "x"],
            "is not the key of a",
        ),
        (&["--subject", &image], "add --sign-key KEY"),
        (&["--attestation", "none.jsonl"], "none.jsonl"),
    ];
    for (options, expect) in cases.iter().chain(of_audits) {
        let out = bench.run(&[&["audit", "it"], *options].concat()).exits(2);
        assert!(out.stderr.contains(expect), "{options:?}: {out:?}");
        assert!(out.stdout.is_empty(), "{options:?}");
    }
    for (options, expect) in cases {
        let out = bench.run(&[&["final-dry-run", "--simulate"], *options].concat()).exits(2);
        assert!(out.stderr.contains(expect), "{options:?}: {out:?}");
        assert!(!bench.path().join("runs").exists(), "{options:?}");
    }
    let out = bench.run(&["final-dry-run", "--simulate", "--no-packet", "--sign-key", "one.key"]).exits(2);
    assert!(out.stderr.contains("--no-packet"), "{out:?}");
    let run = World::path("clean");
    let out = bench.run(&["audit", &run, "--sign-key", "one.key"]).exits(2);
    assert!(out.stderr.contains("only a packet can be signed: ") && out.stderr.contains("clean/packet"), "{out:?}");
    let out = bench.run(&["audit", "--log", "x.log", "--sign-key", "one.key"]).exits(2);
    assert!(out.stderr.contains("only a packet can be signed"), "{out:?}");
}

#[test]
fn a_key_that_others_can_read_is_used_with_a_warning() {
    let bench = packet("clean");
    make_key(&bench, "open", false);
    fs::set_permissions(bench.path().join("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let out = bench.run(&["audit", "it", "--sign-key", "open.key"]).exits(0);
    assert!(out.stderr.contains("chmod 600 open.key"), "{out:?}");
}

#[test]
fn the_policy_says_whose_signatures_are_asked_for_and_options_win() {
    let bench = packet("clean");
    let policy = format!(
        "[signatures]\nverify_keys = [\"signer.pub\", \"other.pub\"]\nmin_signatures = 2\nreviewers = {{ alice = \"{}\" }}\n",
        World::path("alice.pub")
    );
    // Keys are beside the policy, wherever it is used from.
    bench.write("keys/policy.toml", policy);
    for name in ["signer.pub", "other.pub"] {
        fs::copy(World::path(name), bench.path().join("keys").join(name)).unwrap();
    }
    let (code, asked) = super::audit(&bench, &["--policy", "keys/policy.toml"]);
    assert_eq!((code, &asked["signature"]["required"]), (1, &2.into()));
    assert_eq!(super::gate(&asked, "approvals")["status"], "fail");
    let (_, fewer) = super::audit(&bench, &["--policy", "keys/policy.toml", "--min-signatures", "1"]);
    assert_eq!(fewer["signature"]["state"], "valid");
    bench.write("bad.toml", "[signatures]\nverify_key = []\n");
    let out = bench.run(&["audit", "it", "--policy", "bad.toml"]).exits(2);
    assert!(out.stderr.contains("bad.toml:2") && out.stderr.contains("verify_keys"), "{out:?}");
}
