//! Columns of all forms.

use super::*;
use crate::log::layout::date_formats;

fn levels_of(lines: &[&str]) -> Vec<String> {
    let samples: Vec<Sample<'_>> = lines
        .iter()
        .map(|line| {
            let stamp = (0..line.len()).find_map(|at| Some(at..at + date_formats::any(&line.as_bytes()[at..])?.1.len));
            (line.as_bytes(), stamp)
        })
        .collect();
    let columns = learn(&samples);
    for column in &columns {
        assert_eq!(Column::from_name(&column.name()), Some(*column));
    }
    let read = |(line, stamp): &Sample<'_>| columns.iter().find_map(|column| column.read(line, stamp.as_ref()));
    samples.iter().map(|sample| read(sample).map_or("-", |found| found.level.word()).to_owned()).collect()
}

#[test]
fn columns_of_all_forms_are_found() {
    for (lines, expect) in [
        (
            &[
                "2025-03-03 08:00:00 info gate up",
                "2025-03-03 08:00:01 warning gate slow",
                "2025-03-03 08:00:02 error gate down",
            ][..],
            "info warning error",
        ),
        (&["2025-03-03 08:00:00 info up", "2025-03-03 08:00:01 error down"], "info error"),
        (&["2025-03-03 08:00:00, Info    CBS  up", "2025-03-03 08:00:01, Error   CBS  down"], "info error"),
        (&["2025-03-03 08:00:00.1 I | main: up", "2025-03-03 08:00:01.1 E | main: down"], "info error"),
        (
            &["[2025-03-03 08:00:00 +0000] information/Conn: up", "[2025-03-03 08:00:01 +0000] critical/Conn: lost"],
            "info critical",
        ),
        (&["Mar  3 08:00:00 gw user.notice app: up", "Mar  3 08:00:01 gw daemon.err agent: down"], "notice error"),
        (&["INFO  [main] 2025-03-03 08:00:00,1 a - up", "ERROR [main] 2025-03-03 08:00:01,1 a - down"], "info error"),
        (&["[77] 2025/03/03 08:00:00 [INF] up", "[77] 2025/03/03 08:00:01 [ERR] down"], "info error"),
        (&["250303 080000 148 INFO dfs: up", "250303 080001 148 ERROR dfs: down"], "info error"),
        (&["[08:10:00 INF] up", "[08:10:01 ERR] down"], "info error"),
        (&["2025-03-03 08:00:00 In(14) vob: up", "2025-03-03 08:00:01 Er(11) vob: down"], "info error"),
        (&["08:00:00 app level=info up", "08:00:00 app level=error down"], "info error"),
        (
            &["3 Mar 2025 08:00:00.1 * up", "3 Mar 2025 08:00:00.2 - x", "3 Mar 2025 08:00:01.1 # slow"],
            "notice info warning",
        ),
        (&["2025-03-03 08:00:00Z broker.info[0]: up", "2025-03-03 08:00:01Z broker.err[0]: down"], "info error"),
        (
            &["[3/3/25 8:00:00:1 UTC] 1a App A WSVR0221I: up", "[3/3/25 8:00:01:1 UTC] 1a App E WSVR0221E: down"],
            "notice error",
        ),
        (
            &["Mar 03 2025 08:00:00 R1 %%01IF/6/UP(l)[1]:up", "Mar 03 2025 08:00:01 R1 %%01IF/3/DOWN(l)[2]:x"],
            "info error",
        ),
        (&["2025-03-03 08:00:00.1 12 [I:App] up", "2025-03-03 08:00:01.1 12 [E:App] down"], "info error"),
        (&["I (1030) wifi: up", "I (1031) wifi: x", "E (1032) wifi: down"], "info info error"),
        (
            &["Mar  3 08:00:00 fw pri=134 up", "Mar  3 08:00:01 fw pri=134 up", "Mar  3 08:00:02 fw pri=131 x"],
            "info info error",
        ),
        (
            &["2025-03-03 08:00:00 app <6> up", "2025-03-03 08:00:01 app <5> up", "2025-03-03 08:00:02 app <3>x"],
            "info notice error",
        ),
        // Of a queue, perhaps: nothing shows that numbers count down to the worst.
        (&["2025-03-03 08:00:00 job pri=1 queued", "2025-03-03 08:00:01 job pri=5 queued"], "- -"),
        (
            &[
                "2025-03-03 08:00:00 HOST ALERT: a;OK",
                "2025-03-03 08:00:01 HOST ALERT: b;OK",
                "2025-03-03 08:00:02 X: c",
            ],
            "- - -",
        ),
        (
            &["2025-03-03 08:00:00,a,low,up", "2025-03-03 08:00:01,a,critical,x", "2025-03-03 08:00:02,a,high,x"],
            "info critical error",
        ),
        (
            &[
                "2025-03-03 08:00:00 INFO tide",
                "2025-03-03 08:00:01 high tide",
                "2025-03-03 08:00:02 INFO tide",
                "2025-03-03 08:00:03 WARN tide",
                "2025-03-03 08:00:04 INFO tide",
                "2025-03-03 08:00:05 INFO tide",
            ],
            "info - info warning info info",
        ),
        (&["[h:a.b:Info:12] 2025-03-03 08:00:00 up", "[h:a.b:Error:7] 2025-03-03 08:00:01 down"], "info error"),
        (&["[a.errors:12] 2025-03-03 08:00:00 up", "[a.errors:7] 2025-03-03 08:00:01 down"], "- -"),
        (&["30 verbose cli", "31 info using", "32 verbose a", "33 error code"], "trace info trace error"),
        (&["3 info desks", "4 error pages", "we sell both"], "- - -"),
        (&["2025-03-03 08:00:00;0001;mom;Svr;a", "2025-03-03 08:00:01;0001;mom;Svr;b"], "- -"),
        (&["2025-03-03 08:00:00 error rate is 0.1%"], "-"),
        (&["2025-03-03 08:00:00 the error was found", "2025-03-03 08:00:01 no error so far"], "- -"),
    ] {
        assert_eq!(levels_of(lines).join(" "), expect, "{lines:#?}");
    }
}
