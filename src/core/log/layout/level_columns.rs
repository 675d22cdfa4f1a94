//! The column in which lines state their level: how it is found, and how it is read.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::fields::{Found, Place, View, before, behind, field, glued, last, numbered_pair, pair, pri, view};
use super::level_words;
use super::tokens;

/// How many fields before a stamp and behind it may hold the level.
const BEFORE: usize = 4;
const BEHIND: usize = 10;
/// More different values than this are no column of levels.
const VALUES: usize = 12;
/// A column of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) place: Place,
    pub(crate) view: View,
    /// Only what is marked as a level counts: in brackets, before a colon or a bar, in capitals.
    pub(crate) marked: bool,
}

impl Column {
    /// Reads the level of a line whose stamp, if there is one, is at `stamp`.
    pub(crate) fn read(&self, line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
        let found = match self.place {
            Place::Pri => pri(line),
            Place::Glued => glued(line, stamp?),
            Place::Pair if self.view == View::Number => numbered_pair(line, stamp),
            Place::Pair => pair(line, stamp),
            Place::End => view(line, last(line, behind(line, stamp))?, false, self.view),
            place @ (Place::Before(_) | Place::Behind(_)) => {
                view(line, field(line, stamp, place)?, place == Place::Before(0), self.view)
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
            Place::End => "end".to_owned(),
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
            View::Mnemonic => ":mnemonic",
            View::Number => ":number",
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
            "end" => Place::End,
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
                "mnemonic" => column.view = View::Mnemonic,
                "number" => column.view = View::Number,
                "marked" => column.marked = true,
                _ => return None,
            }
        }
        Some(column)
    }
}

const VIEWS: [View; 9] = [
    View::Word,
    View::Letter,
    View::Symbol,
    View::Head,
    View::Tail,
    View::First,
    View::Last,
    View::Mnemonic,
    View::Number,
];

/// What a column that may be one holds.
#[derive(Debug)]
struct Candidate {
    place: Place,
    view: View,
    lines: usize,
    marked: usize,
    certain: usize,
    bracketed: usize,
    /// Lines of an error or worse.
    failing: usize,
    /// Lines in which no letter is before it.
    front: usize,
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
    if let Some(pair) = pair(line, stamp) {
        found(Place::Pair, View::Word, pair);
    }
    if let Some(pair) = numbered_pair(line, stamp) {
        found(Place::Pair, View::Number, pair);
    }
    let mut views = |token: Range<usize>, place: Place, front: bool| {
        for kind in VIEWS {
            if let Some(seen) = view(line, token.clone(), front, kind) {
                found(place, kind, seen);
            }
        }
    };
    if let Some(token) = last(line, start).filter(|_| dated) {
        views(token, Place::End, false);
    }
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
            failing: 0,
            front: 0,
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
        self.failing += usize::from(step >= 3);
        self.certain += usize::from(found.certain);
        self.bracketed += usize::from(found.bracketed);
        self.front += usize::from(!line[..found.range.start].iter().any(u8::is_ascii_alphabetic));
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
        if self.view == View::Number {
            // Where a third and more are errors, the numbers are of a scale of their own: of the jobs in a queue.
            return (share(self.lines, 95) && self.failing * 3 <= self.lines).then_some(false);
        }
        // That all succeeded says nothing of what did not.
        if self.certain == 0 || values == 1 && self.values[0].eq_ignore_ascii_case(b"success") {
            return None;
        }
        if !dated {
            let known = values > 1 || matches!(self.place, Place::Behind(0) | Place::Pri | Place::Pair);
            let letters = self.view != View::Letter || values > 1 && self.bracketed == self.lines;
            // Lines of prose do not all start with a level, nor with levels of several kinds, behind a number or not.
            let place = matches!(self.place, Place::Behind(0 | 1)) && self.front == self.lines;
            let front = place && self.view == View::Word && values <= VALUES;
            let usual = share(self.lines, 95) || self.lines >= 10 && share(self.lines, 50) && self.lines >= 3 * values;
            let sure = self.certain == self.lines || self.place == Place::Behind(1);
            if front && sure && steps >= 2 && self.lines >= 3 && usual && !share(self.marked, 80) {
                return Some(false);
            }
            return (share(self.marked, 80) && known && letters && self.view != View::Symbol).then_some(true);
        }
        match self.view {
            View::Symbol => (self.lines == total && total >= 3 && values >= 2).then_some(false),
            View::Letter => {
                // The letters of rare levels alone are something else.
                let usual = self.values.iter().all(|value| matches!(&**value, b"D" | b"I" | b"W" | b"E" | b"Df"))
                    // Audits, not alerts.
                    || self.values == [b"A"] && !self.worst;
                // Numbers of orders and errors look like `E105` too: they are many, or no letter among them says "info".
                let numbered = |value: &Vec<u8>| value.len() == 4;
                if self.values.iter().any(numbered)
                    && (values > VALUES || !self.values.iter().any(|value| value[0] == b'I'))
                {
                    return None;
                }
                let alone = values == 1 && (usual && self.lines >= 5 || self.bracketed == self.lines);
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
        let word = !matches!(self.view, View::Letter | View::Symbol | View::Number);
        (full, frame, self.certain == self.lines, self.steps.count_ones(), self.lines, word, self.marked)
    }
}

#[cfg(test)]
mod tests;
