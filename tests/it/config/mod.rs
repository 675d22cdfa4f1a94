//! The configuration: which file holds, what wins over what, and what a file may not do.

mod own_system;
mod schema;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use serde_json::Value;

use crate::harness::{Bench, Output};

const LOG: &str = "2026-01-06T00:00:00Z INFO up\n2026-01-06T00:00:01Z INFO still up\n";

fn bench(config: &str) -> Bench {
    let bench = Bench::new();
    bench.write("app.log", LOG);
    bench.write("emp-ops.toml", config);
    bench
}

/// `limit` of the criteria: its value and its source.
fn limit(json: &Value, limit: &str) -> (String, String) {
    let row = json["criteria"].as_array().unwrap().iter().find(|row| row["limit"] == limit);
    let row = row.unwrap_or_else(|| panic!("no {limit} in {json}"));
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    (text("value"), text("source"))
}

fn audit(bench: &Bench, options: &[&str], variables: &[(&str, &str)]) -> Output {
    let args = [&["audit", "--log", "app.log", "--format", "json"], options].concat();
    bench.command(&args).envs(variables.iter().copied()).output().unwrap().into()
}

#[test]
fn options_win_over_variables_over_the_profile_over_the_file_over_the_policy() {
    let bench =
        bench("[sign_off]\nmin_uptime = 0.5\n[logs]\nwarn_gap = \"10m\"\n\n[profile.ci.sign_off]\nmin_uptime = 0.6\n");
    bench.write("p.toml", "[sign_off]\nmin_uptime = 0.4\nmin_duration = \"1s\"\n");
    let policy = &["--policy", "p.toml"][..];
    let profile = &["--policy", "p.toml", "--profile", "ci"][..];
    let option = &["--policy", "p.toml", "--profile", "ci", "--min-uptime", "0.8"][..];
    let variable = &[("EMP_OPS_MIN_UPTIME", "70%")][..];
    for (options, variables, value, source) in [
        (policy, &[][..], "50%", "emp-ops.toml:2"),
        (profile, &[], "60%", "emp-ops.toml:7 (profile ci)"),
        (policy, &[("EMP_OPS_PROFILE", "ci")], "60%", "emp-ops.toml:7 (profile ci)"),
        (profile, variable, "70%", "EMP_OPS_MIN_UPTIME"),
        (option, variable, "80%", "--min-uptime"),
        (&["--policy", "p.toml", "--no-config"], &[], "40%", "p.toml:2"),
        (&["--sign-off", "--no-config"], &[], "98%", "default"),
    ] {
        let json = audit(&bench, options, variables).json();
        assert_eq!(limit(&json, "min_uptime"), (value.to_owned(), source.to_owned()), "{options:?} {variables:?}");
    }
    let json = audit(&bench, profile, &[]).json();
    assert_eq!(limit(&json, "warn_gap"), ("10m".to_owned(), "emp-ops.toml:4".to_owned()), "a profile leaves the rest");
    assert_eq!(limit(&json, "min_duration"), ("1s".to_owned(), "p.toml:3".to_owned()));
    for (word, value) in [("1", "yes"), ("true", "yes"), ("no", "no"), ("0", "no")] {
        let json = audit(&bench, policy, &[("EMP_OPS_ALLOW_WARNINGS", word)]).json();
        assert_eq!(limit(&json, "allow_warnings"), (value.to_owned(), "EMP_OPS_ALLOW_WARNINGS".to_owned()), "{word}");
    }
    let unclear = audit(&bench, policy, &[("EMP_OPS_ALLOW_WARNINGS", "perhaps")]).exits(2);
    assert!(unclear.stderr.contains("settings from emp-ops.toml, EMP_OPS_ALLOW_WARNINGS"), "{unclear:?}");
    let out = audit(&bench, profile, variable);
    assert!(out.stderr.starts_with("settings from emp-ops.toml (profile ci), EMP_OPS_MIN_UPTIME\n"), "{out:?}");
    let text = bench.run(&["audit", "--log", "app.log", "--profile", "ci"]).stdout;
    assert!(text.contains("emp-ops.toml:7 (profile ci)"), "{text}");
}

#[test]
fn options_of_a_command_come_from_the_file_unless_they_contradict_what_is_typed() {
    let bench =
        bench("[output]\nout = \"kept\"\nformat = \"json\"\n[final_dry_run]\nno_diary = true\nduration = \"2s\"\n");
    bench.write("below/app.log", LOG);
    let mut command = bench.command(&["audit", "--log", "app.log"]);
    let out: Output = command.current_dir(bench.path().join("below")).output().unwrap().into();
    assert!(out.stderr.starts_with("settings from ../emp-ops.toml\n"), "{out:?}");
    assert_eq!(out.json()["status"], "pass");
    assert!(bench.path().join("kept/audit.json").exists(), "a path is meant from the file that names it");
    let check = |options: &[&str]| {
        let args = [&["final-dry-run", "--max-restarts", "1"], options, &["--", "true"]].concat();
        bench.run(&args).exits(2).stderr
    };
    // What is typed puts the contradicting key of the file out of force; two typed options still contradict each other.
    assert!(check(&["--diary", "d.json"]).contains("--restart"));
    assert!(check(&["--diary", "d.json", "--no-diary"]).contains("cannot be used with"));
    let text = bench.run(&["audit", "--log", "app.log", "--format", "text"]).exits(0).stdout;
    assert!(text.starts_with("PASS"), "{text}");
}

