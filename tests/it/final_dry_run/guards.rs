//! Guards on figures, with real children.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use super::*;

/// Orders ten times a second, each with its latency: 80 ms while there is a file `slow`, else 5 ms.
const ORDERS: &str = r#"trap 'exit 0' INT TERM
while :; do
  if [ -e slow ]; then l=80; else l=5; fi
  echo "{\"level\":\"info\",\"event\":\"order\",\"latency_ms\":$l,\"message\":\"order\"}"
  sleep 0.1
done"#;

const LATENCY: &str = "[[guard]]\nname = \"latency\"\nsource = \"log:latency_ms\"\nstat = \"p50\"\nwindow = \"1s\"\n\
                       every = \"100ms\"\nfail = \"> 50ms\"\n";

fn guarded(bench: &Bench, options: &[&str], guards: &str, script: &str) -> Run {
    bench.write("guards.toml", guards);
    let plain = ["--guard", "guards.toml", "--min-uptime", "1%", "--warn-gap=1m", "--fail-gap=1m", "--quiet"];
    rehearse(bench, &[&plain, options].concat(), script)
}

fn document(run: &Run) -> Value {
    serde_json::from_slice(&fs::read(run.folder.join("guards.json")).unwrap()).unwrap()
}

#[test]
fn figures_of_every_source_are_measured_and_pass() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let body = "# TYPE depth gauge\ndepth{queue=\"orders\"} 7\n";
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    let bench = Bench::new();
    bench.write("report.json", json!({"latency": {"p99_s": 0.02, "samples": 300}}).to_string());
    let sources = [
        ("latency", "log:latency_ms".to_owned(), "> 50ms"),
        ("orders", "count:event=order".to_owned(), "< 1"),
        ("memory", "process:rss".to_owned(), "> 1GiB"),
        ("files", "process:fds".to_owned(), "> 5000"),
        ("depth", format!("prometheus:http://{address}/metrics#depth{{queue=\\\"orders\\\"}}"), "> 10"),
        ("answer", "exec:echo 42".to_owned(), "> 50"),
        ("report", "performance:/latency/p99_s".to_owned(), "> 50ms"),
    ];
    let tables = sources.each_ref().map(|(name, source, fail)| {
        format!("[[guard]]\nname = \"{name}\"\nsource = \"{source}\"\nfail = \"{fail}\"\nevery = \"200ms\"\n")
    });
    bench.write("guards.toml", tables.concat());
    let options = ["--guard", "guards.toml", "--min-uptime", "1%", "--warn-gap=1m", "--fail-gap=1m", "--quiet"];
    let options = [&options[..], &["--no-diary", "--performance", "report.json", "--run-name", "r"]].concat();
    let command = ["--duration", "3s", "--", "sh", "-c", ORDERS];
    let run = finish(&bench, bench.run(&[&["final-dry-run"], &options[..], &command].concat()));
    let document = document(&run);
    for (name, expect) in [("latency", 5.0), ("depth", 7.0), ("answer", 42.0), ("report", 0.02)] {
        assert_eq!(document["metrics"][name], expect, "{document}");
    }
    assert!(document["metrics"]["orders"].as_f64().unwrap() > 5.0, "{document}");
    for (name, ..) in &sources {
        let gate = gate(&run.folder, &format!("guards/{name}"));
        assert_eq!(gate["status"], "pass", "{gate}");
        assert!(gate["samples"].as_u64().unwrap() > 0, "{gate}");
    }
    assert_eq!((&document["verdict"], &document["status"]), (&json!("pass"), &json!("completed")));
    agrees(&bench, &run);
    let page = fs::read_to_string(run.folder.join("report.html")).unwrap();
    assert!(page.contains("id=\"guards\"") && page.contains("log:latency_ms"), "each has a row on the page");
    // Whoever reads guardians reads it, with the same verdict.
    let read = bench.run(&["audit", "--component", "runs/r/guards.json", "--format", "json", "--quiet"]);
    let read: Value = serde_json::from_str(&read.stdout).unwrap();
    assert_eq!(read["readiness"]["components"][0]["status"], "pass", "{}", read["readiness"]);
}

