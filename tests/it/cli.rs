//! What holds for the command line as a whole: wrong usages, completions, manual pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::Bench;

/// A wrong usage: its words, its exit code, and the part of the answer that says what to do.
type Wrong = (&'static [&'static str], i32, &'static str);

const OF_THE_WHOLE: &[Wrong] = &[
    (&["frobnicate"], 2, "unrecognized subcommand 'frobnicate'"),
    (&["audt"], 2, "a similar subcommand exists: 'audit'"),
    (&["audit", "--logs", "app.log"], 2, "a similar argument exists: '--log'"),
    (&["audit", "--log", "app.log", "--format", "yaml"], 2, "[possible values: text, json, markdown, csv, github]"),
    (&["audit", "--log", "app.log", "--format", "csv"], 2, "choose text, json or markdown"),
    (&["audit", "--log", "app.log", "--fail-on", "error"], 2, "[possible values: fail, warn, never]"),
    (&["audit", "--log", "app.log", "-q", "-v"], 2, "cannot be used with"),
    (&["completions", "tcsh"], 2, "possible values: bash"),
];

const OF_A_RUN: &[Wrong] = &[
    (&["final-dry-run"], 2, "put the command behind `--`, as in `emp-ops final-dry-run --duration 2h -- ./app"),
    (&["final-dry-run", "sh", "x.sh"], 2, "put `--` before the command: emp-ops final-dry-run -- sh x.sh"),
    (&["final-dry-run", "--", "sleep 5"], 3, "write -- sleep 5, or -- sh -c 'sleep 5'"),
    (
        &["final-dry-run", "--max-rss", "512", "--", "true"],
        2,
        "the unit is missing; write a size with its unit, such as 512MiB",
    ),
    (
        &["final-dry-run", "--duration", "-5s", "--", "true"],
        2,
        "never negative; a value that begins with `-` is written --duration=-5s",
    ),
    (&["final-dry-run", "--duration=-5s", "--", "true"], 2, "write a number with a unit, such as 72h"),
    (
        &["final-dry-run", "--duration", "72", "--", "true"],
        2,
        "the unit is missing; write a number with a unit, such as 72h",
    ),
    (&["final-dry-run", "--duration", "0s", "--", "true"], 2, "longer than zero, such as 30s"),
    (&["final-dry-run", "--run-name", "a b", "--", "true"], 2, "a text with blanks is for --label"),
    (
        &["final-dry-run", "--run-name", "r", "--export", "tap=runs/r/t.tap", "--", "true"],
        2,
        "choose a place outside it",
    ),
    (&["final-dry-run", "--policy", "72h.toml", "--duration", "3s", "--", "true"], 2, "72h.toml:2"),
    (&["final-dry-run", "--policy", "72h.toml", "--duration", "3s", "--", "true"], 2, "lower --min-duration"),
    (&["final-dry-run", "--simulate", "clena"], 2, "a similar value exists: 'clean'"),
    (&["final-dry-run", "--simulate", "--", "true"], 2, "cannot be used with"),
    (&["final-dry-run", "--objective", "failover", "--", "true"], 2, "write NAME=STATUS"),
    (&["final-dry-run", "--subject", "image", "--", "true"], 2, "write NAME=sha256:HEX"),
    (&["final-dry-run", "--min-uptime", "98", "--", "true"], 2, "a percentage such as 98%"),
    (&["final-dry-run", "--sign-key", "no.pem", "--", "true"], 2, "check the path"),
];

const OF_OTHERS: &[Wrong] = &[
    (&["audit"], 2, "name a run directory or packet, or logs with --log PATH"),
    (&["audit", "app.log"], 2, "to judge a log, write --log app.log"),
    (&["audit", "."], 2, "to judge the logs in a directory, write --log ."),
    (&["audit", "nowhere"], 3, "check the path"),
    (&["audit", "--log", "app.log", "--as-of", "yesterday"], 2, "write a time such as 2025-01-15"),
    (&["audit", "--log", "app.log", "--export", "json=app.log"], 2, "choose another file"),
    (&["audit", "--log", "app.log", "--min-signatures", "2"], 2, "add --verify-key FILE"),
    (&["backlog"], 2, "name a run directory or a summary.json"),
    (&["wrap-up"], 2, "name a run directory or a summary.json"),
    (&["watch"], 2, "name a run directory, as in runs/release-7"),
    (&["watch", "runs", "--once", "--format", "github"], 2, "use `audit RUN --format github`"),
    (&["stage-smoke"], 2, "--base-url https://stage.example.org/api, or try --simulate"),
    (&["stage-smoke", "localhost"], 2, "an option: emp-ops stage-smoke --base-url http://localhost:8080"),
    (&["stage-smoke", "--url", "http://localhost:1"], 2, "an option: emp-ops stage-smoke --base-url http://"),
    (&["stage-alerts", "seen.json"], 2, "an option: emp-ops stage-alerts --observation FILE"),
    (&["offline-qa", "sessions"], 2, "an option: emp-ops offline-qa --input PATH"),
    (&["stage-smoke", "--base-url", "localhost:80"], 2, "write it as https://stage.example.org/api"),
    (&["stage-smoke", "--base-url", "http://localhost:1"], 2, "--password-env NAME"),
    (&["stage-alerts", "--expected", "e.jsonl"], 2, "--fired FILE what did"),
    (&["stage-alerts", "--max-noise", "5"], 2, "a percentage such as 98%"),
    (&["offline-qa"], 2, "as in --input artifacts/sessions"),
];

