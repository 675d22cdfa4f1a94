//! What looks like a drill or a guard that passed, and is none.

use super::*;

/// A feed that says `quote` while there is no file `off`, and `feed lost` as an error while there is one.
const FEED: &str = r#"trap 'exit 0' INT TERM
while :; do
  if [ -e off ]; then echo '{"level":"error","event":"feed_lost","message":"feed lost"}'
  else echo '{"level":"info","event":"quote","message":"quote"}'; fi
  sleep 0.1
done"#;

/// A system that runs and says nothing of what the drill is about.
const OTHER: &str = "trap 'exit 0' INT TERM; while :; do echo tick; sleep 0.1; done";

const PLAIN: [&str; 5] = ["--min-uptime", "1%", "--warn-gap=1m", "--fail-gap=1m", "--quiet"];

fn drill(lines: &[&str]) -> String {
    let plain = "[[drill]]\nname = \"outage\"\nat = \"300ms\"\npoll = \"100ms\"\nexcuses = [\"feed lost*\"]\n";
    format!("{plain}{}\n", lines.join("\n"))
}

/// Runs each drill beside the others and gives its row, with its gate, under the name of the case.
fn rehearsed(cases: &[(&str, &str, Vec<&str>)]) -> Vec<(String, Value, Value)> {
    let one = |(name, script, lines): &(&str, &str, Vec<&str>)| {
        let bench = Bench::new();
        bench.write("drills.toml", drill(lines));
        if name.starts_with("down") {
            bench.write("off", "");
        }
        let options = [&PLAIN[..], &["--drill", "drills.toml", "--duration", "3s", "--allow-warnings"]].concat();
        let run = rehearse(&bench, &options, script);
        let document: Value = serde_json::from_slice(&fs::read(run.folder.join("drills.json")).unwrap()).unwrap();
        let passed = document["drills"][0]["status"] == "passed";
        assert_eq!(run.output.code, i32::from(!passed), "{name}: {:?}", run.output);
        agrees(&bench, &run);
        ((*name).to_owned(), document["drills"][0].clone(), gate(&run.folder, "drills"))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = cases.iter().map(|case| scope.spawn(|| one(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

const DETECT: &str = "detect = [{ incident = \"feed lost*\" }]\ndetect_within = \"700ms\"";
const RECOVER: &str = "recover = [{ log = { event = \"quote\" } }]\nrecover_within = \"1s\"";

#[test]
fn a_drill_that_shows_nothing_does_not_pass() {
    let (off, on) = ("inject = [{ touch = \"off\" }]", "restore = [{ remove = \"off\" }]");
    let steady = "steady = [{ log = { event = \"quote\" }, within = \"500ms\" }]";
    let binary = r#"restore = [{ exec = ["sh", "-c", "printf '\\377\\000\\033[2J'; kill -9 $$"] }]"#;
    let cases = [
        ("the restore does nothing", FEED, vec![off, DETECT, "restore = [{ exec = [\"true\"] }]", RECOVER]),
        ("nothing is broken", FEED, vec!["inject = [{ exec = [\"true\"] }]", DETECT, on, RECOVER]),
        ("down before", FEED, vec![steady, off, DETECT, on, RECOVER]),
        ("down before, and nobody looked", FEED, vec![off, DETECT, on, RECOVER]),
        ("the restore is no program", FEED, vec![off, DETECT, "restore = [{ exec = [\"./gone\"] }]", RECOVER]),
        ("the restore dies oddly", FEED, vec![off, DETECT, binary, RECOVER]),
        ("no such system runs", OTHER, vec![steady, off, DETECT, on, RECOVER]),
        ("nothing is looked at but what holds", FEED, vec![off, on, "recover = [{ file = \"drills.toml\" }]"]),
        ("what is looked at comes anyway", FEED, vec![steady, "inject = [{ exec = [\"true\"] }]", on, RECOVER]),
    ];
    let expect = [
        ("failed", "recover", "not recovered within"),
        ("failed", "detect", "not detected within"),
        ("failed", "steady", "before anything was done"),
        ("failed", "steady", "was true before anything was injected"),
        ("failed", "restore", "the restore failed"),
        ("failed", "restore", "the restore failed"),
        ("failed", "steady", "before anything was done"),
        ("passed", "", "nothing showed its fault"),
        ("passed", "", "comes anyway"),
    ];
    for ((name, row, gate), (state, stage, told)) in rehearsed(&cases).into_iter().zip(expect) {
        assert_eq!(
            (row["status"].as_str(), row["stage"].as_str().unwrap_or("")),
            (Some(state), stage),
            "{name}: {row}"
        );
        assert!(row["findings"].to_string().contains(told), "{name}: {row}");
        let status = if state == "passed" { "warn" } else { "fail" };
        assert_eq!(gate["status"], status, "{name}: {gate}");
    }
}

#[test]
fn a_drill_that_looks_at_its_own_files_alone_is_refused() {
    let (off, on) = ("inject = [{ touch = \"switch\" }]", "restore = [{ remove = \"switch\" }]");
    let absent = "recover = [{ file = \"./switch\", absent = true }]";
    for lines in [
        vec![off, "detect = [{ file = \"switch\" }]", on, absent],
        vec![off, on, absent],
        vec!["kind = \"exercise\"", "steps = [{ touch = \"switch\" }]", "verify = [{ file = \"switch\" }]"],
    ] {
        let bench = Bench::new();
        bench.write("drills.toml", drill(&lines));
        for check in [&["--check"][..], &[]] {
            let words =
                [&["final-dry-run", "--drill", "drills.toml", "--duration", "3s"], check, &["--", "true"]].concat();
            let output = bench.run(&words).exits(2);
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(said.contains("drills.toml:2") && said.contains("name what the"), "{lines:?}: {said}");
        }
    }
}

/// Two lines of JSON ten times a second: what a system says that is well, and what the case adds.
fn system(adds: &str) -> String {
    format!(
        "trap 'exit 0' INT TERM; n=0\nwhile :; do n=$((n+1))\n\
         echo '{{\"level\":\"info\",\"event\":\"order\",\"ms\":5,\"failover\":\"false\",\"message\":\"order\"}}'\n\
         {adds}\nsleep 0.1; done"
    )
}

#[test]
fn a_guard_is_judged_by_figures_and_not_by_words() {
    let breach = "echo '{\"level\":\"info\",\"event\":\"breach\",\"message\":\"b\"}'";
    let behind = format!(
        "if [ $n = 5 ]; then {breach}; echo '{{\"level\":\"info\",\"event\":\"other\",\"message\":\"later\"}}'; fi"
    );
    let words =
        "echo '{\"level\":\"info\",\"event\":\"check\",\"message\":\"all invariants hold, limit exceeded: breach\"}'";
    let spike =
        "if [ $n = 10 ]; then echo '{\"level\":\"info\",\"event\":\"order\",\"ms\":900,\"message\":\"slow\"}'; fi";
    let warm =
        "if [ $n -lt 8 ]; then echo '{\"level\":\"info\",\"event\":\"order\",\"ms\":900,\"message\":\"cold\"}'; fi";
    let count = "source = \"count:event=breach\"\nfail = \"> 0\"";
    let last = "source = \"log:ms\"\nstat = \"p50\"\nwindow = \"500ms\"\nfail = \"> 50ms\"\nunit = \"ms\"";
    let largest = "source = \"log:ms\"\nstat = \"max\"\nfail = \"> 50ms\"\nunit = \"ms\"";
    let cases = [
        (
            "nothing that is limited is measured",
            String::new(),
            "source = \"log:latency\"\nfail = \"> 1\"".to_owned(),
            "fail",
            "never measured",
        ),
        ("a breach with another event behind it", behind, count.to_owned(), "fail", "count was 1"),
        ("the words of a breach in a message", words.to_owned(), count.to_owned(), "pass", "count 0"),
        (
            "no order at all",
            String::new(),
            "source = \"count:event=fill\"\nfail = \"< 1\"".to_owned(),
            "fail",
            "count was 0",
        ),
        ("one spike", spike.to_owned(), format!("{last}\nfor = \"1s\""), "pass", "p50"),
        ("one spike that may not be", spike.to_owned(), largest.to_owned(), "fail", "max was 900ms"),
        ("a warm-up", warm.to_owned(), format!("{largest}\nwarmup = \"1500ms\""), "pass", "max 5ms"),
        (
            "a word that says no",
            String::new(),
            "source = \"count:failover=true\"\nfail = \"> 0\"".to_owned(),
            "pass",
            "count 0",
        ),
    ];
    std::thread::scope(|scope| {
        for (name, adds, guard, status, told) in cases {
            scope.spawn(move || {
                let bench = Bench::new();
                bench.write("guards.toml", format!("[[guard]]\nname = \"g\"\nevery = \"100ms\"\n{guard}\n"));
                let options = [&PLAIN[..], &["--guard", "guards.toml", "--duration", "4s"]].concat();
                let run = rehearse(&bench, &options, &system(&adds));
                let gate = gate(&run.folder, "guards/g");
                assert_eq!(gate["status"], status, "{name}: {gate}");
                assert!(gate["measured"].as_str().unwrap().contains(told), "{name}: {gate}");
                assert_eq!(run.output.code, i32::from(status != "pass"), "{name}: {:?}", run.output);
                agrees(&bench, &run);
            });
        }
    });
}

#[test]
fn a_run_that_is_too_short_fails_whatever_its_guards_say() {
    let bench = Bench::new();
    bench.write("guards.toml", "[[guard]]\nname = \"g\"\nevery = \"100ms\"\nsource = \"log:ms\"\nfail = \"> 50\"\n");
    let options = [&PLAIN[..], &["--guard", "guards.toml", "--duration", "20s"]].concat();
    // It has a timer of its own, and ends well.
    let run = rehearse(&bench, &options, &system("[ $n = 10 ] && exit 0"));
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    assert_eq!(gate(&run.folder, "guards/g")["status"], "pass");
    assert_eq!(gate(&run.folder, "duration")["status"], "fail");
}

#[test]
fn what_a_drill_excuses_is_said_and_makes_no_work() {
    let bench = Bench::new();
    let (off, on) = ("inject = [{ touch = \"off\" }]", "restore = [{ remove = \"off\" }]");
    // Whatever the file says, it stays text.
    let hostile = r#"hypothesis = "<script>x</script> | \u001b[2J\n# PASS""#;
    let detect = "detect = [{ incident = \"feed lost*\" }]";
    bench.write("drills.toml", drill(&[hostile, off, detect, on, "recover = [{ log = { event = \"quote\" } }]"]));
    bench.write(
        "guards.toml",
        "[[guard]]\nname = \"memory\"\nsource = \"process:rss\"\nevery = \"200ms\"\nfail = \"> 1GiB\"\n",
    );
    let more = ["--drill", "drills.toml", "--guard", "guards.toml", "--duration", "3s"];
    let options = [&PLAIN[..], &more].concat();
    let run = rehearse(&bench, &options, FEED);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    let logs = gate(&run.folder, "logs");
    let said = logs["measured"].as_str().unwrap();
    assert!(said.contains("excused by drill outage (20") && said.contains("error"), "{said}");
    let summary: Value = serde_json::from_slice(&fs::read(run.folder.join("summary.json")).unwrap()).unwrap();
    let excused = &summary["summary"]["logs"]["excused_by_drills"]["outage"];
    assert!(excused["errors"].as_u64() > Some(0) && excused["from"].is_string(), "{excused}");
    let caused = summary["incidents"].as_array().unwrap().iter().find(|found| found["drill"] == "outage").unwrap();
    assert_eq!(caused["severity"], "pass", "{caused}");
    // Every document tells the same verdict, and nobody has to look after what was broken on purpose.
    for name in ["wrap_up.json", "backlog.json", "review.json"] {
        let document: Value = serde_json::from_slice(&fs::read(run.folder.join(name)).unwrap()).unwrap();
        assert_eq!(document["verdict"], "pass", "{name}: {document}");
    }
    let minutes = fs::read_to_string(run.folder.join("wrap_up.md")).unwrap();
    assert!(minutes.contains("excused by drill outage") && !minutes.contains("FAIL"), "{minutes}");
    let screen = &run.output.stdout;
    assert!(screen.contains("caused by drills and excused") && screen.contains("excused by drill outage"), "{screen}");
    for view in ["summary.md", "report.html"] {
        let text = fs::read_to_string(run.folder.join(view)).unwrap();
        assert!(text.contains("excused by drill outage"), "{view}");
    }
    // Who decides sees each drill and each guard with its figures and limits, in every form.
    let audited = bench.run(&["audit", "runs/r", "--quiet"]).stdout;
    let files = ["wrap_up.md", "review.md", "summary.md", "report.html"];
    let texts = files.map(|name| (name, fs::read_to_string(run.folder.join(name)).unwrap())).into_iter();
    for (name, text) in texts.chain([("the terminal", audited)]) {
        for part in ["limit 1m", "limit 10m", "Planned", "Acknowledged", "last: at most 1GiB", "process:rss"] {
            assert!(text.contains(part), "{name} without {part}: {text}");
        }
        let raw = text.contains("\u{1b}") || text.contains("\n# PASS");
        assert!(!raw && (name == "the terminal" || !text.contains("<script>x")), "{name}: {text}");
    }
    agrees(&bench, &run);
}

/// A server that answers as the path says.
fn odd_server() -> String {
    use std::io::{Read as _, Write as _};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or_default();
                let path = String::from_utf8_lossy(&request[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, length, body): (&str, Option<usize>, Vec<u8>) = match path.as_str() {
                    "/cut" => ("200 OK", Some(900), b"depth 7".to_vec()),
                    "/down" => ("503 Busy", None, b"depth 7\n".to_vec()),
                    "/moved" => ("302 Found", None, b"depth 7\n".to_vec()),
                    "/binary" => ("200 OK", None, (0..=255).collect()),
                    "/nan" => ("200 OK", None, b"depth NaN\n".to_vec()),
                    "/twice" => ("200 OK", None, b"depth{a=\"1\"} 7\ndepth{a=\"2\"} 90\n".to_vec()),
                    "/silent" => return std::thread::sleep(std::time::Duration::from_secs(20)),
                    _ => ("200 OK", None, b"depth 7\n".to_vec()),
                };
                let length = length.unwrap_or(body.len());
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn an_answer_that_is_none_is_no_figure() {
    let server = odd_server();
    let programs = [
        ("true", "it printed nothing"),
        ("echo 5 ms", "its last line is no number"),
        ("echo inf", "were no figures that can be"),
        ("false", "exited with code 1"),
        ("./gone", "cannot start"),
    ];
    let paths = [
        ("cut", "broke off"),
        ("down", "answered 503"),
        ("moved", "answered 302"),
        ("binary", "does not tell of depth"),
        ("nan", "were no figures that can be"),
        ("twice", "tells 2 times of depth"),
        ("silent", "never measured: it had not answered when the run ended"),
        ("fine", "last 7"),
    ];
    let sources = programs.map(|(words, told)| (format!("exec:{words}"), told)).into_iter();
    let sources: Vec<(String, &str)> =
        sources.chain(paths.map(|(path, told)| (format!("prometheus:{server}/{path}#depth"), told))).collect();
    let tables = sources.iter().enumerate().map(|(number, (source, _))| {
        format!("[[guard]]\nname = \"g{number}\"\nsource = \"{source}\"\nevery = \"300ms\"\nfail = \"> 50\"\n")
    });
    let bench = Bench::new();
    bench.write("guards.toml", tables.collect::<String>());
    let options = [&PLAIN[..], &["--guard", "guards.toml", "--duration", "6s"]].concat();
    let run = rehearse(&bench, &options, OTHER);
    for (number, (source, told)) in sources.iter().enumerate() {
        let gate = gate(&run.folder, &format!("guards/g{number}"));
        assert_eq!(gate["status"], if source.ends_with("/fine#depth") { "pass" } else { "fail" }, "{source}: {gate}");
        assert!(gate["measured"].as_str().unwrap().contains(told), "{source}: {gate}");
    }
    agrees(&bench, &run);
}