#[test]
fn a_guard_on_one_of_several_workloads_sees_nothing_of_the_others() {
    use super::workloads::{several, sh, workload};
    let bench = Bench::new();
    let says = |ms: u32, event: &str| {
        let line = json!({"level": "info", "event": event, "latency_ms": ms, "message": event});
        sh(&format!("trap 'exit 0' INT TERM; while :; do echo '{line}'; sleep 0.1; done"))
    };
    for (name, p99) in [("fast", 0.01), ("slow", 0.4)] {
        bench.write(&format!("{name}.json"), json!({"latency": {"p99_s": p99}}).to_string());
    }
    let sources = [
        ("log", "source = \"log:latency_ms\"\nstat = \"max\"\nfail = \"> 50ms\""),
        ("count", "source = \"count:event=refused\"\nfail = \"> 0\""),
        ("report", "source = \"performance:/latency/p99_s\"\nfail = \"> 50ms\""),
        ("memory", "source = \"process:rss\"\nfail = \"> 1GiB\""),
    ];
    let tables = sources.iter().flat_map(|(kind, table)| {
        ["fast", "slow"]
            .map(|of| format!("[[guard]]\nname = \"{kind}-{of}\"\nworkload = \"{of}\"\nevery = \"200ms\"\n{table}\n"))
    });
    let all = "[[guard]]\nname = \"log-all\"\nsource = \"log:latency_ms\"\nstat = \"max\"\nfail = \"> 50ms\"\nevery = \"200ms\"\n";
    bench.write("guards.toml", tables.collect::<String>() + all);
    let workloads = [
        workload("fast", &says(5, "order"), "performance = \"fast.json\""),
        workload("slow", &says(80, "refused"), "performance = \"slow.json\""),
    ];
    let run = several(&bench, &["--guard", "guards.toml", "--duration", "4s", "--quiet"], &workloads);
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    for (name, status, told) in [
        ("log-fast", "pass", "max 5ms"),
        ("log-slow", "fail", "max was 80ms"),
        ("log-all", "fail", "max was 80ms"),
        ("count-fast", "pass", "count 0"),
        ("count-slow", "fail", "count was"),
        ("report-fast", "pass", "last 10ms"),
        ("report-slow", "fail", "last was 400ms"),
        ("memory-fast", "pass", "last "),
        ("memory-slow", "pass", "last "),
    ] {
        let gate = gate(&run.folder, &format!("guards/{name}"));
        assert_eq!(gate["status"], status, "{gate}");
        assert!(gate["measured"].as_str().unwrap().contains(told), "{gate}");
    }
    agrees(&bench, &run);
    let minutes = fs::read_to_string(run.folder.join("wrap_up.md")).unwrap();
    assert!(minutes.contains("log:latency_ms of slow"), "{minutes}");
    // What its log holds is held against the guard of each alone.
    let path = run.folder.join("guards.json");
    let mut forged = document(&run);
    let rows = forged["guards"].as_array_mut().unwrap();
    rows.iter_mut().find(|row| row["name"] == "log-fast").unwrap()["samples"] = json!(3000);
    fs::write(&path, forged.to_string()).unwrap();
    let found = bench.run(&["audit", "runs/r", "--format", "json", "--quiet"]).exits(1).json();
    let told = found["findings"].to_string() + &found["record"]["differs"].to_string();
    assert!(told.contains("the guard log-fast rests on 3,000 samples, and the logs hold"), "{told}");
}

