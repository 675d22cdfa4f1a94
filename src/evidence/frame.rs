//! One frame of a stack trace that stands alone, as in logs that make a record of each line.

use super::classify;

/// Whether a line is unmistakably a frame: without its neighbours prose that names a place must not pass for one.
pub(super) fn is_alone(line: &str) -> bool {
    if !classify::is_frame(line) {
        return false;
    }
    let line = line.trim();
    if let Some(place) = line.strip_prefix("File \"") {
        let number = place.split_once("\", line ").map_or("", |(_, rest)| rest);
        let end = number.trim_start_matches(|c: char| c.is_ascii_digit());
        return end.len() < number.len() && (end.is_empty() || end.starts_with(", in "));
    }
    if line.contains(":in `") || line.contains(":in '") {
        let uncaught = line.ends_with(')') && line.contains("': ");
        return line.starts_with("from ")
            || (uncaught && !line.split(":in ").next().is_some_and(|at| at.contains(' ')));
    }
    line.starts_with("at ") || line.contains(".go:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_from_prose() {
        for (line, expect) in [
            ("    at Object.<anonymous> (/app/index.js:3:7)", true),
            ("    at new Feed (/app/index.js:3:7)", true),
            ("    at /app/index.js:3:7", true),
            ("    at main (a.js:1:2)", true),
            ("   at A.B.F()", true),
            ("   at A.B.F(String name, Int32 n) in /src/C.cs:line 12", true),
            ("\tat a.B.c(D.java:1)", true),
            ("  File \"x.py\", line 3, in f", true),
            ("app.rb:3:in `foo': boom (RuntimeError)", true),
            ("app.rb:3:in 'Integer#/': divided by 0 (ZeroDivisionError)", true),
            ("\tfrom app.rb:9:in 'Object#run'", true),
            ("\t/app/main.go:12 +0x1d", true),
            ("    at the gate (north)", false),
            ("    at noon (local)", false),
            ("at A.B.F()", false),
            ("File \"feed.yaml\", line 3: unknown key", false),
            ("called from app.rb:3:in `foo'", false),
            ("Caused by: the operator", false),
            ("", false),
        ] {
            assert_eq!(is_alone(line), expect, "{line}");
        }
    }
}
