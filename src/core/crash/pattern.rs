//! The small language of the rows: how the words of a [`super::markers::Rule`] become one search for all of them.
//!
//! | in a row | stands for |
//! |---|---|
//! | `abc`, `ABC` | a lower-case letter stands for both cases, an upper-case letter only for itself |
//! | a blank | one or more blanks |
//! | `#`, `*`, `…` | a number; a word without blanks; up to 80 characters of the same line |
//! | `(a\|b)`, `?`, `+`, `[a-z]`, `\d`, `\S` | as in regular expressions |
//! | `^`, `$` | the start of a line, perhaps behind tags such as `app[12]: `; its end |
//! | `<Exception>`, `<exception>`, `<hex>` | the name of a type that ends so or in `Error`; only so; `0x…` |
//! | `<signal>`, `<code>` | a signal that ends a process and is not asked for, by name or number; an exit code that tells of one |
//! | `\` before punctuation | the character as it is |

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::markers::Rule;

const EXCEPTION: &str = r"(?:[A-Za-z_$][\w$]*(?:\.|::|\\))*[A-Z][\w$]*(?:Exception|Error)\b";
const EXCEPTION_ONLY: &str = r"(?:[A-Za-z_$][\w$]*(?:\.|::|\\))*[A-Za-z_$][\w$]*Exception\b";
const SIGNAL: &str = r"(?:(?:SIG)?(?:SEGV|ABRT|BUS|ILL|FPE|KILL|TRAP|SYS|XCPU|XFSZ)|-?(?:4|5|6|7|8|9|11|24|25|31))(?:[^.\w]|\.(?:\D|$)|(?m:$))";
const CODE: &str =
    r"(?:13[2-9]|159|-(?:4|5|6|7|8|9|11|31)|0[xX][cC]0[0-9a-fA-F]{6}|32212\d{5}|-10737\d{5}|0[xX]80131623)\b";
/// What may be before the first word of a message: `app: `, `kernel[0]: `, `[  12.3] `, `<6>`.
const START: &str = r"(?m:^)(?:[\w./@-]+(?:\[\w+\]| \(\w+\))?: +|\[[^\]\n]{0,60}\]:? ?|<\d>)*[ \t]*";

/// Which letters a regular expression knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// Both cases, where a row says so.
    AsSaid,
    /// Lower case alone, for texts that have no other: a letter of either case takes many times as long to prepare.
    Lower,
}

/// The regular expression of a row: words begin and end where words do, and not inside a flag, a path or a name such as
/// `-fno-exceptions`, `/crash`, `on_panic`.
fn regex_of(says: &str, letters: Letters) -> String {
    let mut out = String::from("(?:");
    for (number, says) in alternatives(says).into_iter().enumerate() {
        if number > 0 {
            out.push('|');
        }
        if says.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '(' | '<' | '*' | '#')) {
            out.push_str(r"(?:^|[^\w/.-])");
        }
        translate(&mut out, says, letters);
        let last = says.strip_suffix(')').unwrap_or(says);
        // These two end by themselves.
        let ended = says.contains("<signal>") || says.contains("<code>");
        if !ended && last.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            out.push_str(r"\b");
        }
    }
    out.push(')');
    match letters {
        Letters::AsSaid => out,
        Letters::Lower => lower(&out),
    }
}

/// A regular expression with its letters in lower case, but for those that name classes (`\S`).
fn lower(regex: &str) -> String {
    let mut escaped = false;
    let lower = |c: char| {
        let kept = escaped;
        escaped = c == '\\' && !kept;
        if kept { c } else { c.to_ascii_lowercase() }
    };
    regex.chars().map(lower).collect()
}

