//! Logs of many programs, written out from the documentation of their formats: with one error among their lines, and
//! without any.

use chrono::Duration;
use emp_ops::finding::Status;
use emp_ops::io::read::scan::{ScanOptions, Source, scan};
use emp_ops::log::summary::LogSummary;
use emp_ops::time::Stamp;

use crate::harness::Bench;

/// The words of a format for debug, info, warning and error.
type Words = [&'static str; 4];

const UPPER: Words = ["DEBUG", "INFO", "WARN", "ERROR"];
const LOWER: Words = ["debug", "info", "warning", "error"];
const SHORT: Words = ["DBG", "INF", "WRN", "ERR"];
const TITLE: Words = ["Debug", "Info", "Warning", "Error"];
const LETTER: Words = ["D", "I", "W", "E"];
const PYTHON: Words = ["DEBUG", "INFO", "WARNING", "ERROR"];
const SYSLOG: Words = ["debug", "info", "warn", "err"];
const JAVA: Words = ["FINE", "INFO", "WARNING", "SEVERE"];

/// Formats: name, words, and a line, in which `{L}` is the level (`{L5}` five wide), `{M}` the message, `{E}` seconds since
/// 1970, and `%` stands for the parts of a time. The last says whether times are stated with their day.
#[rustfmt::skip]
const FORMATS: &[(&str, Words, &str, bool)] = &[
    ("spark", UPPER, "%y/%m/%d %H:%M:%S {L} Executor: {M}", true),
    ("hdfs", UPPER, "%y%m%d %H%M%S 148 {L} dfs.Node: {M}", true),
    ("tomcat", JAVA, "%d-%b-%Y %H:%M:%S.123 {L} [main] a.B.c {M}", true),
    ("cassandra", UPPER, "{L5} [main] %Y-%m-%d %H:%M:%S,123 D.java:1 - {M}", true),
    ("nats", SHORT, "[77] %Y/%m/%d %H:%M:%S.123456 [{L}] {M}", true),
    ("etcd", LETTER, "%Y-%m-%d %H:%M:%S.123456 {L} | main: {M}", true),
    ("icinga", ["debug", "information", "warning", "critical"], "[%Y-%m-%d %H:%M:%S +0000] {L}/Conn: {M}", true),
    ("busybox", SYSLOG, "%b %e %H:%M:%S gw daemon.{L} app: {M}", true),
    ("windows servicing", TITLE, "%Y-%m-%d %H:%M:%S, {L21} CBS    {M}", true),
    ("vsphere", LOWER, "%Y-%m-%dT%H:%M:%S.123Z {L} gate[1] [Sub=a] {M}", true),
    ("esxi", ["Db(15)", "In(14)", "Wa(12)", "Er(11)"], "%Y-%m-%dT%H:%M:%S.123Z {L} vmkernel: {M}", true),
    ("nginx", ["debug", "info", "warn", "error"], "%Y/%m/%d %H:%M:%S [{L}] 12#12: {M}", true),
    ("apache 2.4", ["debug", "info", "warn", "error"], "[%a %b %d %H:%M:%S.123456 %Y] [core:{L}] [pid 7] {M}", true),
    ("apache 2.2", ["debug", "info", "warn", "error"], "[%a %b %d %H:%M:%S %Y] [{L}] {M}", true),
    ("postgres", ["DEBUG1", "LOG", "WARNING", "ERROR"], "%Y-%m-%d %H:%M:%S.123 UTC [12] {L}:  {M}", true),
    ("mysql 8", ["Note", "System", "Warning", "ERROR"], "%Y-%m-%dT%H:%M:%S.123456Z 0 [{L}] [MY-010116] [Server] {M}", true),
    ("mysql 5.5", ["Note", "Note", "Warning", "ERROR"], "%y%m%d %k:%M:%S [{L}] {M}", true),
    ("mongod 3", LETTER, "%Y-%m-%dT%H:%M:%S.123+0000 {L} NETWORK  [conn1] {M}", true),
    ("glog", LETTER, "{L}%m%d %H:%M:%S.123456   12 file.cc:3] {M}", true),
    ("glog with the year", LETTER, "{L}%Y%m%d %H:%M:%S.123456   12 file.cc:3] {M}", true),
    ("logcat threadtime", LETTER, "%m-%d %H:%M:%S.123  1234  5678 {L} Tag: {M}", true),
    ("logcat time", LETTER, "%m-%d %H:%M:%S.123 {L}/Tag( 77): {M}", true),
    ("python", PYTHON, "%Y-%m-%d %H:%M:%S,123 - app - {L} - {M}", true),
    ("python, colons", PYTHON, "%Y-%m-%d %H:%M:%S,123:{L}:app:{M}", true),
    ("python, small letters", LOWER, "%Y-%m-%d %H:%M:%S,123 {L} app {M}", true),
    ("loguru", PYTHON, "%Y-%m-%d %H:%M:%S.123 | {L8} | m:f:1 - {M}", true),
    ("logback console", UPPER, "%H:%M:%S.123 [main] {L5} a.B -- {M}", false),
    ("log4j", UPPER, "%Y-%m-%d %H:%M:%S,123 [main] {L5} a.B - {M}", true),
    ("spring boot", UPPER, "%Y-%m-%dT%H:%M:%S.123Z  {L5} 71 --- [main] c.a.App : {M}", true),
    ("jboss", UPPER, "%Y-%m-%d %H:%M:%S,123 {L5} [org.jboss.as] (MSC service thread 1-1) {M}", true),
    ("websphere", LETTER, "[%-m/%-d/%y %-H:%M:%S:123 UTC] 0000000a Main          {L}   {M}", true),
    ("weblogic", TITLE, "<%b %-d, %Y %-I:%M:%S %p UTC> <{L}> <Server> <BEA-000000> <{M}>", true),
    ("dates of the USA", TITLE, "%-m/%-d/%Y %-I:%M:%S %p {L} app {M}", true),
    ("nlog", UPPER, "%Y-%m-%d %H:%M:%S.1234|{L}|MyApp.Main|{M}", true),
    ("serilog file", SHORT, "%Y-%m-%d %H:%M:%S.123 +00:00 [{L}] {M}", true),
    ("serilog console", SHORT, "[%H:%M:%S {L}] {M}", false),
    ("env_logger", UPPER, "[%Y-%m-%dT%H:%M:%SZ {L5} app::feed] {M}", true),
    ("ruby", UPPER, "{L1}, [%Y-%m-%dT%H:%M:%S.123456 #12] {L5} -- : {M}", true),
    ("monolog", PYTHON, "[%Y-%m-%dT%H:%M:%S.123456+00:00] app.{L}: {M} [] []", true),
    ("elixir", LOWER, "%H:%M:%S.123 [{L}] {M}", false),
    ("rabbitmq", LOWER, "%Y-%m-%d %H:%M:%S.123456+00:00 [{L}] <0.1.0> {M}", true),
    ("logrus", LOWER, "time=\"%Y-%m-%dT%H:%M:%SZ\" level={L} msg=\"{M}\"", true),
    ("zap console", LOWER, "%Y-%m-%dT%H:%M:%S.123Z\t{L}\tmain.go:1\t{M}", true),
    ("squid", PYTHON, "%Y/%m/%d %H:%M:%S kid1| {L}: {M}", true),
    ("openstack", PYTHON, "%Y-%m-%d %H:%M:%S.123 25746 {L} nova.compute [req-1] {M}", true),
    ("blue gene", UPPER, "- {E} %Y.%m.%d R02-M1 %Y-%m-%d-%H.%M.%S.675872 R02-M1 RAS KERNEL {L} {M}", true),
    ("kafka", UPPER, "[%Y-%m-%d %H:%M:%S,123] {L} [Ctl 0]: {M} (kafka.X)", true),
    ("elasticsearch", UPPER, "[%Y-%m-%dT%H:%M:%S,123][{L5}][o.e.n.Node] [n1] {M}", true),
    ("minecraft", UPPER, "[%H:%M:%S] [Server thread/{L}]: {M}", false),
    ("proxifier", LOWER, "[%m.%d %H:%M:%S] {L} chrome.exe - {M}", true),
    ("healthapp", LOWER, "%Y%m%d-%-H:%M:%S:123|{L}|Step|{M}", true),
    ("rsyslog", SYSLOG, "%Y-%m-%dT%H:%M:%S+00:00 host app[12] {L}: {M}", true),
    ("ctime", UPPER, "%a %b %d %H:%M:%S %Y - {L} {M}", true),
    ("clamav", TITLE, "%a %b %e %H:%M:%S %Y -> {L}: {M}", true),
    ("svlogd", UPPER, "%Y-%m-%d_%H:%M:%S.12345 {L} {M}", true),
    ("envoy", LOWER, "[%Y-%m-%d %H:%M:%S.123][1][{L}][main] [source/x.cc:1] {M}", true),
    ("jenkins", JAVA, "%Y-%m-%d %H:%M:%S.123+0000 [id=1]\t{L}\th.Main#x: {M}", true),
    ("chromium", ["VERBOSE1", "INFO", "WARNING", "ERROR"], "[1234:5678:%m%d/%H%M%S.123456:{L}:gpu.cc(1)] {M}", true),
    ("level first", UPPER, "{L} %Y-%m-%d %H:%M:%S app {M}", true),
    ("fields in quotes", UPPER, "\"%Y-%m-%d %H:%M:%S\",\"{L}\",\"app\",\"{M}\"", true),
    ("tabs", LOWER, "%Y-%m-%d %H:%M:%S\t{L}\tapp\t{M}", true),
    ("dates of Germany", UPPER, "%d.%m.%Y %H:%M:%S {L} {M}", true),
    ("epoch", UPPER, "{E}.123 {L} app {M}", true),
    ("epoch in milliseconds", LOWER, "{E}123 {L} app {M}", true),
    ("db2", TITLE, "%Y-%m-%d-%H.%M.%S.123456+000 I1234 LEVEL: {L} {M}", true),
    ("pino", ["20", "30", "40", "50"], r#"{"level":{L},"time":{E}123,"pid":1,"hostname":"h","msg":"{M}"}"#, true),
    ("hclog", LOWER, r#"{"@level":"{L}","@message":"{M}","@timestamp":"%Y-%m-%dT%H:%M:%SZ"}"#, true),
    ("mongod", LETTER, r#"{"t":{"$date":"%Y-%m-%dT%H:%M:%SZ"},"s":"{L}","c":"NET","id":1,"ctx":"x","msg":"{M}"}"#, true),
    ("kibana", LOWER, r#"{"type":"log","@timestamp":"%Y-%m-%dT%H:%M:%SZ","tags":["{L}","plugin"],"message":"{M}"}"#, true),
    ("nextcloud", ["0", "1", "2", "3"], r#"{"reqId":"a","level":{L},"time":"%Y-%m-%dT%H:%M:%S+00:00","app":"core","message":"{M}"}"#, true),
    ("log4j2 JSON", UPPER, r#"{"instant":{"epochSecond":{E},"nanoOfSecond":1},"level":"{L}","loggerName":"a","message":"{M}"}"#, true),
    ("log4j numbers", ["10000", "20000", "30000", "40000"], r#"{"timestamp":{E}123,"level_value":{L},"message":"{M}"}"#, true),
    ("monolog JSON", ["100", "200", "300", "400"], r#"{"message":"{M}","level":{L},"channel":"app","datetime":"%Y-%m-%dT%H:%M:%SZ"}"#, true),
    ("nested", LOWER, r#"{"ts":"%Y-%m-%dT%H:%M:%SZ","log":{"severity":"{L}"},"message":"{M}"}"#, true),
    ("log4js", UPPER, r#"{"startTime":"%Y-%m-%dT%H:%M:%SZ","level":{"level":1,"levelStr":"{L}"},"data":["{M}"]}"#, true),
    ("windows events", ["5", "4", "3", "2"], r#"{"TimeCreated":"%Y-%m-%dT%H:%M:%SZ","EventID":7,"Channel":"System","Level":{L},"Message":"{M}"}"#, true),
    ("OpenTelemetry", ["5", "9", "13", "17"], r#"{"Timestamp":"%Y-%m-%dT%H:%M:%SZ","SeverityNumber":{L},"Body":"{M}"}"#, true),
    ("level in the message", UPPER, r#"{"time":"%Y-%m-%dT%H:%M:%SZ","message":"{L}: {M}"}"#, true),
    ("line in the message", UPPER, r#"{"time":"%Y-%m-%dT%H:%M:%SZ","message":"%Y-%m-%d %H:%M:%S {L} app {M}"}"#, true),
    ("compose", UPPER, "api-1  | %Y-%m-%d %H:%M:%S,123 {L} app {M}", true),
    ("pm2", LOWER, "0|api  | %Y-%m-%d %H:%M:%S,123 {L}: {M}", true),
    ("foreman", UPPER, r#"%H:%M:%S web.1  | {"time":"%Y-%m-%dT%H:%M:%SZ","level":"{L}","msg":"{M}"}"#, true),
    ("docker, text", LOWER, r#"{"log":"%Y-%m-%d %H:%M:%S {L} app {M}\n","stream":"stdout","time":"%Y-%m-%dT%H:%M:%SZ"}"#, true),
    ("cri, text", LOWER, "%Y-%m-%dT%H:%M:%S.123Z stdout F %Y-%m-%d %H:%M:%S {L} app {M}", true),
];

const MESSAGES: [&str; 7] = [
    "service started",
    "order 17 accepted",
    "cache filled with 12 entries",
    "listening on port 8080",
    "user anna logged in",
    "flush took 3 ms",
    "settings read again",
];

/// The lines of a format, of which one may state an error.
fn render(words: Words, line: &str, count: usize, error: Option<usize>) -> String {
    let start = Stamp::parse("2025-03-13T08:00:00").unwrap().utc();
    let mut text = String::new();
    for number in 0..count {
        let at = start + Duration::seconds(i64::try_from(number).unwrap() * 37);
        let failed = error == Some(number);
        let level = words[if failed { 3 } else { usize::from(number % 5 != 3) }];
        let message = if failed { "the database is out of reach" } else { MESSAGES[number % MESSAGES.len()] };
        let mut line = at.format(line).to_string().replace("{M}", message).replace("{E}", &at.timestamp().to_string());
        for (mark, width) in [("{L}", 0), ("{L5}", 5), ("{L8}", 8), ("{L21}", 21)] {
            line = line.replace(mark, &format!("{level:width$}"));
        }
        text.push_str(&line.replace("{L1}", &level[..1]));
        text.push('\n');
    }
    text
}

fn read(bench: &Bench, text: &str) -> LogSummary {
    let path = bench.write("x.log", text);
    let written = std::time::SystemTime::from(Stamp::parse("2025-03-20").unwrap().utc());
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
    scan(&[Source::file(&path)], &ScanOptions { threads: 1, ..ScanOptions::default() })
}

#[test]
fn one_error_is_found_in_the_logs_of_any_program() {
    let bench = Bench::new();
    let (mut files, mut wrong) = (0, Vec::new());
    for (name, words, line, dated) in FORMATS {
        for count in [1, 2, 5, 20, 256] {
            for error in [None, Some(count * 5 / 7)] {
                let summary = read(&bench, &render(*words, line, count, error));
                files += 1;
                assert!(error.is_none() || summary.status > Status::Pass, "{name}, {count} lines: {summary:#?}");
                let started = summary.started_at.map(|at| at.to_string());
                let times = !dated || started.is_some_and(|at| at.starts_with("2025-03-13T08:00:00"));
                let records = !dated || summary.records == count as u64;
                // One or two lines may be too few to tell a level from prose; then nothing vouches for them.
                let errors = summary.totals.errors == u64::from(error.is_some()) || count <= 2;
                if !(times && records && errors) {
                    wrong.push(format!(
                        "{name}, {count} lines, error in {error:?}: {:?} {summary:?}",
                        summary.files[0].layout
                    ));
                }
            }
        }
    }
    assert!(FORMATS.len() >= 60);
    assert!(wrong.len() * 50 <= files, "{} of {files} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn two_writers_in_one_file_lose_no_error() {
    let bench = Bench::new();
    let error = Some(14);
    for (index, (name, words, line, dated)) in FORMATS.iter().enumerate() {
        let (other, other_words, other_line, other_dated) = FORMATS[(index * 7 + 3) % FORMATS.len()];
        if !(*dated && other_dated) {
            continue;
        }
        let (first, second) = (render(*words, line, 20, None), render(other_words, other_line, 20, error));
        let text: String = first.lines().zip(second.lines()).map(|(a, b)| format!("{a}\n{b}\n")).collect();
        let summary = read(&bench, &text);
        assert!(summary.status > Status::Pass, "{name} and {other}: {summary:#?}");
    }
}

#[test]
fn a_writer_that_comes_late_is_learnt_too() {
    let bench = Bench::new();
    let early = render(UPPER, "%Y-%m-%d %H:%M:%S,123 - app - {L} - {M}", 6000, None);
    for (words, line) in [
        (LOWER, "%Y-%m-%d %H:%M:%S,123 {L} app {M}"),
        (LOWER, "%y/%m/%d %H:%M:%S {L} Executor: {M}"),
        (UPPER, "%d/%b/%Y:%H:%M:%S +0000 [{L}] {M}"),
    ] {
        let text = format!("{early}{}", render(words, line, 200, Some(150)));
        let summary = read(&bench, &text);
        assert_eq!((summary.records, summary.totals.errors), (6200, 1), "{line}: {:#?}", summary.findings);
        // The same packed, and on any number of threads.
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
        let packed = bench.write("y.log.gz", packer.finish().unwrap());
        for path in [bench.write("x.log", &text), packed] {
            for threads in [1, 3] {
                let options = ScanOptions { threads, ..ScanOptions::default() };
                let again = scan(&[Source::file(&path)], &options);
                assert_eq!(
                    (again.records, &again.totals, &again.level_counts),
                    (6200, &summary.totals, &summary.level_counts)
                );
            }
        }
    }
}

#[test]
fn the_level_on_the_second_line_belongs_to_its_record() {
    let bench = Bench::new();
    for count in [1, 2, 20] {
        let text =
            render(JAVA, "%b %d, %Y %-I:%M:%S %p a.b.App main|{L}: {M}", count, Some(count - 1)).replace('|', "\n");
        let summary = read(&bench, &text);
        let found = (summary.records, summary.totals.errors, summary.ignored_lines);
        assert_eq!(found, (count as u64, 1, 0), "{count} {summary:#?}");
        assert!(summary.started_at.unwrap().to_string().starts_with("2025-03-13T08:00:00"));
    }
}

#[test]
fn a_key_that_a_record_states_twice_is_said_and_its_worst_level_counts() {
    let bench = Bench::new();
    for levels in
        [r#""level":"error","level":"info""#, r#""level":"info","level":"error""#, r#""level":30,"msg":"x","level":50"#]
    {
        let good = r#"{"time":"2025-03-13T08:00:00Z","level":"info","msg":"up"}"#;
        let text = format!("{good}\n{{\"time\":\"2025-03-13T08:00:01Z\",{levels},\"msg\":\"x\"}}\n");
        let summary = read(&bench, &text);
        assert_eq!((summary.totals.errors, summary.status), (1, Status::Fail), "{levels}");
        let said = summary.findings.iter().find(|finding| finding.summary.contains("a key twice"));
        assert_eq!(said.and_then(|finding| finding.place.as_ref()?.line), Some(2), "{levels} {:#?}", summary.findings);
    }
    // Two keys that are spelt differently are not the same key.
    let two = r#"{"time":"2025-03-13T08:00:00Z","level":"info","Level":"info","msg":"up"}"#;
    let summary = read(&bench, &format!("{two}\n"));
    assert!(!summary.findings.iter().any(|finding| finding.summary.contains("a key twice")), "{:#?}", summary.findings);
}

#[test]
fn long_numbers_keep_their_digits() {
    let bench = Bench::new();
    let text = r#"{"time":"2025-03-13T08:00:00Z","level":"error","msg":"x","id":98765432109876543210,"of":[-98765432109876543211]}"#;
    let summary = read(&bench, &format!("{text}\n"));
    let shown = serde_json::to_string(&summary).unwrap();
    assert!(shown.contains("98765432109876543210") && shown.contains("-98765432109876543211"), "{shown}");
}

#[test]
fn guesses_about_times_are_said() {
    let bench = Bench::new();
    for (words, line, said) in [
        (UPPER, "03/04/2025 %H:%M:%S {L} app {M}", Some("ambiguous dates")),
        (UPPER, "13/04/2025 %H:%M:%S {L} app {M}", None),
        (UPPER, "{E} call {M}", Some("unconfirmed")),
        (UPPER, "{E} [{L}] {M}", None),
    ] {
        let summary = read(&bench, &render(words, line, 20, None));
        let found =
            summary.findings.iter().find(|f| f.summary.contains("ambiguous") || f.summary.contains("unconfirmed"));
        let severity =
            found.filter(|finding| said.is_some_and(|said| finding.summary.contains(said))).map(|f| f.severity);
        assert_eq!(severity, said.map(|_| Status::Warn), "{line}: {:#?}", summary.findings);
        assert_eq!(found.is_some(), said.is_some(), "{line}");
    }
}

/// Lines as a container keeps them, cut into pieces of `size` bytes.
fn contained(lines: &[String], size: usize, docker: bool) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let stream = if number % 3 == 0 { "stderr" } else { "stdout" };
        let time = format!("2025-03-13T08:{:02}:{:02}.000000000Z", number / 60, number % 60);
        let pieces: Vec<&[u8]> = line.as_bytes().chunks(size).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let (piece, last) = (std::str::from_utf8(piece).unwrap(), index + 1 == pieces.len());
            if docker {
                let log = if last { format!("{piece}\n") } else { piece.to_owned() };
                let record = serde_json::json!({ "log": log, "stream": stream, "time": time });
                text.push_str(&format!("{record}\n"));
            } else {
                text.push_str(&format!("{time} {stream} {} {piece}\n", if last { "F" } else { "P" }));
            }
        }
    }
    text
}

#[test]
fn what_containers_cut_into_pieces_is_read_whole() {
    let bench = Bench::new();
    let text = render(LOWER, "%Y-%m-%d %H:%M:%S {L} app {M}", 40, Some(30));
    let json = render(LOWER, r#"{"msg":"{M}","time":"%Y-%m-%dT%H:%M:%SZ","level":"{L}"}"#, 40, Some(30));
    for (text, docker) in [(&text, true), (&text, false), (&json, true), (&json, false)] {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for size in [7, 22, 40, 1000] {
            let summary = read(&bench, &contained(&lines, size, docker));
            let found = (summary.records, summary.totals.errors, summary.status);
            assert_eq!(found, (40, 1, Status::Fail), "{size} {docker} {:#?}", summary.findings);
        }
    }
}

#[test]
fn a_stack_trace_in_a_container_belongs_to_its_record() {
    let bench = Bench::new();
    let mut lines: Vec<String> =
        render(UPPER, "%Y-%m-%d %H:%M:%S {L} app {M}", 20, Some(19)).lines().map(str::to_owned).collect();
    let trace = [
        "java.lang.IllegalStateException: no",
        "\tat a.B.c(D.java:1)",
        "Caused by: java.io.IOException: closed",
        "\t... 7 more",
    ];
    lines.extend(trace.map(str::to_owned));
    lines.push("2025-03-13 09:00:00 INFO app done".to_owned());
    for docker in [true, false] {
        let summary = read(&bench, &contained(&lines, 1000, docker));
        let found = (summary.records, summary.continued_lines, summary.ignored_lines, summary.totals.errors);
        assert_eq!(found, (21, 4, 0, 1), "{docker} {summary:#?}");
        let traces: Vec<u64> =
            summary.groups.iter().filter(|group| group.kind == "stack_trace").map(|group| group.count).collect();
        assert_eq!(traces, [1], "{docker} {summary:#?}");
    }
}

#[test]
fn what_is_no_log_gives_none() {
    let bench = Bench::new();
    for (name, text) in [
        (
            "novel",
            "It was a bright cold day in April, and the clocks were striking.\nHe had an error of judgement.\n"
                .repeat(40),
        ),
        ("table", "name,score,day\nanna,5,2\nben,7,3\n".repeat(40)),
        ("source", "fn main() {\n    let error = 1;\n    println!(\"{error}\");\n}\n".repeat(40)),
        ("page", "<html>\n<body>\n<p class=\"error\">x</p>\n</body>\n</html>\n".repeat(40)),
    ] {
        let summary = read(&bench, &text);
        assert_eq!((summary.status, summary.records), (Status::Fail, 0), "{name}: {summary:#?}");
    }
}
