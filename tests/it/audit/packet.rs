//! `audit` of packets: verified first, then judged like the run that they came from.

use std::fs;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::run_dir::{copy, of_another_writer, run};
use crate::harness::Bench;

/// The paths of the files below `folder`, relative and sorted.
fn files(folder: &Path) -> Vec<String> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn digest(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A bench with our run and an honest packet of it.
fn packed() -> Bench {
    let bench = run();
    let packet = bench.path().join("packet");
    copy(&bench.path().join("run"), &packet.join("raw"));
    let listed: Vec<Value> = files(&packet)
        .iter()
        .map(|path| {
            let bytes = fs::metadata(packet.join(path)).unwrap().len();
            json!({"path": path, "bytes": bytes, "sha256": digest(&packet.join(path))})
        })
        .collect();
    bench.write("packet/manifest.json", json!({"schema": "emp-ops/packet/v1", "files": listed}).to_string());
    let sums: String = files(&packet).iter().map(|path| format!("{}  {path}\n", digest(&packet.join(path)))).collect();
    bench.write("packet/SHA256SUMS", sums);
    bench
}

/// Packs the folder `packet` of the bench into `packet.tar.gz`, below `prefix`.
fn archive(bench: &Bench, prefix: &str) {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for path in files(&bench.path().join("packet")) {
        tar.append_path_with_name(bench.path().join("packet").join(&path), format!("{prefix}{path}")).unwrap();
    }
    bench.write("packet.tar.gz", tar.into_inner().unwrap().finish().unwrap());
}

/// What must not depend on where the evidence is.
fn figures(json: &Value) -> Value {
    let keys = |part: &str, keys: &[&str]| -> Value { keys.iter().map(|key| json[part][key].clone()).collect() };
    json!([
        json["sign_off"]["criteria"],
        keys("logs", &["status", "records", "lines", "level_counts", "totals", "duration_seconds", "uptime_ratio"]),
        keys("diary", &["status", "total_entries", "policy_counts"]),
        keys("performance", &["status", "roi", "sharpe_ratio", "total_trades"]),
    ])
}

#[test]
fn a_packet_gives_the_verdict_of_its_run_in_every_form() {
    let bench = packed();
    let run = bench.run(&["audit", "run", "--format", "json"]).exits(0).json();
    // It holds the evidence alone: that its documents are missing is all that may be wrong with it.
    let judge = |path: &str| {
        let json = bench.run(&["audit", path, "--format", "json"]).exits(1).json();
        let differs: Vec<&Value> = json["record"]["differs"].as_array().unwrap().iter().collect();
        let missing = |finding: &&Value| finding["summary"].as_str().unwrap().contains("which every packet holds");
        assert!(!differs.is_empty() && differs.iter().all(missing), "{differs:#?}");
        json
    };
    assert_eq!(figures(&judge("packet")), figures(&run));
    for prefix in ["", "./", "packet-of-monday/"] {
        archive(&bench, prefix);
        let json = judge("packet.tar.gz");
        assert_eq!(figures(&json), figures(&run), "{prefix}");
        assert_eq!(json["checksums"]["status"], "pass");
        let paths = json["metadata"]["log_paths"].to_string() + &json["logs"]["files"].to_string();
        assert!(paths.contains("raw/logs/") && !paths.contains("emp-ops-packet-"), "{paths}");
    }
}

#[test]
fn a_changed_missing_or_added_file_fails_the_packet() {
    type Change = fn(&Bench);
    let cases: &[(&str, Change)] = &[
        ("raw/decision_diary.json was changed", |b| drop(b.write("packet/raw/decision_diary.json", "[]"))),
        ("raw/performance_metrics.json: is missing", |b| {
            fs::remove_file(b.path().join("packet/raw/performance_metrics.json")).unwrap();
        }),
        ("raw/logs/more.jsonl is in the packet but not", |b| drop(b.write("packet/raw/logs/more.jsonl", "{}\n"))),
        ("manifest.json was changed", |b| {
            let path = b.path().join("packet/manifest.json");
            fs::write(&path, fs::read_to_string(&path).unwrap() + " ").unwrap();
        }),
        ("list of checksums cannot be read", |b| fs::remove_file(b.path().join("packet/SHA256SUMS")).unwrap()),
    ];
    for (expect, change) in cases {
        let bench = packed();
        change(&bench);
        archive(&bench, "");
        for path in ["packet", "packet.tar.gz"] {
            let json = bench.run(&["audit", path, "--format", "json"]).exits(1).json();
            let findings = json["checksums"]["findings"].to_string();
            assert!(findings.contains(expect), "{path}: {expect}: {findings}");
        }
    }
}

#[test]
fn a_packet_without_digests_proves_nothing() {
    let bench = packed();
    fs::remove_file(bench.path().join("packet/SHA256SUMS")).unwrap();
    fs::remove_file(bench.path().join("packet/raw/run.json")).unwrap();
    fs::remove_file(bench.path().join("packet/raw/progress.json")).unwrap();
    fs::remove_dir_all(bench.path().join("packet/raw/progress_timeline")).unwrap();
    of_another_writer(&bench.path().join("packet/raw"));
    let raw: Vec<String> = files(&bench.path().join("packet/raw")).iter().map(|path| format!("raw/{path}")).collect();
    bench.write("packet/manifest.json", json!({"raw_artifacts": raw}).to_string());
    let out = bench.run(&["audit", "packet", "--format", "json"]).exits(0);
    assert_eq!(out.json()["verdict"], "warn");
    assert!(out.json()["checksums"]["findings"].to_string().contains("nothing could be verified"));
}

#[test]
fn a_manifest_without_digests_does_not_hide_the_list_beside_it() {
    let bench = packed();
    bench.write("packet/manifest.json", json!({"raw_artifacts": []}).to_string());
    bench.write("packet/raw/performance_metrics.json", "{}");
    let out = bench.run(&["audit", "packet", "--sign-off-allow-warnings", "--format", "json"]).exits(1);
    let findings = out.json()["checksums"]["findings"].to_string();
    assert!(findings.contains("raw/performance_metrics.json was changed"), "{findings}");
}

#[test]
fn hostile_members_are_refused_and_named() {
    let bench = packed();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for path in files(&bench.path().join("packet")) {
        tar.append_path_with_name(bench.path().join("packet").join(&path), &path).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    tar.append_data(&mut header, format!("raw/{}", "n".repeat(300)), &b"x"[..]).unwrap();
    let mut member = |name: &str, kind: tar::EntryType, size: u64, link: &str| {
        let mut header = tar::Header::new_gnu();
        // Written by hand, since the library refuses such names.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, std::io::repeat(b'x').take(size.min(600))).unwrap();
    };
    use std::io::Read as _;
    member("../escaped", tar::EntryType::Regular, 4, "");
    member("/tmp/escaped", tar::EntryType::Regular, 4, "");
    member("raw/link", tar::EntryType::Symlink, 0, "/etc");
    member("raw/hard", tar::EntryType::Link, 0, "/etc/hostname");
    member("raw/fifo", tar::EntryType::Fifo, 0, "");
    member("raw/run.json", tar::EntryType::Regular, 4, "");
    member("raw/huge", tar::EntryType::Regular, 1 << 40, "");
    bench.write("packet.tar.gz", tar.into_inner().unwrap().finish().unwrap());
    let out = bench.run(&["audit", "packet.tar.gz", "--format", "json"]).exits(1);
    let findings = out.json()["findings"].to_string();
    for expect in [
        "../escaped was refused: its name leads out",
        "/tmp/escaped was refused: its name is absolute",
        "raw/link was refused: it is a link",
        "raw/hard was refused: it is a link",
        "raw/fifo was refused: it is a device",
        "raw/run.json was refused: there is another",
        "raw/huge was refused: it is too large",
        "was refused: its name is too long",
        "the archive is damaged",
    ] {
        assert!(findings.contains(expect), "{expect}: {findings}");
    }
    assert!(!bench.path().parent().unwrap().join("escaped").exists());
}

#[test]
fn a_damaged_archive_is_a_failure_and_no_temporary_folder_stays() {
    let bench = packed();
    archive(&bench, "");
    let bytes = fs::read(bench.path().join("packet.tar.gz")).unwrap();
    let temporary = bench.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    for length in [2, 20, bytes.len() / 2, bytes.len() - 4] {
        bench.write("cut.tar.gz", &bytes[..length]);
        let out = bench.command(&["audit", "cut.tar.gz"]).env("TMPDIR", &temporary).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(1), "{length}: {text}");
        assert!(text.starts_with("FAIL"), "{length}: {text}");
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    }
}