/// The parts of a row between the `|` that are in no group.
pub(super) fn alternatives(says: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    let (mut escaped, mut class) = (false, false);
    for (at, c) in says.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if class => class = c != ']',
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(&says[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&says[start..]);
    parts
}

fn translate(out: &mut String, says: &str, letters: Letters) {
    let mut rest = says;
    while let Some(c) = rest.chars().next() {
        let names = [
            ("<Exception>", EXCEPTION),
            ("<exception>", EXCEPTION_ONLY),
            ("<hex>", "0x[0-9a-fA-F]+"),
            ("<signal>", SIGNAL),
            ("<code>", CODE),
        ];
        if let Some((name, regex)) = names.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(regex);
            rest = &rest[name.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            'a'..='z' if letters == Letters::AsSaid => out.extend(['[', c, c.to_ascii_uppercase(), ']']),
            ' ' => out.push_str(r"(?:[ \t]+)"),
            '#' => out.push_str(r"\d+"),
            '*' => out.push_str(r"\S+"),
            '…' => out.push_str(r"[^\n]{0,80}?"),
            '(' => out.push_str("(?:"),
            ')' | '|' | '?' | '+' => out.push(c),
            '[' => {
                // No row is on more than one line.
                let (not, class) = rest.strip_prefix('^').map_or(("", rest), |class| ("^\\n", class));
                let end = class.find(']').map_or(class.len(), |end| end + 1);
                out.extend(["[", not, &class[..end]]);
                rest = &class[end..];
            }
            '^' => out.push_str(START),
            '$' => out.push_str(r"[ \t\r]*(?m:$)"),
            '\\' => {
                let literal = rest.chars().next().unwrap_or('\\');
                rest = &rest[literal.len_utf8().min(rest.len())..];
                match literal {
                    'b' | 'd' | 's' | 'S' | 'w' | 't' => out.extend(['\\', literal]),
                    literal => push_literal(out, literal),
                }
            }
            c => push_literal(out, c),
        }
    }
}

fn push_literal(out: &mut String, c: char) {
    if matches!(c, '.' | '{' | '}' | '(' | ')' | '[' | ']' | '|' | '*' | '+' | '?' | '^' | '$' | '\\' | '#') {
        out.push('\\');
    }
    out.push(c);
}

/// Bytes: words of the rows are ASCII, and classes of all of Unicode would cost much.
fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

fn compile(pattern: &str) -> Regex {
    let built = Regex::builder().configure(Regex::config().utf8_empty(false)).syntax(syntax()).build(pattern);
    built.unwrap_or_else(|error| unreachable!("the rows are tested: {error}: {pattern}"))
}

type Words = Vec<Vec<u8>>;

/// A part of a regular expression is written out in at most so many ways.
const WAYS: usize = 16;

/// What a regular expression says of the texts that it matches.
struct Said {
    /// All of them, where they are few.
    whole: Option<Words>,
    /// Words of which each holds one; none if it may match without any.
    needed: Option<Words>,
}

/// How rare words are: as rare as the shortest of them is long.
fn rarity(words: &Words) -> usize {
    words.iter().map(Vec::len).min().unwrap_or_default()
}

impl Said {
    fn by(hir: &Hir) -> Self {
        let whole = match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
            HirKind::Literal(literal) => vec![literal.0.to_vec()],
            HirKind::Class(_) => return Self { whole: None, needed: None },
            HirKind::Capture(capture) => return Self::by(&capture.sub),
            HirKind::Repetition(repeated) => {
                let mut sub = Self::by(&repeated.sub);
                if (repeated.min, repeated.max) == (0, Some(1)) {
                    sub.whole.as_mut().into_iter().for_each(|whole| whole.push(Vec::new()));
                    return Self { needed: None, ..sub };
                }
                return Self { whole: None, needed: sub.needed.filter(|_| repeated.min > 0) };
            }
            HirKind::Alternation(parts) => {
                let parts: Vec<Self> = parts.iter().map(Self::by).collect();
                let whole: Option<Vec<_>> = parts.iter().map(|part| part.whole.clone()).collect();
                let needed: Option<Vec<_>> = parts.into_iter().map(|part| part.needed).collect();
                let whole = whole.map(|ways| ways.concat()).filter(|ways| ways.len() <= WAYS);
                return Self { whole, needed: needed.map(|words| words.concat()) };
            }
            HirKind::Concat(parts) => return Self::in_order(parts),
        };
        Self { needed: Some(whole.clone()).filter(|words| rarity(words) > 0), whole: Some(whole) }
    }

    /// One part behind the other: what is written out side by side makes longer words.
    fn in_order(parts: &[Hir]) -> Self {
        let (mut best, mut run): (Words, Words) = (Vec::new(), vec![Vec::new()]);
        let mut cut = false;
        for part in parts.iter().map(Self::by) {
            match part.whole.filter(|whole| whole.len() * run.len() <= WAYS) {
                Some(whole) => {
                    let joined =
                        |start: &Vec<u8>| whole.iter().map(|end| [&start[..], end].concat()).collect::<Vec<_>>();
                    run = run.iter().flat_map(joined).collect();
                }
                None => {
                    let run = std::mem::replace(&mut run, vec![Vec::new()]);
                    best = [Some(best), Some(run), part.needed]
                        .into_iter()
                        .flatten()
                        .max_by_key(rarity)
                        .unwrap_or_default();
                    cut = true;
                }
            }
        }
        let whole = (!cut).then(|| run.clone());
        let best = if rarity(&run) > rarity(&best) { run } else { best };
        Self { whole, needed: Some(best).filter(|words| rarity(words) > 0) }
    }
}

/// All rows. Which of them a text may match is told by their words, all of which are looked for at once; one automaton
/// of all rows is never made, because a text that says something new would add a state to it with each of its letters.
pub(super) struct Search {
    rules: &'static [&'static [Rule]],
    words: AhoCorasick,
    /// The row of each word.
    rows: Vec<usize>,
    /// Each row by itself, to see where it is.
    each: Vec<OnceLock<Regex>>,
    /// Whether what each row says is on one line.
    on_one_line: Vec<bool>,
}

/// A row that a text may match.
pub(super) struct Candidate {
    row: usize,
    pub(super) rule: &'static Rule,
    /// The lines on which it can be, where it is on one line; none if all of the text is to be searched.
    lines: Option<Vec<Range<usize>>>,
}

