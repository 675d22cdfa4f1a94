//! The column in which lines state their level: how it is found, and how it is read.

use std::ops::Range;

use super::level_words::{self, Sure};
use super::tokens;
use crate::log::level::Level;

/// How many fields before a stamp and behind it may hold the level.
const BEFORE: usize = 4;
const BEHIND: usize = 10;
/// More different values than this are no column of levels.
const VALUES: usize = 12;
/// How many fields are looked through for a pair.
const PAIRED: usize = 24;

/// Where a level stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// `<n>` at the start of the line.
    Pri,
    /// The letter that a stamp starts with.
    Glued,
    /// This field before the stamp, from the left.
    Before(u8),
    /// This field behind the stamp; of lines without a stamp, from the start.
    Behind(u8),
    /// The value of a pair, wherever it is.
    Pair,
}

/// Which part of a field states the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// All of it but the marks around it.
    Word,
    /// What is before the first `/`, `:`, `(`, `[` or `!`.
    Head,
    /// What is behind the last `.`, `/` or `:`.
    Tail,
    /// The first word in brackets.
    First,
    /// The last word in brackets.
    Last,
    /// A capital letter.
    Letter,
    /// A mark.
    Symbol,
}

/// A column of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) place: Place,
    pub(crate) view: View,
    /// Only what is marked as a level counts: in brackets, before a colon or a bar, in capitals.
    pub(crate) marked: bool,
}

/// A level as it stands in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) level: Level,
    pub(crate) marked: bool,
    /// Whether the word is one for levels alone, or looks like one.
    certain: bool,
    bracketed: bool,
}

impl Column {
    /// Reads the level of a line whose stamp, if there is one, is at `stamp`.
    pub(crate) fn read(&self, line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
        let found = match self.place {
            Place::Pri => pri(line),
            Place::Glued => glued(line, stamp?),
            Place::Pair => pair(line, behind(line, stamp)),
            Place::Before(number) => {
                let text = &line[..before(line, stamp?)];
                let token = tokens::of(text).nth(usize::from(number))?;
                view(line, token, number == 0, self.view)
            }
            Place::Behind(number) => {
                let start = behind(line, stamp);
                let token = tokens::of(&line[start..]).nth(usize::from(number))?;
                view(line, token.start + start..token.end + start, false, self.view)
            }
        }?;
        (found.marked || !self.marked).then_some(found)
    }

    /// Its name in reports and policies: `behind-0:head`.
    pub(crate) fn name(&self) -> String {
        let place = match self.place {
            Place::Pri => "pri".to_owned(),
            Place::Glued => "glued".to_owned(),
            Place::Pair => "pair".to_owned(),
            Place::Before(number) => format!("before-{number}"),
            Place::Behind(number) => format!("behind-{number}"),
        };
        let view = match self.view {
            View::Word => "",
            View::Head => ":head",
            View::Tail => ":tail",
            View::First => ":first",
            View::Last => ":last",
            View::Letter => ":letter",
            View::Symbol => ":symbol",
        };
        format!("{place}{view}{}", if self.marked { ":marked" } else { "" })
    }

    /// Reads what [`Self::name`] writes.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.split(':');
        let place = parts.next()?;
        let number = |text: &str| text.parse::<u8>().ok().filter(|number| *number < 20);
        let place = match place {
            "pri" => Place::Pri,
            "glued" => Place::Glued,
            "pair" => Place::Pair,
            _ => match place.split_once('-')? {
                ("before", n) => Place::Before(number(n)?),
                ("behind", n) => Place::Behind(number(n)?),
                _ => return None,
            },
        };
        let mut column = Self { place, view: View::Word, marked: false };
        for part in parts {
            match part {
                "head" => column.view = View::Head,
                "tail" => column.view = View::Tail,
                "first" => column.view = View::First,
                "last" => column.view = View::Last,
                "letter" => column.view = View::Letter,
                "symbol" => column.view = View::Symbol,
                "marked" => column.marked = true,
                _ => return None,
            }
        }
        Some(column)
    }
}

/// Where the fields before a stamp end: its bracket does not belong to them.
fn before(line: &[u8], stamp: &Range<usize>) -> usize {
    let text = line[..stamp.start].trim_ascii_end();
    text.len() - text.iter().rev().take_while(|b| b"[({<\"'".contains(b)).count()
}