#[test]
fn faults_of_a_file_are_shown_where_they_are() {
    for (text, says) in [
        ("[sign_of]\n", "emp-ops.toml:1:2: unknown table `sign_of`; did you mean `sign_off`?"),
        ("[sign_off]\nmin_uptme = 1\n", "emp-ops.toml:2:1: unknown field `min_uptme`; did you mean `min_uptime`?"),
        ("[audit]\nthread = 2\n", "2:1: unknown key `thread` in [audit]; did you mean `threads`?"),
        ("[audit]\nmin_uptime = 0.9\n", "2:1: unknown key `min_uptime` in [audit]; it is `min_uptime` in [sign_off]"),
        ("[audit]\nthreads = 0\n", "2:11: invalid value '0' for '--threads <N>'"),
        ("[final_dry_run]\nduration = \"72\"\n", "2:12: invalid value '72' for '--duration <D>': the unit is missing"),
        ("[final_dry_run]\nno_packet = \"yes\"\n", "2:13: write true or false"),
        ("[final_dry_run]\nlabel = [\"a\", \"b\"]\n", "2:9: this is a list; write one value"),
        ("[profile.a.sign_off]\nmin_uptime = 7\n", "2:14: write a ratio from 0 to 1"),
        ("[output]\ncolor = \"red\"\n", "2:9: invalid value 'red' for '--color <WHEN>' [possible values: auto"),
        ("[sign_off]\nmin_uptime = 1\nmin_uptime = 1\n", "3:1: duplicate key"),
        ("[final_dry_run]\ncommand = [\"sh\"]\n", "2:1: `command` says what is executed"),
        ("[profile.x.final_dry_run]\nenv = { PATH = \"/tmp\" }\n", "2:1: `env` says what is executed"),
    ] {
        let out = audit(&bench(text), &[], &[]).exits(2);
        assert!(out.stderr.contains(says) && out.stderr.contains("^"), "{text}{}", out.stderr);
    }
    let out = audit(&bench("[profile.nightly.logs]\n"), &["--profile", "nightli"], &[]).exits(2);
    assert!(out.stderr.contains("no profile `nightli`; did you mean `nightly`?"), "{out:?}");
    let out = bench("").command(&["audit", "--log", "app.log"]).env("EMP_OPS_MIN_UPTIM", "1").output().unwrap();
    assert!(Output::from(out).stderr.contains("EMP_OPS_MIN_UPTIM sets nothing; did you mean EMP_OPS_MIN_UPTIME?"));
}

#[test]
fn a_file_that_was_only_found_must_be_trustworthy() {
    let lax = "[sign_off]\nmin_uptime = 0.1\n";
    let bench = bench(lax);
    let file = bench.path().join("emp-ops.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let out = audit(&bench, &[], &[]).exits(2);
    assert!(out.stderr.contains("others may write to it (mode 666)"), "{out:?}");
    assert!(audit(&bench, &["--no-config"], &[]).exits(0).stderr.is_empty());
    let named = audit(&bench, &["--config", "emp-ops.toml"], &[]);
    assert_eq!(limit(&named.json(), "min_uptime").1, "emp-ops.toml:2", "whoever names it vouches for it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    // Only root can give a file away.
    if chown(&file, Some(4711), None).is_ok() {
        let out = audit(&bench, &[], &[]).exits(2);
        assert!(out.stderr.contains("it belongs to the user 4711, neither to you nor to root"), "{out:?}");
        assert_eq!(limit(&audit(&bench, &["--config", "emp-ops.toml"], &[]).json(), "min_uptime").1, "emp-ops.toml:2");
        chown(&file, Some(0), None).unwrap();
    }
    for mark in ["run.json", "SHA256SUMS", "manifest.json", "progress.json"] {
        let mark = bench.write(mark, "{}");
        let out = audit(&bench, &[], &[]).exits(2);
        assert!(out.stderr.contains("is in the run directory or packet"), "{out:?}");
        fs::remove_file(mark).unwrap();
    }
    fs::remove_file(&file).unwrap();
    symlink("/dev/zero", &file).unwrap();
    assert!(audit(&bench, &[], &[]).exits(2).stderr.contains("no regular file"));
}

#[test]
fn a_file_that_is_named_may_say_what_runs() {
    let bench = bench("");
    bench.write(
        "all.toml",
        "[final_dry_run]\ncommand = [\"sh\", \"-c\", \"echo $WHO; sleep 9\"]\nenv = { WHO = \"from-the-file\" }\n\
         duration = \"1s\"\nno_diary = true\nno_performance = true\nrun_name = \"r\"\n[logs]\nwarn_gap = \"1m\"\n\
         [sign_off]\nmin_uptime = 0\n",
    );
    let _ = bench.run(&["final-dry-run", "--config", "all.toml", "--fail-on", "never"]).exits(0);
    let record: Value = serde_json::from_slice(&fs::read(bench.path().join("runs/r/run.json")).unwrap()).unwrap();
    assert_eq!(record["command"][0], "sh");
    assert_eq!(record["environment"][0], "WHO");
    assert_eq!(limit(&record, "optional_diary").1, "all.toml:5");
    let stricter = "[sign_off]\nmin_duration = \"72h\"\n";
    bench.write("p.toml", stricter);
    let out = bench.run(&["final-dry-run", "--config", "all.toml", "--policy", "p.toml", "--run-name", "s"]).exits(2);
    assert!(out.stderr.contains("min_duration is 3d (p.toml:2)"), "{out:?}");
}