impl Candidate {
    /// A row that may be anywhere in a text.
    #[cfg(test)]
    pub(super) fn anywhere(row: usize, rule: &'static Rule) -> Self {
        Self { row, rule, lines: None }
    }

    /// The number of the row.
    #[cfg(test)]
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// Whether it is looked for on some lines alone.
    #[cfg(test)]
    pub(super) fn is_on_lines(&self) -> bool {
        self.lines.is_some()
    }
}

/// Whether a match can hold a line end elsewhere than at its very `first` or `last` place.
fn spans_lines(hir: &Hir, first: bool, last: bool) -> bool {
    let inner = !(first || last);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n') && (inner || literal.0.len() > 1),
        HirKind::Class(Class::Bytes(class)) => {
            inner && class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Class(Class::Unicode(class)) => {
            inner && class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Repetition(repeated) => {
            let once = repeated.max == Some(1);
            spans_lines(&repeated.sub, first && once, last && once)
        }
        HirKind::Capture(capture) => spans_lines(&capture.sub, first, last),
        HirKind::Alternation(parts) => parts.iter().any(|part| spans_lines(part, first, last)),
        HirKind::Concat(parts) => {
            let end = parts.len() - 1;
            let part = |(at, part): (usize, &Hir)| spans_lines(part, first && at == 0, last && at == end);
            parts.iter().enumerate().any(part)
        }
    }
}

impl Search {
    pub(super) fn new(rules: &'static [&'static [Rule]]) -> Self {
        let says = || rules.iter().copied().flatten().map(|rule| rule.says);
        let (mut words, mut rows, mut on_one_line) = (Vec::new(), Vec::new(), Vec::new());
        for (row, says) in says().enumerate() {
            let regex = regex_of(says, Letters::Lower);
            let hir = syntax::parse_with(&regex, &syntax());
            let hir = hir.unwrap_or_else(|error| unreachable!("the rows are tested: {error}: {regex}"));
            on_one_line.push(!spans_lines(&hir, true, true));
            // Every text holds the empty word.
            let mut needed = Said::by(&hir).needed.unwrap_or_else(|| vec![Vec::new()]);
            needed.sort();
            needed.dedup();
            rows.extend(needed.iter().map(|_| row));
            words.extend(needed);
        }
        let words = AhoCorasick::new(words).unwrap_or_else(|error| unreachable!("a few words always fit: {error}"));
        Self { rules, words, rows, each: says().map(|_| OnceLock::new()).collect(), on_one_line }
    }

    /// The rows that a text may match.
    pub(super) fn candidates(&self, text: &str) -> Vec<Candidate> {
        let several = memchr::memchr(b'\n', text.as_bytes()).is_some();
        let mut found = vec![false; self.each.len()];
        let mut lines: Vec<(usize, Range<usize>)> = Vec::new();
        for word in self.words.find_overlapping_iter(&text.to_ascii_lowercase()) {
            let row = self.rows[word.pattern().as_usize()];
            found[row] = true;
            // In a long text, searching all of it for each row takes many times as long.
            if several && self.on_one_line[row] {
                let last = lines.iter().rev().find(|(other, _)| *other == row);
                if last.is_none_or(|(_, line)| line.end < word.end()) {
                    lines.push((row, line_around(text.as_bytes(), word.start()..word.end())));
                }
            }
        }
        let of = |row: usize| lines.iter().filter(|(other, _)| *other == row).map(|(_, line)| line.clone()).collect();
        let rules = self.rules.iter().copied().flatten().enumerate().filter(|(row, _)| found[*row]);
        rules
            .map(|(row, rule)| Candidate { row, rule, lines: (several && self.on_one_line[row]).then(|| of(row)) })
            .collect()
    }

    /// Where one of the rows is in a text, if anywhere.
    pub(super) fn places<'t>(
        &self,
        candidate: &Candidate,
        text: &'t str,
    ) -> impl Iterator<Item = (usize, usize)> + use<'t, '_> {
        let says = candidate.rule.says;
        let regex = self.each[candidate.row].get_or_init(|| compile(&regex_of(says, Letters::AsSaid)));
        let all = candidate.lines.is_none().then_some(0..text.len());
        let lines = candidate.lines.clone().into_iter().flatten().chain(all);
        let found = lines.flat_map(move |line| regex.find_iter(Input::new(text).span(line)));
        found.map(|found| whole(text, found.start(), found.end()))
    }
}

/// The line that holds a part of a text, with the line ends before and behind it.
fn line_around(text: &[u8], part: Range<usize>) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[..part.start]).unwrap_or(0);
    let end = memchr::memchr(b'\n', &text[part.end..]).map_or(text.len(), |at| part.end + at + 1);
    start..end
}

/// A part of a text with the whole of the characters at its ends: the patterns know bytes alone.
fn whole(text: &str, start: usize, end: usize) -> (usize, usize) {
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = (end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    (start, end)
}
