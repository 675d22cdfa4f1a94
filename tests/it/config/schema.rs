//! The schema for editors, the commented example and the parser know the same keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::harness::Bench;

/// The keys of each table with their values, as the commented example shows them.
fn example(bench: &Bench) -> BTreeMap<String, Vec<(String, String)>> {
    let _ = bench.run(&["final-dry-run", "--init"]).exits(0);
    let text = fs::read_to_string(bench.path().join("emp-ops.toml")).unwrap();
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' ')) {
        match line.split_once(" = ") {
            Some((key, value)) => tables.get_mut(&table).unwrap().push((key.to_owned(), value.to_owned())),
            None => {
                table = line.trim_matches(['[', ']']).to_owned();
                let _ = tables.insert(table.clone(), Vec::new());
            }
        }
    }
    tables.retain(|name, _| !name.starts_with("profile."));
    tables
}

fn schema(bench: &Bench) -> Value {
    bench.run(&["final-dry-run", "--config-schema"]).exits(0).json()
}

/// What a command says about a configuration.
fn said_of(bench: &Bench, config: &str) -> String {
    bench.write("k.toml", config);
    bench.run(&["audit", "--config", "k.toml"]).stderr
}

#[test]
fn the_parser_takes_every_key_of_the_example() {
    let bench = Bench::new();
    let tables = example(&bench);
    assert!(tables.values().flatten().count() > 100, "{tables:?}");
    for (table, keys) in &tables {
        if table == "waiver" {
            let keys = keys.iter().filter(|(key, _)| key != "finding").map(|(key, value)| format!("{key} = {value}\n"));
            let said = said_of(&bench, &format!("[[waiver]]\n{}", keys.collect::<String>()));
            assert!(!said.contains("k.toml:"), "{said}");
            continue;
        }
        for (key, value) in keys {
            let said = said_of(&bench, &format!("[{table}]\n{key} = {value}\n"));
            assert!(!said.contains("k.toml:"), "[{table}] {key} = {value}\n{said}");
        }
    }
}

#[test]
fn schema_example_and_parser_know_the_same_keys() {
    let bench = Bench::new();
    let tables = example(&bench);
    let schema = schema(&bench);
    let definitions = schema["definitions"].as_object().unwrap();
    assert_eq!(definitions.keys().collect::<BTreeSet<_>>(), tables.keys().collect::<BTreeSet<_>>());
    let here: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let profile = &schema["properties"]["profile"]["additionalProperties"]["properties"];
    // Those of profiles, workloads, drills, guards and notifications are not in a profile.
    let alone = ["profile", "workload", "defaults", "drill", "drill_policy", "guard", "notify"];
    assert_eq!(here.len(), profile.as_object().unwrap().len() + alone.len());
    let said = said_of(&bench, "[qqqqqqqqqqqqqqq]\n");
    let listed: BTreeSet<&str> = said.split('`').skip(3).step_by(2).filter(|name| !alone.contains(name)).collect();
    assert_eq!(listed, tables.keys().map(String::as_str).collect(), "every table of the parser is in the schema");
    for (table, keys) in &tables {
        let definition = &definitions[table];
        let definition = definition.get("items").unwrap_or(definition);
        // The keys of some tables are those of other systems.
        let Some(properties) = definition["properties"].as_object() else { continue };
        assert_eq!(definition["additionalProperties"], false, "{table}");
        let known: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(known, keys.iter().map(|(key, _)| key.as_str()).collect(), "{table}");
        // What the parser says that it knows, where it meets a key that nobody could have meant.
        let head = if table == "waiver" { "[[waiver]]".to_owned() } else { format!("[{table}]") };
        let said = said_of(&bench, &format!("{head}\nqqqqqqqqqqqqqqq = 1\n"));
        let listed = said.split_once("expected ").unwrap_or_else(|| panic!("{said}")).1;
        let listed: BTreeSet<&str> = listed.lines().next().unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(known, listed, "{table}");
    }
}

#[test]
fn the_example_sets_nothing_and_is_never_overwritten() {
    let bench = Bench::new();
    bench.write("app.log", "2026-01-06T00:00:00Z INFO up\n");
    let without = bench.run(&["audit", "--log", "app.log", "--format", "json"]).json();
    let _ = bench.run(&["final-dry-run", "--init"]).exits(0);
    let with = bench.run(&["audit", "--log", "app.log", "--format", "json"]).exits(0);
    assert!(with.stderr.starts_with("settings from emp-ops.toml"), "{with:?}");
    assert_eq!(with.json()["criteria"], without["criteria"]);
    bench.write("emp-ops.toml", "# mine\n");
    assert!(bench.run(&["final-dry-run", "--init"]).exits(2).stderr.contains("never overwritten"));
    assert_eq!(fs::read_to_string(bench.path().join("emp-ops.toml")).unwrap(), "# mine\n");
}

#[test]
fn a_check_starts_nothing_and_names_everything_that_a_run_would_lack() {
    let bench = Bench::new();
    bench.write("emp-ops.toml", "[final_dry_run]\nduration = \"1h\"\n[sign_off]\nmin_uptime = 0.9\n");
    let check = |options: &[&str]| {
        let args = [&["final-dry-run", "--check", "--format", "json"], options, &["--", "touch", "started"]].concat();
        bench.command(&args).env("EMP_OPS_RUN_NAME", "r").output().unwrap()
    };
    let out: crate::harness::Output = check(&["--env", "SECRET=hunter2", "--export", "html=x/y.html"]).into();
    let json = out.exits(0).json();
    assert_eq!(json["ready"], true);
    let source = |option: &str| {
        let set = json["settings"].as_array().unwrap().iter().find(|set| set["option"] == option).unwrap();
        (set["value"].as_str().unwrap().to_owned(), set["source"].as_str().unwrap().to_owned())
    };
    assert_eq!(source("duration"), ("1h".to_owned(), "emp-ops.toml:2".to_owned()));
    assert_eq!(source("run-name"), ("r".to_owned(), "EMP_OPS_RUN_NAME".to_owned()));
    assert_eq!(source("env"), ("SECRET".to_owned(), "--env".to_owned()), "never a value");
    assert_eq!(super::limit(&json, "min_uptime"), ("90%".to_owned(), "emp-ops.toml:4".to_owned()));
    assert!(fs::read_dir(bench.path()).unwrap().count() == 1, "nothing is written");
    bench.write("runs/r/keep", "");
    for (options, name, says) in [
        (&["--run-name", "s", "--min-duration", "2h"][..], "criteria", "min_duration is 2h (--min-duration)"),
        (&["--run-name", "s", "--sign-key", "none.pem"], "keys", "none.pem"),
        (&[], "run directory", "there already"),
        (&["--run-name", "s", "--diary-stale-warn", "2h", "--diary-stale-fail", "1h"], "staleness", "longer than"),
        (&["--run-name", "s", "--export", "html=emp-ops.toml/x"], "export", "no directory"),
    ] {
        let out: crate::harness::Output = check(options).into();
        let json = out.exits(2).json();
        let failed = json["checks"].as_array().unwrap().iter().find(|c| c["status"] == "fail").unwrap();
        assert_eq!(failed["name"], name, "{json}");
        assert!(failed["detail"].as_str().unwrap().contains(says), "{failed}");
    }
    let text = bench.run(&["final-dry-run", "--check", "--", "no-such-program"]).exits(2).stdout;
    assert!(text.contains("Not ready: 1 of") && text.contains("command not found"), "{text}");
}
