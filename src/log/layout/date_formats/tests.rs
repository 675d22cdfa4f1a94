//! Dates of all programs.

use super::*;

fn show(text: &str) -> Option<(&'static str, String)> {
    let (shape, parsed) = any(text.as_bytes())?;
    let name = SHAPES.iter().find(|row| row.shape == shape)?.name;
    let at = parsed.at(Order::Dmy, Stamp::parse("2025-06-01"));
    Some((name, format!("{} {}", at.map_or("-".to_owned(), |at| at.to_string()), &text[parsed.len..])))
}

#[test]
fn dates_of_all_programs_are_read() {
    for (text, name, expect) in [
        ("2025-03-03T08:00:00.123Z up", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00.123000+00:00  up"),
        ("2025/03/03 08:00:00 INF", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00+00:00  INF"),
        ("2025-03-03 08:00:00.5 +0100 x", "YYYY-MM-DD hh:mm:ss", "2025-03-03T07:00:00.500000+00:00  x"),
        ("2025-03-03 08:00:00 UTC [1]", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00+00:00  [1]"),
        ("2025-03-03\" \"08:00:00\"", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00+00:00 \""),
        ("2025-03-03 08:00:00:123 x", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00.123000+00:00  x"),
        ("2025-03-03 08:00:00 INFO", "YYYY-MM-DD hh:mm:ss", "2025-03-03T08:00:00+00:00  INFO"),
        ("2025-062T08:00:00 x", "YYYY-DDDThh:mm:ss", "2025-03-03T08:00:00+00:00  x"),
        ("2025-03-03-08.00.00.123456+060 x", "YYYY-MM-DD-hh.mm.ss", "2025-03-03T07:00:00.123456+00:00  x"),
        ("20250303-8:0:0:7|x", "", ""),
        ("20250303-08:00:00:007|x", "YYYYMMDD hh:mm:ss", "2025-03-03T08:00:00.007000+00:00 |x"),
        ("20250303T080000.123 x", "YYYYMMDDhhmmss", "2025-03-03T08:00:00.123000+00:00  x"),
        ("03-Mar-2025 08:00:00.123 INFO", "DD Mon YYYY hh:mm:ss", "2025-03-03T08:00:00.123000+00:00  INFO"),
        ("03/Mar/2025:08:00:00 +0000] x", "DD Mon YYYY hh:mm:ss", "2025-03-03T08:00:00+00:00 ] x"),
        ("Mon, 03 Mar 2025 08:00:00 GMT x", "DD Mon YYYY hh:mm:ss", "2025-03-03T08:00:00+00:00  x"),
        ("2025 Mar  3 08:00:00.1 x", "YYYY Mon DD hh:mm:ss", "2025-03-03T08:00:00.100000+00:00  x"),
        ("Mar-03-25 08:00:00 x", "Mon-DD-YY hh:mm:ss", "2025-03-03T08:00:00+00:00  x"),
        ("Mar 03, 2025 8:10:40 PM a.B", "Mon DD, YYYY hh:mm:ss", "2025-03-03T20:10:40+00:00  a.B"),
        ("Mon Mar  3 08:00:00 2025 x", "Mon DD hh:mm:ss YYYY", "2025-03-03T08:00:00+00:00  x"),
        ("Mon Mar  3 08:00:00 CET 2025 x", "Mon DD hh:mm:ss YYYY", "2025-03-03T08:00:00+00:00  x"),
        ("3/4/2025 8:10:40 AM x", "N/N/N hh:mm:ss", "2025-04-03T08:10:40+00:00  x"),
        ("04.03.2025 08:10:40 x", "N/N/N hh:mm:ss", "2025-03-04T08:10:40+00:00  x"),
        ("250303  8:00:00 x", "YYMMDD hh:mm:ss", "2025-03-03T08:00:00+00:00  x"),
        ("250303 080000 148 INFO", "YYMMDD hhmmss", "2025-03-03T08:00:00+00:00  148 INFO"),
        ("2025-03-03 08:00 x", "YYYY-MM-DD hh:mm", "2025-03-03T08:00:00+00:00  x"),
        ("Mar  3 08:00:00 gw x", "Mon DD hh:mm:ss", "2025-03-03T08:00:00+00:00  gw x"),
        ("3 Mar 08:00:00.123 * x", "DD Mon hh:mm:ss", "2025-03-03T08:00:00.123000+00:00  * x"),
        ("E0303 08:00:00.123456 1 x", "LMMDD hh:mm:ss", "2025-03-03T08:00:00.123456+00:00  1 x"),
        ("03-03 08:00:00.123 1 x", "MM-DD hh:mm:ss", "2025-03-03T08:00:00.123000+00:00  1 x"),
        ("1740988800.123 x", "epoch", "2025-03-03T08:00:00.123000+00:00  x"),
        ("@4000000067c5608a075bcd15 x", "TAI64N", "2025-03-03T07:55:44.123456+00:00  x"),
        ("08:00:00.1 x", "hh:mm:ss", "-  x"),
        ("8:10AM x", "hh:mm:ss", "-  x"),
        ("1740988800x", "", ""),
        ("12/34/5678 x", "", ""),
        ("2025-13-03 08:00:00", "", ""),
        ("10:20 x", "", ""),
    ] {
        let expect = (!name.is_empty()).then(|| (name, expect.to_owned()));
        assert_eq!(show(text), expect, "{text}");
    }
}
