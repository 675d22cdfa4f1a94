//! Whole files, from their bytes to what is read of them.

use super::*;

fn show(text: &str) -> Vec<String> {
    let latest = Stamp::parse("2026-01-01").expect("a date");
    let layout = Layout::learn(text.as_bytes(), latest);
    let mut memory = Memory::default();
    text.lines()
        .map(|line| {
            let (service, line) = layout.unwrap(line.as_bytes());
            let service = service.map_or(String::new(), |name| format!("{} ", String::from_utf8_lossy(name)));
            let Some(record) = layout.read(line, Some(latest), &mut memory) else { return format!("{service}-") };
            let at = record.at.map_or("-".to_owned(), |at| at.to_string().replace("+00:00", ""));
            let message = record.message().unwrap_or_default().into_owned();
            format!("{service}{at} {} {message}", record.level().map_or("-", crate::level::Level::word))
        })
        .collect()
}

#[test]
fn layouts_are_learnt_from_the_lines_themselves() {
    for (text, expect) in [
        (
            "web-1    | 2025-03-03T08:00:00Z INFO up\nqueue-1  | 2025-03-03T08:05:00Z WARN slow\nweb-1    |   more\n",
            &["web-1 2025-03-03T08:00:00 info up", "queue-1 2025-03-03T08:05:00 warning slow", "web-1 -"][..],
        ),
        (
            "INFO  [main] 2025-03-03 08:00:00,123 D.java:1 - up\nERROR [main] 2025-03-03 08:10:00,123 D.java:7 - in use\n",
            &["2025-03-03T08:00:00.123000 info D.java:1 - up", "2025-03-03T08:10:00.123000 error D.java:7 - in use"],
        ),
        (
            "Mar  3 08:00:00 gw user.notice app: up\nMar  3 08:10:40 gw daemon.err agent: down\n",
            &["2025-03-03T08:00:00 notice user.notice app: up", "2025-03-03T08:10:40 error daemon.err agent: down"],
        ),
        (
            "Mar  3 08:00:00 gw app[1]: up\nMar  3 08:10:40 gw app[1]: ERROR down\n",
            &["2025-03-03T08:00:00 - app[1]: up", "2025-03-03T08:10:40 error app[1]: ERROR down"],
        ),
        (
            "error\t03-Mar-2025 08:00:00\tdown\nbuild\t03-Mar-2025 08:00:01\tup\n",
            &["2025-03-03T08:00:00 error down", "2025-03-03T08:00:01 - up"],
        ),
        ("it was the best of times\nit was the worst of times\n", &["-", "-"]),
    ] {
        assert_eq!(show(text), expect, "{text}");
    }
}

/// Where pairs state levels, one that nobody knows is a level all the same.
#[test]
fn a_level_that_nobody_knows_is_not_passed_over() {
    let line = |second: usize, level: &str| format!("2025-03-03 08:00:0{second}|h=a|severity={level}|x=up\n");
    let text: String = (0..6).map(|second| line(second, if second == 5 { "Grave" } else { "Info" })).collect();
    let seen = show(&text);
    assert_eq!(seen[0], "2025-03-03T08:00:00 info x=up");
    assert_eq!(seen[5], "2025-03-03T08:00:05 unknown x=up");
}

/// Nor is a word in the column of levels that no vocabulary has, unless it may be the first word of a text.
#[test]
fn an_odd_word_in_the_column_of_levels_is_a_level() {
    for (usual, odd, expect) in [
        ("INF 2025-03-03 08:00:00 up", "FAT 2025-03-03 08:00:09 down", "critical"),
        ("INF 2025-03-03 08:00:00 up", "ODD 2025-03-03 08:00:09 down", "unknown"),
        ("2025-03-03 08:00:00 INF up", "2025-03-03 08:00:09 NOT down", "notice"),
        ("2025-03-03 08:00:00 INF up", "2025-03-03 08:00:09 GET /down", "-"),
        ("2025-03-03 08:00:00 info up", "2025-03-03 08:00:09 fat down", "-"),
        ("2025-03-03 08:00:00 INF a.b - up", "2025-03-03 08:00:09 GRAVE a.c - down", "unknown"),
        ("2025-03-03 08:00:00 INF app: up", "2025-03-03 08:00:09 ÜBEL db: down", "unknown"),
        ("2025-03-03 08:00:00 INF app: up", "2025-03-03 08:00:09 GRAVE silence", "-"),
        ("2025-03-03 08:00:00 INF app: up", "2025-03-03 08:00:09 Grave app: down", "-"),
        ("2025-03-03 08:00:00,info,up", "2025-03-03 08:00:09,grave,down", "unknown"),
        ("2025-03-03 08:00:00 [info] up", "2025-03-03 08:00:09 [grave] down", "unknown"),
    ] {
        let text = format!("{}{odd}\n", format!("{usual}\n").repeat(8));
        let seen = show(&text);
        let level = seen.last().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        assert_eq!(level, expect, "{odd}: {seen:?}");
    }
}

/// A key that is called like one for levels states them in words that are ordinary elsewhere.
#[test]
fn keys_that_are_called_like_levels_are_learnt_from_ordinary_words() {
    let line = |key: &str, word: &str| format!("{{\"time\":\"2025-03-03T08:00:00Z\",\"{key}\":\"{word}\"}}\n");
    for (key, word, level) in [("error_severity", "LOG", "info"), ("mode", "LOG", "-"), ("error_severity", "red", "-")]
    {
        let seen = show(&line(key, word).repeat(3));
        assert!(seen.iter().all(|seen| seen.starts_with(&format!("2025-03-03T08:00:00 {level} "))), "{key}: {seen:?}");
    }
}

/// Levels are learnt under keys inside objects and in pairs too, and times of pairs by the names of their keys.
#[test]
fn keys_of_pairs_and_of_objects_inside_are_learnt() {
    for (line, expect) in [
        (r#"{"ts":"2025-03-03T08:00:00Z","meta":{"stufe":"{L}"}}"#, "2025-03-03T08:00:00 {L} "),
        (r#"{"ts":"2025-03-03T08:00:00Z","user":{"grade":"{L}"}}"#, "2025-03-03T08:00:00 - "),
        (r#"h=a stufe={L} time=2025-03-03T08:00:00Z"#, "2025-03-03T08:00:00 {L} "),
        (r#"h=a severity_text={L} log_time=2025-03-03T08:00:00Z"#, "2025-03-03T08:00:00 {L} "),
        (r#"h=a level={L} logged_at=1740988800"#, "2025-03-03T08:00:00 {L} "),
        (r#"h=a l={L} log_time=1740988800.5 x=1"#, "2025-03-03T08:00:00.500000 {L} "),
        (r#"h=a stufe={L} start=2025-03-03T08:00:00Z"#, "2025-03-03T08:00:00 {L} "),
        (r#"h=a l={L} time=1740988800.5 x=1"#, "2025-03-03T08:00:00.500000 {L} "),
        (r#"{"ts":"2025-03-03T08:00:00Z","level":"LOG_{L}"}"#, "2025-03-03T08:00:00 {L} "),
    ] {
        let words = ["info", "info", "debug", "info", "error"];
        let text: String = words.iter().map(|word| format!("{}\n", line.replace("{L}", word))).collect();
        for (seen, word) in show(&text).iter().zip(words) {
            assert!(seen.starts_with(&expect.replace("{L}", word)), "{line}: {seen}");
        }
    }
}