#[test]
fn a_wrong_usage_is_told_what_to_do_instead() {
    let bench = Bench::new();
    bench.write("app.log", "2025-03-03T08:00:00Z INFO up\n");
    bench.write("72h.toml", "[sign_off]\nmin_duration = \"72h\"\n");
    for (words, code, says) in [OF_THE_WHOLE, OF_A_RUN, OF_OTHERS].concat() {
        let out = bench.run(words).exits(code);
        assert!(out.stderr.contains(says), "{words:?}: {}", out.stderr);
        assert!(out.stdout.is_empty(), "{words:?}: {}", out.stdout);
        assert!(!bench.path().join("runs").exists(), "{words:?} began a run");
    }
}

#[test]
fn runs_of_one_second_have_names_of_their_own() {
    let bench = Bench::new();
    let options = ["final-dry-run", "--no-packet", "--", "true"];
    for _ in 0..2 {
        let _ = bench.run(&options).exits(1);
    }
    assert_eq!(fs::read_dir(bench.path().join("runs")).unwrap().count(), 2);
}

/// What a shell offers at the end of a line. None if the shell is not installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn offered(bench: &Bench, shell: &str, line: &str) -> Option<String> {
    let script = bench.write(shell, bench.run(&["completions", shell]).exits(0).stdout);
    let script = script.display();
    let words: Vec<&str> = line.split(' ').collect();
    let asks = match shell {
        "bash" => format!(
            "source '{script}'; COMP_WORDS=({}); COMP_CWORD={}; ask=$(complete -p emp-ops); ask=${{ask#*-F }}; ${{ask%% *}} emp-ops '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.iter().map(|word| format!("'{word}' ")).collect::<String>(),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        ),
        "fish" => format!("source '{script}'; complete -C '{line}'"),
        // A shell of its own in a terminal of its own, where the keys are pressed.
        _ => format!(
            "zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z \"autoload -U compinit; compinit -u -d '{}'; source '{script}'; \
             compdef _emp-ops emp-ops; LISTMAX=1000; stty rows 1000 columns 200; PROMPT='<re''ady>'\"; zpty -r z out '*<ready>*'; \
             zpty -n -w z $'{line}\\t\\t'; zpty -n -w z $'\\x15'; zpty -w z \"echo E''ND\"; zpty -r z out '*END*'; \
             print -r -- $out",
            bench.path().join("zcompdump").display()
        ),
    };
    let mut command = Command::new(shell);
    command.args(match shell {
        "bash" => &["--norc", "-c"][..],
        "zsh" => &["-fc"],
        _ => &["-c"],
    });
    command.arg(asks);
    match command.env("HOME", bench.path()).current_dir(bench.path()).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("skipped: completion in {shell}: {error}");
            None
        }
    }
}

#[test]
fn shells_complete_words_options_and_values() {
    let bench = Bench::new();
    for shell in ["bash", "fish", "zsh"] {
        for (line, wanted) in [
            ("emp-ops ", "final-dry-run"),
            ("emp-ops aud", "audit"),
            ("emp-ops audit --verify", "--verify-key"),
            ("emp-ops final-dry-run --exp", "--export"),
            ("emp-ops stage-smoke --fail-on ", "never"),
            ("emp-ops audit --format ", "github"),
        ] {
            let Some(choices) = offered(&bench, shell, line) else { break };
            assert!(choices.contains(wanted), "{shell}: {line}: {choices}");
            assert!(!choices.contains("watchdog") && !choices.contains("runtime"), "{shell}: {line}: {choices}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page_and_none_is_internal() {
    let bench = Bench::new();
    assert!(bench.run(&["man"]).exits(0).stdout.contains(".TH emp-ops"));
    let _ = bench.run(&["man", "--out", "pages"]).exits(0);
    let mut pages: Vec<String> = fs::read_dir(bench.path().join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let help = bench.run(&["--help"]).exits(0).stdout;
    assert!(
        pages.contains(&"emp-ops.1".to_owned()) && !pages.iter().any(|page| page.contains("watchdog")),
        "{pages:?}"
    );
    for page in &pages {
        let text = fs::read_to_string(bench.path().join("pages").join(page)).unwrap();
        let name = page.trim_end_matches(".1").trim_start_matches("emp-ops").trim_start_matches('-');
        assert!(text.contains(".SH OPTIONS") && help.contains(name), "{page}");
        assert!(!text.contains("watchdog"), "{page}");
    }
    let read = |page: &str| fs::read_to_string(Path::new(&bench.path().join("pages").join(page))).unwrap();
    assert!(read("emp-ops-audit.1").contains("\\-\\-export"), "{}", read("emp-ops-audit.1"));
}
