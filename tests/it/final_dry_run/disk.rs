//! A disk that is full: the run fails for what was lost, and nobody is accused of having altered it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::Bench;

/// A small file system in memory, for as long as the test lasts.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// None if this user may not mount.
    fn mount(at: &'a Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(at);
        mount.output().is_ok_and(|out| out.status.success()).then_some(Self(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_a_loss_and_no_tampering() {
    let bench = Bench::new();
    let at = bench.path().join("small");
    let Some(small) = Small::mount(&at) else {
        return eprintln!("skipped: this user may not mount a small file system");
    };
    // Full from the start, in the middle, and for a time only.
    for (packing, ballast, script) in [
        ("zst", 3900, "seq -f 'INFO line %.0f' 9000; exec sleep 987"),
        ("none", 1000, "seq -f 'INFO line %.0f of many that fill the disk' 30000; exec sleep 987"),
        (
            "none",
            1000,
            "seq -f 'INFO line %.0f of many that fill the disk' 30000; sleep 1; rm small/ballast; echo INFO later; \
             exec sleep 987",
        ),
    ] {
        fs::write(at.join("ballast"), vec![b'x'; ballast << 10]).unwrap();
        let options = "final-dry-run -q --no-diary --no-performance --output-root small --run-name r --duration 2s \
                       --warn-gap 1m --fail-gap 1m --compress";
        let options: Vec<&str> = options.split_whitespace().chain([packing, "--", "sh", "-c", script]).collect();
        let run = bench.run(&options);
        let out = bench.run(&["audit", "small/r", "--format", "json"]).exits(1);
        let audit = out.json();
        assert_eq!(audit["record"]["differs"].as_array().map_or(0, Vec::len), 0, "{script}: {run:?} {out:?}");
        assert!(out.stdout.contains("lines are being lost"), "{script}: {out:?}");
        fs::remove_dir_all(at.join("r")).unwrap();
    }
    drop(small);
}

#[test]
fn a_workload_that_fills_the_disk_leaves_the_others_room_for_their_logs() {
    let bench = Bench::new();
    let at = bench.path().join("small");
    let Some(small) = Small::mount(&at) else {
        return eprintln!("skipped: this user may not mount a small file system");
    };
    let file = "[[workload]]\nname = \"flood\"\nrequired = false\n\
                command = [\"sh\", \"-c\", \"seq -f 'INFO line %.0f of many that fill the disk' 40000; exec sleep 987\"]\n\
                [[workload]]\nname = \"calm\"\n\
                command = [\"sh\", \"-c\", \"trap 'exit 0' INT; while :; do echo INFO beat; sleep 0.05; done\"]\n";
    bench.write("w.toml", file);
    let options = "final-dry-run -q --no-diary --no-performance --output-root small --run-name r --duration 3s \
                   --warn-gap 1m --fail-gap 1m --shutdown-grace 5s --no-report --no-packet --workloads w.toml";
    let options: Vec<&str> = options.split_whitespace().collect();
    let run = bench.run(&options);
    let record: serde_json::Value = serde_json::from_slice(&fs::read(at.join("r/run.json")).unwrap()).unwrap();
    let lost = |number: usize| record["workloads"][number]["capture"]["lost_lines"].as_u64().unwrap();
    assert!(lost(0) > 0, "the disk is too large for this test: {run:?}");
    assert_eq!(lost(1), 0, "{run:?}");
    assert_eq!(record["workloads"][1]["attempts"].as_array().map(Vec::len), Some(1));
    drop(small);
}