#[test]
fn figures_of_sources_are_made_again_from_what_each_look_gave() {
    let bench = Bench::new();
    let guards = "[[guard]]\nname = \"depth\"\nsource = \"exec:cat depth\"\nevery = \"200ms\"\nfail = \"> 50\"\n";
    bench.write("depth", "7\n");
    let run = guarded(&bench, &["--duration", "3s"], guards, ORDERS);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    agrees(&bench, &run);
    let samples = fs::read_to_string(run.folder.join("guard_samples.jsonl")).unwrap();
    assert_eq!(Some(samples.lines().count() as u64), gate(&run.folder, "guards/depth")["samples"].as_u64());
    assert_eq!(samples, fs::read_to_string(run.folder.join("packet/raw/guard_samples.jsonl")).unwrap());
    // Whoever changes one of them, and renews its digest, is found by the other; and so is who takes it away.
    let record = fs::read_to_string(run.folder.join("run.json")).unwrap();
    let forge = |name: &str, text: &str| {
        let mut forged: Value = serde_json::from_str(&record).unwrap();
        let sealed =
            forged["sealed_files"].as_array_mut().unwrap().iter_mut().find(|file| file["path"] == name).unwrap();
        sealed["bytes"] = json!(text.len());
        sealed["sha256"] = json!(emp_ops::digest::sha256(text.as_bytes()));
        fs::write(run.folder.join("run.json"), forged.to_string()).unwrap();
        fs::write(run.folder.join(name), text).unwrap();
        let found = bench.run(&["audit", "runs/r", "--format", "json", "--quiet"]).exits(1).json();
        found["guards"]["findings"].to_string()
    };
    let document = fs::read_to_string(run.folder.join("guards.json")).unwrap();
    let told = forge("guards.json", &document.replace("7.0", "6.0"));
    assert!(told.contains("guards.json notes of depth what its samples do not show"), "{told}");
    fs::write(run.folder.join("guards.json"), &document).unwrap();
    for text in [samples.replacen(":7.0", ":99.0", 1), String::new(), samples.replacen("{", "", 1)] {
        let told = forge("guard_samples.jsonl", &text);
        assert!(told.contains("samples"), "{text}: {told}");
    }
    fs::remove_file(run.folder.join("guard_samples.jsonl")).unwrap();
    fs::write(
        run.folder.join("run.json"),
        record.replace("\"guard_samples\": \"guard_samples.jsonl\"", "\"diary\": null"),
    )
    .unwrap();
    let _ = bench.run(&["audit", "runs/r", "--quiet"]).exits(1);
}

#[test]
fn a_report_that_is_written_at_the_very_end_is_looked_at() {
    for (last, status) in [(0.02, "pass"), (0.4, "fail")] {
        let bench = Bench::new();
        let report = |p99: f64| json!({"latency": {"p99_s": p99, "samples": 300}}).to_string();
        bench.write("report.json", report(0.02));
        let script = format!(
            "trap 'echo '\\''{}'\\'' > report.json; exit 0' INT TERM; while :; do echo tick; sleep 0.1; done",
            report(last)
        );
        let guard = "[[guard]]\nname = \"p99\"\nsource = \"performance:/latency/p99_s\"\nevery = \"200ms\"\nfail = \"> 50ms\"\n";
        bench.write("guards.toml", guard);
        let plain = ["--guard", "guards.toml", "--min-uptime", "1%", "--warn-gap=1m", "--fail-gap=1m", "--quiet"];
        let asked = ["--no-diary", "--performance", "report.json", "--run-name", "r", "--duration", "3s"];
        let command = ["--", "sh", "-c", &script];
        let words = [&["final-dry-run"][..], &plain, &asked, &command].concat();
        let run = finish(&bench, bench.run(&words));
        let gate = gate(&run.folder, "guards/p99");
        assert_eq!(gate["status"], status, "{gate} {:?}", run.output);
        assert_eq!(gate["measured"].as_str().unwrap().contains("the report that the run kept says 400ms"), last > 0.1);
        agrees(&bench, &run);
    }
}

