//! What somebody accepts by name, from the command line to the documents.

use std::fs;

use serde_json::Value;

use super::gate;
use crate::harness::Bench;

#[test]
fn a_waived_gate_is_a_warning_with_its_waiver_in_every_document() {
    let bench = Bench::new();
    let waiver = |target: &str, expires: &str| {
        format!("[[waiver]]\n{target}\nowner = \"ada\"\nreason = \"planned\"\nexpires = {expires}\n")
    };
    let day = (chrono::Utc::now() + chrono::Days::new(30)).format("%Y-%m-%d").to_string();
    bench.write("w.toml", waiver("gate = \"logs\"", &day) + &waiver("gate = \"run\"", &day));
    let script = "for i in 1 2 3 4 5; do echo \"INFO tick $i\"; [ $i = 3 ] && echo 'ERROR order 7 failed'; sleep 0.2; done; sleep 9";
    let args = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "2s", "--run-name", "r"];
    let run = ["--waivers", "w.toml", "--", "sh", "-c", script];
    let _ = bench.run(&[&args[..], &run].concat());
    let packet = bench.path().join("runs/r/packet");
    let read = |name: &str| -> Value { serde_json::from_slice(&fs::read(packet.join(name)).unwrap()).unwrap() };
    let sign_off = read("dry_run_sign_off.json");
    let logs = gate(&sign_off, "logs");
    assert_eq!(
        (&logs["status"], &logs["waived"]["owner"], &logs["waived"]["from"]),
        (&"warn".into(), &"ada".into(), &"fail".into()),
        "{sign_off:#}"
    );
    assert!(sign_off["headline"].as_str().unwrap().contains("waiver"), "{}", sign_off["headline"]);
    assert_eq!(read("waivers.json")["waivers"][0]["gate"], "logs");
    assert!(fs::read_to_string(packet.join("dry_run_summary.md")).unwrap().contains("waived by ada until"));
    // Whoever audits the packet sees the same, and who does not accept it sees the finding that could be waived alone.
    let audited = bench.run(&["audit", "runs/r/packet", "--format", "json"]).json();
    assert_eq!(gate(&audited, "record")["status"], "pass", "{audited:#}");
    assert_eq!(gate(&audited, "logs")["status"], "warn");
    let id = audited["logs"]["groups"][0]["id"].as_str().unwrap().to_owned();
    bench.write("f.toml", waiver(&format!("finding = \"{id}\""), &day) + &waiver("finding = \"0123456789ab\"", &day));
    let other = bench.run(&["audit", "runs/r/packet", "--format", "json", "--waivers", "f.toml"]).json();
    assert_eq!(gate(&other, "logs")["waived"]["reason"], "planned", "{other:#}");
    assert!(gate(&other, "waivers")["measured"].as_str().unwrap().contains("0123456789ab matches nothing"));
    // By a day after its expiry it does nothing.
    let late = bench.run(&["audit", "runs/r/packet", "--format", "json", "--as-of", "2100-01-01"]).json();
    assert_eq!((&gate(&late, "logs")["status"], &gate(&late, "waivers")["status"]), (&"fail".into(), &"warn".into()));

    // A document that says otherwise than the run was judged is named.
    fs::rename(packet.join("waivers.json"), bench.path().join("gone")).unwrap();
    crate::audit::tampering::redo_sums(&packet);
    let without = bench.run(&["audit", "runs/r/packet", "--format", "json"]).json();
    assert!(
        gate(&without, "record")["measured"].as_str().unwrap().contains("waivers.json does not state"),
        "{without:#}"
    );
    fs::rename(bench.path().join("gone"), packet.join("waivers.json")).unwrap();
    crate::audit::tampering::redo_sums(&packet);

    bench.write("far.toml", waiver("gate = \"logs\"", "2100-01-01"));
    let out = bench.run(&[&args[..], &["--waivers", "far.toml", "--", "true"]].concat()).exits(2);
    assert!(out.stderr.contains("more than 90 days ahead"), "{out:?}");
    bench.write("never.toml", waiver("gate = \"record\"", &day));
    let out = bench.run(&["audit", "runs/r/packet", "--waivers", "never.toml"]).exits(2);
    assert!(out.stderr.contains("never.toml:1") && out.stderr.contains("can never be waived"), "{out:?}");
}