/// Where the fields behind a stamp start.
pub(crate) fn behind(line: &[u8], stamp: Option<&Range<usize>>) -> usize {
    let Some(stamp) = stamp else { return 0 };
    stamp.end + line[stamp.end..].iter().take_while(|b| b"])}>\"'".contains(b)).count()
}

fn pri(line: &[u8]) -> Option<Found> {
    let digits = line.strip_prefix(b"<")?.iter().take_while(|b| b.is_ascii_digit()).count();
    (line.get(digits + 1) == Some(&b'>')).then_some(())?;
    let number = crate::log::timestamp::number(&line[1..=digits]).filter(|number| *number < 192)?;
    let level = Level::from_syslog(f64::from(number & 7));
    Some(Found { range: 1..digits + 1, level, marked: true, certain: true, bracketed: true })
}

fn glued(line: &[u8], stamp: &Range<usize>) -> Option<Found> {
    let level = level_words::letter(*line.get(stamp.start)?)?;
    Some(Found { range: stamp.start..stamp.start + 1, level, marked: true, certain: true, bracketed: false })
}

/// `level=error`, `severity="WARN"`, also behind a colon.
fn pair(line: &[u8], start: usize) -> Option<Found> {
    tokens::of(&line[start..]).take(PAIRED).find_map(|token| {
        let token = token.start + start..token.end + start;
        let bytes = &line[token.clone()];
        let equals = bytes.iter().position(|b| matches!(b, b'=' | b':'))?;
        let key = &bytes[bytes.iter().take_while(|b| b"[({\"".contains(b)).count().min(equals)..equals];
        let key = key.strip_suffix(b"\"").unwrap_or(key);
        level_words::PAIRS.iter().any(|known| key.eq_ignore_ascii_case(known.as_bytes())).then_some(())?;
        let value = tokens::bare(line, token.start + equals + 1..token.end);
        let level = level_of(&line[value.clone()])?;
        Some(Found { range: value, level, marked: true, certain: true, bracketed: false })
    })
}

/// The level of a word or a letter.
fn level_of(text: &[u8]) -> Option<Level> {
    match text {
        [letter] => level_words::letter(*letter),
        text => level_words::stepped(text).map(|(level, _)| level),
    }
}

/// Reads one view of a field. `front` says that it is the first of the line, before a stamp.
fn view(line: &[u8], token: Range<usize>, front: bool, view: View) -> Option<Found> {
    let bare = tokens::bare(line, token.clone());
    let bare_start = bare.start;
    let range = match view {
        View::Symbol => {
            let level = (token.len() == 1).then(|| level_words::symbol(line[token.start]))??;
            return Some(Found { range: token, level, marked: false, certain: true, bracketed: false });
        }
        View::Word | View::Letter => bare,
        View::Head => {
            let len = line[bare.clone()].iter().position(|b| !b.is_ascii_alphanumeric())?;
            let mark = line[bare.start + len];
            b"/:([!".contains(&mark).then_some(())?;
            bare.start..bare.start + len
        }
        View::Tail => {
            let at = line[bare.clone()].iter().rposition(|b| b"./:".contains(b))?;
            bare.start + at + 1..bare.end
        }
        View::First | View::Last => {
            matches!(line[token.start], b'[' | b'(' | b'{' | b'<').then_some(())?;
            let inner = &line[token.clone()];
            let blank = |b: &u8| tokens::separates(*b);
            if view == View::First {
                let end = inner.iter().position(blank)?;
                tokens::bare(line, token.start..token.start + end)
            } else {
                let start = inner.iter().rposition(blank)? + 1;
                tokens::bare(line, token.start + start..token.end)
            }
        }
    };
    let text = &line[range.clone()];
    let loud = text.iter().take_while(|b| b.is_ascii_alphabetic()).all(u8::is_ascii_uppercase);
    let (level, certain) = match (view, text) {
        (View::Letter, [letter, digits @ ..]) if digits.len() < 2 && digits.iter().all(u8::is_ascii_digit) => {
            (level_words::letter(*letter)?, true)
        }
        (View::Letter, _) => return None,
        (View::Head, [letter]) => (level_words::letter(*letter)?, true),
        (View::Head, [_, _]) if line.get(range.end) == Some(&b'(') => (level_words::head(text)?, true),
        (_, [] | [_]) => return None,
        (_, text) => {
            let (level, sure) = level_words::stepped(text)?;
            (level, sure == Sure::Certain || loud)
        }
    };
    let (head, tail) = (&line[..range.start], &line[range.end..]);
    let bracketed = matches!(
        (head.last(), tail.first()),
        (Some(b'['), Some(b']')) | (Some(b'<'), Some(b'>')) | (Some(b'('), Some(b')')) | (Some(b'{'), Some(b'}'))
    );
    // `errors: 0` counts something.
    let digit = tail.strip_prefix(b":").or_else(|| tail.strip_prefix(b"=")).map(<[u8]>::trim_ascii_start);
    if !loud && digit.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let near = |text: &[u8]| text.trim_ascii_end().last().copied();
    let marked = front
        || bracketed
        || view == View::Head
        || view == View::Tail && (line[token.start] == b'[' || is_facility(&line[bare_start..range.start - 1]))
        || matches!(tail.first(), Some(b':' | b'|' | b'\t' | b','))
        || tail.starts_with(b" - ")
        || tail.starts_with(b"  ")
        || tail.trim_ascii_start().first() == Some(&b'|')
        || near(head) == Some(b'|')
        || view != View::Letter && loud && text.iter().filter(|b| b.is_ascii_uppercase()).count() > 2;
    Some(Found { range, level, marked, certain: certain || bracketed, bracketed })
}