#[test]
fn a_breach_is_one_incident_that_fails_its_gate_and_nothing_else() {
    let bench = Bench::new();
    let script = ORDERS.replace("while :", "touch slow; (sleep 1.5; rm slow) & while :");
    let run = guarded(&bench, &["--duration", "5s"], LATENCY, &script);
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    run.has("fail guard", "latency: p50 over 1s is 80ms (limit 50ms)");
    let raised: Vec<&Value> =
        run.record["incidents"].as_array().unwrap().iter().filter(|found| found["kind"] == "guard").collect();
    assert!(raised.len() == 1 && raised[0]["metadata"]["recovered_at"].is_string(), "{raised:?}");
    let row = &document(&run)["guards"][0];
    assert_eq!((&row["status"], &row["worst"]), (&json!("fail"), &json!(80.0)), "{row}");
    assert!(row["episodes"][0]["to"].is_string(), "{row}");
    assert_eq!(gate(&run.folder, "guards/latency")["status"], "fail");
    assert_eq!(gate(&run.folder, "run")["status"], "pass", "it is told once");
    agrees(&bench, &run);
}

#[test]
fn what_nobody_measures_fails_and_says_why() {
    let bench = Bench::new();
    let guards = "[[guard]]\nname = \"p99\"\nsource = \"log:latency_s\"\nfail = \"> 1s\"\n[[guard]]\nname = \"breaches\"\n\
                  source = \"count:evnt=breach\"\nfail = \"> 0\"\n[[guard]]\nname = \"tool\"\nsource = \"exec:false\"\nfail = \"> 0\"\n";
    let run = guarded(&bench, &["--duration", "2s"], guards, ORDERS);
    assert_eq!(run.output.code, 1);
    for (name, why) in [("p99", "never measured"), ("breaches", "never measured"), ("tool", "false exited with code 1")]
    {
        let gate = gate(&run.folder, &format!("guards/{name}"));
        assert_eq!(gate["status"], "fail", "{gate}");
        assert!(gate["measured"].as_str().unwrap().contains(why), "{gate}");
    }
    agrees(&bench, &run);
}

#[test]
fn a_guard_may_end_the_run_which_is_sealed_all_the_same() {
    let bench = Bench::new();
    bench.write("slow", "");
    let run = guarded(&bench, &["--duration", "60s"], &format!("{LATENCY}stop = true\n"), ORDERS);
    assert_eq!((run.output.code, &run.record["ended_because"]), (1, &json!("guard")));
    assert!(run.record["duration_seconds"].as_f64().unwrap() < 50.0);
    assert_eq!(document(&run)["stop_reasons"], json!(["guard:latency"]));
    assert!(run.folder.join("r-packet.tar.gz").is_file());
    agrees(&bench, &run);
}

#[test]
fn a_drill_waits_for_a_guard_and_answers_for_its_breach() {
    let bench = Bench::new();
    let drill = "[[drill]]\nname = \"slow\"\nat = \"1500ms\"\npoll = \"100ms\"\ninject = [{ touch = \"slow\" }]\n\
                 detect = [{ guard = \"latency\", is = \"fail\" }]\ndetect_within = \"20s\"\nrestore = [{ remove = \"slow\" }]\n\
                 recover = [{ guard = \"latency\", is = \"pass\" }]\nrecover_within = \"40s\"\nexcuses = [\"guard\"]\n";
    bench.write("drill.toml", drill);
    let run = guarded(&bench, &["--duration", "8s", "--drill", "drill.toml"], LATENCY, ORDERS);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    let drills: Value = serde_json::from_slice(&fs::read(run.folder.join("drills.json")).unwrap()).unwrap();
    assert_eq!(drills["drills"][0]["detected_by"], "latency is fail", "{drills}");
    assert_eq!(document(&run)["guards"][0]["episodes"][0]["drill"], "slow");
    agrees(&bench, &run);
    // Without the excuse the same breach is held against the run.
    bench.write("drill.toml", drill.replace("excuses = [\"guard\"]\n", ""));
    let bare = ["--drill", "drill.toml", "--run-name", "bare", "--guard", "guards.toml", "--quiet", "--duration", "8s"];
    let bare = [&["final-dry-run", "--no-diary", "--no-performance"], &bare[..], &["--", "sh", "-c", ORDERS]].concat();
    assert_eq!(bench.run(&bare).code, 1);
    assert_eq!(gate(&bench.path().join("runs/bare"), "guards/latency")["status"], "fail");
}

