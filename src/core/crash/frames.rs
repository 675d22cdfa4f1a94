//! How stack traces look in the languages: their heads and their frames.

/// Whether a text holds frames of a stack trace.
pub(crate) fn is_stack_trace(text: &str) -> bool {
    if text.contains('\n') {
        text.lines().any(is_frame)
    } else {
        // Each frame may be a record of its own, where lines are wrapped one by one.
        is_indented(text) && is_alone(text)
    }
}

/// Whether a line is one frame of a stack trace, in the style of any of the languages.
pub fn is_frame(line: &str) -> bool {
    let indented = is_indented(line);
    if indented && (is_call(line.trim()) || is_go_frame(line)) {
        return true;
    }
    let line = line.trim();
    if let Some(place) = line.strip_prefix("File \"") {
        return place.contains("\", line ");
    }
    // Ruby: `a.rb:1:in 'f': boom (E)` and `from a.rb:1:in 'f'`.
    if line.contains(":in ")
        && let Some((place, _)) = line.split_once(":in `").or_else(|| line.split_once(":in '"))
    {
        return place.rsplit(':').next().is_some_and(is_digits);
    }
    // Java again: `Caused by: a.b.FooException: boom` and `... 7 more`.
    let cause = line.strip_prefix("Caused by: ").and_then(|rest| rest.split([':', ' ']).next());
    let left_out = line.strip_prefix("... ").and_then(|rest| rest.strip_suffix(" more"));
    cause.is_some_and(|name| name.contains('.') || name.ends_with("Exception") || name.ends_with("Error"))
        || indented && left_out.is_some_and(is_digits)
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Java `at a.B.c(D.java:1)`, Node `at f (/a.js:1:2)` and `at /a.js:1:2`, .NET `at A.B() in c.cs:line 1`; and no prose
/// such as `at the gate (north)` or `at 10:30:15`.
fn is_call(line: &str) -> bool {
    let Some(place) = line.strip_prefix("at ") else { return false };
    let called = place
        .split_once('(')
        .is_some_and(|(name, rest)| name.contains('.') && !name.contains(char::is_whitespace) && rest.contains(')'));
    called || place.contains(":line ") || ends_with_position(place.trim_end_matches(')'))
}

/// `\t/app/main.go:12 +0x1d`
fn is_go_frame(line: &str) -> bool {
    is_indented(line)
        && line.split_once(".go:").is_some_and(|(path, place)| {
            !path.trim_start().contains(' ') && place.starts_with(|c: char| c.is_ascii_digit())
        })
}

/// `/a.js:1:2`, but not a time of day.
fn ends_with_position(text: &str) -> bool {
    let mut parts = text.rsplitn(3, ':');
    let mut digits = || parts.next().is_some_and(is_digits);
    if !(digits() && digits()) {
        return false;
    }
    let file = parts.next().and_then(|path| path.rsplit([' ', '(']).next());
    file.is_some_and(|file| file.contains(|c: char| c.is_alphabetic()))
}

/// Whether a line is unmistakably a frame: without its neighbours prose that names a place must not pass for one.
pub(crate) fn is_alone(line: &str) -> bool {
    if !is_frame(line) {
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
            ("\tat a.B.c(D.java:1)", true),
            ("\tat a.B.c(D.java:1) ~[app.jar:1.0]", true),
            ("    at run (/app/index.js:3:9)", true),
            ("    at async file:///app/index.js:3:9", true),
            ("   at Acme.Feed.Read(String a, Int32 b) in /src/Feed.cs:line 12", true),
            ("\t/app/main.go:12 +0x1d", true),
            ("  File \"a.py\", line 1, in f", true),
            ("\tfrom feed.rb:20:in `<main>'", true),
            ("Caused by: java.io.IOException: x", true),
            ("\t... 7 more", true),
            ("at a.B.c(D.java:1)", false),
            ("  at the gate (north)", false),
            ("  at 10:30:15", false),
            ("  at noon 10:30:15", false),
            ("  see main.go:12", false),
            ("  - main.py", false),
            ("Caused by: the operator", false),
            ("... 7 more", false),
        ] {
            assert_eq!(is_frame(line), expect, "{line}");
        }
    }

    #[test]
    fn a_frame_that_stands_alone_must_be_unmistakable() {
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
