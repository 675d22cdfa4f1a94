//! Whole texts in each frame, cut anywhere.

use super::*;

fn lines(text: &[u8], step: usize) -> Option<Vec<String>> {
    let mut framer = Framer::new(Frame::detect(text)?);
    let mut out = Vec::new();
    text.chunks(step).for_each(|bytes| framer.push(bytes, false, &mut out));
    framer.push(b"", true, &mut out);
    let fill = String::from_utf8_lossy(FILL).into_owned();
    Some(
        String::from_utf8_lossy(&out)
            .lines()
            .map(|line| if line == fill { "·".to_owned() } else { line.to_owned() })
            .collect(),
    )
}

#[test]
fn records_are_found_however_they_are_framed_and_cut() {
    let mut journal = b"__CURSOR=a\n__REALTIME_TIMESTAMP=1\nPRIORITY=3\nMESSAGE\n".to_vec();
    journal.extend_from_slice(&3_u64.to_le_bytes());
    journal.extend_from_slice(b"a\nb\n\n__CURSOR=b\nMESSAGE=c\n");
    for (text, expect) in [
        (&b"[{\"a\":1},\n{\"a\":2}]"[..], Some(&["{\"a\":1}", "{\"a\":2}"][..])),
        (b"{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", Some(&["{  \"a\": 1 }", "·", "·", "{  \"a\": 2 }"])),
        (b"{\"next\":\"x\",\"events\":[{\"a\":1},{\"a\":2}],\"more\":false}", Some(&["{\"a\":1}", "{\"a\":2}"])),
        (b"{\"hits\":{\"total\":2,\"hits\":[{\"_source\":{\"a\":1}}]}}", Some(&["{\"_source\":{\"a\":1}}"])),
        (
            b"{ \"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{\"b\":1},{\"b\":2}]}]}]}",
            Some(&["{\"b\":1}", "{\"b\":2}"]),
        ),
        (b"{\"a\":1}\0{\"a\":2}\0", Some(&["{\"a\":1}", "{\"a\":2}"])),
        (b"10 <13>1 - a\n11 <13>1 - bc", Some(&["<13>1 - a", "<13>1 - bc"])),
        (
            &journal,
            Some(&[
                "{\"MESSAGE\":\"a\\nb\",\"PRIORITY\":\"3\",\"__CURSOR\":\"a\",\"__REALTIME_TIMESTAMP\":\"1\"}",
                "·",
                "·",
                "·",
                "·",
                "·",
                "·",
                "{\"MESSAGE\":\"c\",\"__CURSOR\":\"b\"}",
            ]),
        ),
        (
            b"<log4j:event logger=\"a\" timestamp=\"17\" level=\"ERROR\">\n<log4j:message><![CDATA[x < y]]></log4j:message>\n</log4j:event>\n",
            Some(&["{\"level\":\"ERROR\",\"logger\":\"a\",\"message\":\"x < y\",\"timestamp\":17}"]),
        ),
        (
            b"Mar 03, 2025 8:00:00\xe2\x80\xafAM a.B c\nINFO: up\nMar 03, 2025 8:00:01 AM a.B c\nSEVERE: down\n\tat a.B.c(B.java:1)\n",
            Some(&[
                "Mar 03, 2025 8:00:00 AM a.B c INFO: up",
                "·",
                "Mar 03, 2025 8:00:01 AM a.B c SEVERE: down",
                "·",
                "\tat a.B.c(B.java:1)",
            ]),
        ),
        // What failed beside the list is told, but for empty members and counts.
        (
            b"{\"errors\":3,\"exceptions\":[],\"logs\":[\n{\"a\":1}],\"error\":\"the rest is lost\",\"err\":null}\n",
            Some(&["·", "{\"a\":1}", "{\"error\":\"the rest is lost\"}"]),
        ),
        (
            b"{\"exceptions\":[{\"name\":\"E\"}],\"logs\":[{\"a\":1}]}\n{\"exceptions\":[],\"logs\":[{\"a\":2}]}\n",
            Some(&["{\"exceptions\":[{\"name\":\"E\"}]}", "{\"a\":1}", "{\"a\":2}"]),
        ),
        // The line above states a level of its own.
        (b"2025-03-03 08:00:00 INFO up\nSEVERE: down\n", None),
        (b"2025-03-03 08:00:00 [info] up\nSEVERE: down\n", None),
        (b"{\"level\":\"info\",\"items\":[{\"a\":1}]}\n{}\n", None),
        (b"{\"a\":1}\n{\"a\":2}\n", None),
        (b"[2025-03-03 08:00:00] up\n", None),
        (b"<html><body>x</body></html>", None),
        (b"plain", None),
        (b"", None),
    ] {
        for step in [1, 7, 1 << 20] {
            let found = lines(text, step);
            let found: Option<Vec<&str>> = found.as_ref().map(|lines| lines.iter().map(String::as_str).collect());
            assert_eq!(found.as_deref(), expect, "{step} {}", String::from_utf8_lossy(text));
        }
    }
}

#[test]
fn pieces_of_lines_in_containers_are_joined_per_stream() {
    let docker = |log: &str, stream: &str| {
        format!("{{\"log\":\"{log}\",\"stream\":\"{stream}\",\"time\":\"2025-01-06T00:00:00Z\"}}")
    };
    let cri = |stream: &str, rest: &str| format!("2025-01-06T00:00:00.000000000Z {stream} {rest}");
    for (input, expect) in [
        (
            vec![docker("a", "stdout"), docker("x\\n", "stderr"), docker("b", "stdout"), docker("c\\n", "stdout")],
            vec!["·".to_owned(), docker("x\\n", "stderr"), "·".to_owned(), docker("abc\\n", "stdout")],
        ),
        // A backslash and the letter n are no line end.
        (
            vec![docker("a\\\\n", "stdout"), docker("b\\n", "stdout")],
            vec!["·".to_owned(), docker("a\\\\nb\\n", "stdout")],
        ),
        // The last piece never came.
        (vec![docker("a\\n", "stdout"), docker("b", "stdout")], vec![docker("a\\n", "stdout"), docker("b", "stdout")]),
        (
            vec![cri("stdout", "P a "), cri("stderr", "F x"), cri("stdout", "P b"), cri("stdout", "F ")],
            vec!["·".to_owned(), cri("stderr", "F x"), "·".to_owned(), cri("stdout", "F a b")],
        ),
        (vec![cri("stdout", "P a"), cri("stderr", "P b")], vec![cri("stdout", "P a"), cri("stderr", "P b")]),
    ] {
        let text = format!("{}\n", input.join("\n"));
        for step in (1..200).chain([1 << 20]) {
            assert_eq!(lines(text.as_bytes(), step).as_ref(), Some(&expect), "{step} {text}");
        }
    }
    // Where a collector cut all line ends off, nothing is a piece.
    let text = format!("{}\n{}\n", docker("a", "stdout"), docker("b", "stdout"));
    let all = vec![docker("a", "stdout"), docker("b", "stdout")];
    assert_eq!(lines(text.as_bytes(), 1 << 20), Some(all));
}