#[test]
fn a_file_of_guards_that_was_touched_is_no_evidence() {
    let bench = Bench::new();
    bench.write("slow", "");
    let run = guarded(&bench, &["--duration", "2s"], LATENCY, ORDERS);
    assert_eq!(run.output.code, 1);
    let path = run.folder.join("guards.json");
    let text = fs::read_to_string(&path).unwrap();
    let fails = |what: &str| {
        let said = bench.run(&["audit", "runs/r", "--quiet"]).exits(1).stdout;
        assert!(said.contains("record"), "{what}: {said}");
    };
    fs::write(&path, text.replace("80.0", "8.0").replace("\"fail\"", "\"ok\"")).unwrap();
    fails("rewritten");
    fs::remove_file(&path).unwrap();
    fails("taken away");
}

#[test]
fn what_cannot_be_meant_is_refused_at_its_place() {
    let bench = Bench::new();
    for (table, why) in [
        ("name = \"x\"\nsource = \"log:a\"", "there is no limit"),
        ("name = \"x\"\nsource = \"lag:a\"\nfail = \"> 1\"", "unknown source `lag`"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"1\"", "say on which side"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \">= 1\"", "satisfies it"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5ms\"", "write unit ="),
        ("name = \"x\"\nsource = \"log:a_ms\"\nfail = \"> 5MiB\"", "cannot be held against"),
        ("name = \"x\"\nsource = \"log:a\"\nwarn = \"> 9\"\nfail = \"> 5\"", "warn is beyond fail"),
        ("name = \"x\"\nsource = \"log:a\"\nwarn = \"< 9\"\nfail = \"> 5\"", "different sides"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5\"\nstat = \"p98\"", "unknown word `p98`; did you mean"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5\"\nwindw = \"1m\"", "unknown key `windw`"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5\"\nwarmup = \"2m\"", "nothing would be judged"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5\"\nworkload = \"api\"", "only one command"),
        ("name = \"x\"\nsource = \"prometheus:http://db:9/m#up\"\nfail = \"> 5\"", "allow_hosts"),
        ("name = \"x\"\nsource = \"prometheus:http://u:p@127.0.0.1:9/m#up\"\nfail = \"> 5\"", "would be shown"),
        ("name = \"x\"\nsource = \"log:a\"\nfail = \"> 5\"\nunit = \"parsec\"", "guards.toml:5:8: unit: unknown unit"),
        ("source = \"log:a\"\nfail = \"> 5\"", "has no name"),
    ] {
        bench.write("guards.toml", format!("[[guard]]\n{table}\n"));
        let run = ["final-dry-run", "--guard", "guards.toml", "--duration", "1m", "--check", "--", "true"];
        let said = bench.run(&run).exits(2).stdout;
        assert!(said.contains(why) && said.contains("guards.toml:"), "{table}: {said}");
    }
    bench.write(
        "guards.toml",
        "[[guard]]\nname = \"x\"\nsource = \"log:a_ms\"\nstat = \"p99\"\nwindow = \"10s\"\nfail = \"> 5ms\"\n",
    );
    let said = bench.run(&["final-dry-run", "--guard", "guards.toml", "--check", "--", "true"]).exits(0).stdout;
    assert!(said.contains("x (p99 over 10s, at most 5ms)"), "{said}");
}