/// Whether a word names a facility of syslog: `daemon.err`.
fn is_facility(word: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"kern",
        b"user",
        b"mail",
        b"daemon",
        b"auth",
        b"syslog",
        b"lpr",
        b"news",
        b"uucp",
        b"cron",
        b"authpriv",
        b"ftp",
        b"ntp",
        b"security",
        b"console",
        b"mark",
    ];
    NAMES.contains(&word) || matches!(word, [b'l', b'o', b'c', b'a', b'l', b'0'..=b'7'])
}

const VIEWS: [View; 7] = [View::Word, View::Letter, View::Symbol, View::Head, View::Tail, View::First, View::Last];

/// What a column that may be one holds.
#[derive(Debug)]
struct Candidate {
    place: Place,
    view: View,
    lines: usize,
    marked: usize,
    certain: usize,
    bracketed: usize,
    values: Vec<Vec<u8>>,
    /// The steps of severity, as bits.
    steps: u8,
    marked_steps: u8,
    worst: bool,
}

/// A line to learn from: its bytes, and where its stamp is.
pub(crate) type Sample<'a> = (&'a [u8], Option<Range<usize>>);

/// The columns of lines: the first decides, each further one speaks for the lines that the ones before it do not read.
pub(crate) fn learn(samples: &[Sample<'_>]) -> Vec<Column> {
    /// How many columns a file may have.
    const MOST: usize = 4;
    let mut columns: Vec<Column> = Vec::new();
    let mut left: Vec<&Sample<'_>> = samples.iter().collect();
    let dated = samples.iter().any(|(_, stamp)| stamp.is_some());
    while columns.len() < MOST && !left.is_empty() {
        // What is left of many lines must be more than an odd one.
        if !columns.is_empty() && left.len() < 3 {
            break;
        }
        let Some(column) = best(&left, dated) else { break };
        left.retain(|(line, stamp)| column.read(line, stamp.as_ref()).is_none());
        columns.push(column);
    }
    columns
}

fn best(samples: &[&Sample<'_>], dated: bool) -> Option<Column> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (line, stamp) in samples {
        each(line, stamp.as_ref(), dated, |place, view, found| {
            let known = candidates.iter_mut().find(|known| known.place == place && known.view == view);
            let candidate = match known {
                Some(candidate) => candidate,
                None => {
                    candidates.push(Candidate::new(place, view));
                    candidates.last_mut().expect("one was added")
                }
            };
            candidate.add(line, &found);
        });
    }
    let total = samples.len();
    let accepted = candidates.iter().filter_map(|c| Some((c, c.accept(total, dated)?)));
    let best = accepted.max_by(|(a, _), (b, _)| {
        a.rank(total).cmp(&b.rank(total)).then(b.place.cmp(&a.place)).then(b.view.cmp(&a.view))
    });
    best.map(|(candidate, marked)| Column { place: candidate.place, view: candidate.view, marked })
}

/// Every level that a line may state.
fn each(line: &[u8], stamp: Option<&Range<usize>>, dated: bool, mut found: impl FnMut(Place, View, Found)) {
    if let Some(pri) = pri(line) {
        found(Place::Pri, View::Word, pri);
    }
    let start = behind(line, stamp);
    if let Some(pair) = pair(line, start) {
        found(Place::Pair, View::Word, pair);
    }
    let mut views = |token: Range<usize>, place: Place, front: bool| {
        for kind in VIEWS {
            if let Some(seen) = view(line, token.clone(), front, kind) {
                found(place, kind, seen);
            }
        }
    };
    if let Some(stamp) = stamp {
        for (token, number) in tokens::of(&line[..before(line, stamp)]).take(BEFORE).zip(0_u8..) {
            views(token, Place::Before(number), number == 0);
        }
    }
    // Without a stamp only the front can be told from prose.
    let reach = if dated { BEHIND } else { 4 };
    for (token, number) in tokens::of(&line[start..]).take(reach).zip(0_u8..) {
        views(token.start + start..token.end + start, Place::Behind(number), false);
    }
    if let Some(stamp) = stamp.filter(|stamp| line[stamp.start].is_ascii_uppercase())
        && line.get(stamp.start + 1).is_some_and(u8::is_ascii_digit)
        && let Some(letter) = glued(line, stamp)
    {
        found(Place::Glued, View::Letter, letter);
    }
}

impl Candidate {
    fn new(place: Place, view: View) -> Self {
        let values = Vec::new();
        Self {
            place,
            view,
            lines: 0,
            marked: 0,
            certain: 0,
            bracketed: 0,
            values,
            steps: 0,
            marked_steps: 0,
            worst: true,
        }
    }

    fn add(&mut self, line: &[u8], found: &Found) {
        let step = level_words::step(found.level);
        self.lines += 1;
        self.steps |= 1 << step;
        self.worst &= step >= 2;
        self.certain += usize::from(found.certain);
        self.bracketed += usize::from(found.bracketed);
        if found.marked {
            self.marked += 1;
            self.marked_steps |= 1 << step;
        }
        let value = &line[found.range.clone()];
        if self.values.len() <= VALUES && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_vec());
        }
    }

    /// Whether it is a column of `total` lines: then whether only what is marked in it counts.
    fn accept(&self, total: usize, dated: bool) -> Option<bool> {
        let share = |count: usize, percent: usize| count * 100 >= total * percent;
        let (values, steps) = (self.values.len(), self.steps.count_ones());
        if self.certain == 0 {
            return None;
        }
        if !dated {
            let place = values > 1 || matches!(self.place, Place::Behind(0) | Place::Pri | Place::Pair);
            let letters = self.view != View::Letter || values > 1 && self.bracketed == self.lines;
            return (share(self.marked, 80) && place && letters && self.view != View::Symbol).then_some(true);
        }
        match self.view {
            View::Symbol => (self.lines == total && total >= 3 && values >= 2).then_some(false),
            View::Letter => {
                let alone = values == 1 && (self.lines >= 5 || self.bracketed == self.lines);
                let telling = values == 2 && self.values.iter().all(|value| matches!(&**value, b"I" | b"A"));
                (share(self.lines, 98) && (values > 1 || alone || self.place == Place::Glued)
                    || share(self.lines, 50) && self.lines >= 10 && values >= 2 && !telling)
                    .then_some(false)
            }
            _ if share(self.marked, 95) && values <= VALUES => Some(false),
            _ if share(self.lines, 95)
                && values <= VALUES
                && (self.lines >= 3 && (steps >= 2 || self.lines >= 5 || self.worst)
                    || self.lines == 2 && steps == 2 && self.place == Place::Behind(0)) =>
            {
                Some(false)
            }
            _ if share(self.marked, 30) && self.marked >= 5 => Some(true),
            _ if share(self.lines, 50) && self.lines >= 10 && steps >= 2 && self.lines >= 3 * values => Some(false),
            _ => None,
        }
    }

    fn rank(&self, total: usize) -> (bool, bool, bool, u32, usize, bool, usize) {
        let full = self.lines * 100 >= total * 95;
        let frame = matches!(self.place, Place::Pri | Place::Pair);
        let word = !matches!(self.view, View::Letter | View::Symbol);
        (full, frame, self.certain == self.lines, self.steps.count_ones(), self.lines, word, self.marked)
    }
}

#[cfg(test)]
mod tests;
