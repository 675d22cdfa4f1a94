//! Finds everything that the lexicon names in a sentence, in one pass.

use aho_corasick::{AhoCorasick, MatchKind};

use super::lexicon::Lexicon;
use super::sentences::{fold, fold_into};

/// The lexicon, ready to search with.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    lexicon: Lexicon,
    negation: Vec<String>,
    search: AhoCorasick,
    meanings: Vec<Meaning>,
}

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Name { entity: usize, rank: usize },
    Capability(usize),
    Change(Change),
    Doubt,
    Joint { strong: bool },
}

/// A word of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// A faction takes a region.
    Gain,
    /// A faction gives up a region.
    Loss,
    /// A region fares as the status rule with this index says.
    Status(usize),
}

/// Where a name is in the folded sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NameHit {
    /// The entity, as an index into the lexicon.
    pub entity: usize,
    /// 0 for the canonical name, else the alias counted from 1.
    pub rank: usize,
    /// Whether it is as words of its own; else it is part of a longer word (`Wardensfolk`).
    pub whole: bool,
    /// First byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
}

/// A word of change at its place in the folded sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ChangeHit {
    /// What it says.
    pub change: Change,
    /// First byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
}

/// A place where a sentence may fall into two statements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Joint {
    /// Whether it nearly always does (`while`, `;`), not only sometimes (`and`, `,`).
    pub strong: bool,
    /// First byte.
    pub start: usize,
}

/// What was found in one sentence; lists in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// The sentence in lower case with single blanks; all places refer to it.
    pub folded: String,
    /// Names, without those that are inside a longer one.
    pub names: Vec<NameHit>,
    /// Capabilities, as indices into the lexicon; sorted, each once.
    pub capabilities: Vec<usize>,
    /// Words of change that are words of their own and not denied.
    pub changes: Vec<ChangeHit>,
    /// Where the sentence may be divided.
    pub joints: Vec<Joint>,
    /// Whether a word of doubt occurs.
    pub doubt: bool,
}

/// Words and marks between two statements of a sentence.
const JOINTS: &[(&str, bool)] =
    &[("while", true), ("whereas", true), ("but", true), (";", true), ("and", false), (",", false)];
/// Prefixes that turn a word of change into its opposite, as in `un-secured`.
const UNDOING: &[&str] = &["un-", "non-", "de-"];

/// Part of a word: letters and digits of any script, combining accents, the underscore.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || ('\u{300}'..='\u{36f}').contains(&c)
}

fn word_before(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(is_word)
}

fn word_after(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(is_word)
}

impl Matcher {
    /// Prepares `lexicon` for searching.
    ///
    /// # Errors
    /// The lexicon is too large to be searched for at once (gigabytes of names).
    pub(crate) fn new(lexicon: Lexicon) -> Result<Self, String> {
        let mut patterns = Vec::new();
        let mut meanings = Vec::new();
        let mut add = |text: &str, meaning| {
            patterns.push(fold(text));
            meanings.push(meaning);
        };
        for (entity, entry) in lexicon.entities.iter().enumerate() {
            for (rank, name) in entry.names().enumerate() {
                add(name, Meaning::Name { entity, rank });
            }
        }
        for (i, capability) in lexicon.capabilities.iter().enumerate() {
            add(&capability.label, Meaning::Capability(i));
        }
        lexicon.words.gain.iter().for_each(|word| add(word, Meaning::Change(Change::Gain)));
        lexicon.words.loss.iter().for_each(|word| add(word, Meaning::Change(Change::Loss)));
        lexicon.words.doubt.iter().for_each(|word| add(word, Meaning::Doubt));
        for (i, rule) in lexicon.status.iter().enumerate() {
            rule.words.iter().for_each(|word| add(word, Meaning::Change(Change::Status(i))));
        }
        for (text, strong) in JOINTS {
            add(text, Meaning::Joint { strong: *strong });
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .map_err(|error| format!("the lexicon cannot be searched for: {error}"))?;
        let negation = lexicon.words.negation.iter().map(|word| fold(word)).collect();
        Ok(Self { lexicon, negation, search, meanings })
    }

    /// The lexicon that is searched for.
    pub(crate) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Finds everything in `sentence`, into `reading`, whose memory is used again.
    pub(crate) fn read(&self, sentence: &str, reading: &mut Reading) {
        fold_into(sentence, &mut reading.folded);
        reading.names.clear();
        reading.capabilities.clear();
        reading.changes.clear();
        reading.joints.clear();
        reading.doubt = false;
        let text = reading.folded.as_str();
        for hit in self.search.find_overlapping_iter(text) {
            let (start, end) = (hit.start(), hit.end());
            let begins = !word_before(text, start);
            let whole = begins && !word_after(text, end);
            match self.meanings[hit.pattern().as_usize()] {
                Meaning::Name { entity, rank } => reading.names.push(NameHit { entity, rank, whole, start, end }),
                // Part of a longer word is enough here: better a needless look than an unseen power.
                Meaning::Capability(i) => reading.capabilities.push(i),
                Meaning::Change(change) if whole => reading.changes.push(ChangeHit { change, start, end }),
                Meaning::Doubt => reading.doubt |= begins,
                Meaning::Joint { strong } if whole || !word_after(text, start) => {
                    reading.joints.push(Joint { strong, start });
                }
                Meaning::Change(_) | Meaning::Joint { .. } => {}
            }
        }
        reading.capabilities.sort_unstable();
        reading.capabilities.dedup();
        outermost(&mut reading.names);
        let names = &reading.names;
        reading.changes.sort_by_key(|hit| (hit.start, hit.change));
        let mut in_name = within(names);
        reading.changes.retain(|hit| !in_name(hit.start, hit.end) && !self.denied(text, hit.start));
        reading.joints.sort_by_key(|joint| joint.start);
        let mut in_name = within(names);
        reading.joints.retain(|joint| !in_name(joint.start, joint.start + 1));
    }

    /// Whether the word of change at `start` is denied: `no longer under threat`, `was never lost`, `un-secured`.
    fn denied(&self, text: &str, start: usize) -> bool {
        const REACH: usize = 4;
        const LONGEST: usize = 80;
        if UNDOING.iter().any(|prefix| text[..start].ends_with(prefix)) {
            return true;
        }
        // The few words before it, not beyond the statement that it belongs to.
        let floor = (start.saturating_sub(LONGEST)..=start).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
        let mut from = start;
        for _ in 0..REACH {
            let before = text[floor..from].trim_end_matches(' ');
            let begin = floor + before.rfind(' ').map_or(0, |blank| blank + 1);
            let word = &before[begin - floor..];
            if word.is_empty() || word.ends_with([',', ';', ':']) || matches!(word, "but" | "and" | "while" | "whereas")
            {
                break;
            }
            if word.ends_with("n't") {
                return true;
            }
            from = begin;
        }
        let window = &text[from..start];
        self.negation.iter().any(|phrase| {
            window.match_indices(phrase.as_str()).any(|(at, _)| {
                let end = at + phrase.len();
                // "not only seized" is a way of saying that it was.
                !word_before(window, at) && !word_after(window, end) && !window[end..].starts_with(" only")
            })
        })
    }
}

/// Drops names that are inside a longer name that is as words of its own, such as the alias inside the
/// canonical name. Linear after sorting: only the widest reach so far can contain the next one.
fn outermost(names: &mut Vec<NameHit>) {
    if names.len() < 2 {
        return;
    }
    names.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end), !hit.whole, hit.entity, hit.rank));
    let mut reach: Option<(usize, usize)> = None;
    names.retain(|hit| {
        let inside = reach.is_some_and(|(start, end)| hit.end <= end && (hit.start, hit.end) != (start, end));
        if hit.whole && reach.is_none_or(|(_, end)| hit.end > end) {
            reach = Some((hit.start, hit.end));
        }
        !inside
    });
}

/// Whether spans are inside a name that is as words of its own; to be asked in the order of the text.
fn within<'n>(names: &'n [NameHit]) -> impl FnMut(usize, usize) -> bool + 'n {
    let mut next = names.iter().filter(|hit| hit.whole).peekable();
    let mut reach = 0;
    move |start, end| {
        while let Some(hit) = next.next_if(|hit| hit.start <= start) {
            reach = reach.max(hit.end);
        }
        end <= reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sentence: &str) -> Reading {
        let mut reading = Reading::default();
        Matcher::new(Lexicon::built_in()).unwrap().read(sentence, &mut reading);
        reading
    }

    #[test]
    fn words_of_change_are_whole_and_not_denied() {
        use Change::{Gain, Loss, Status};
        for (sentence, expect) in [
            ("Seized at dawn.", &[Gain][..]),
            ("They took  control\nof it.", &[Gain]),
            ("It was stabilised.", &[Gain, Status(2)]),
            ("It was destabilised, preceded and proclaimed.", &[]),
            ("Glost, lostÉ and élost.", &[]),
            ("No longer under threat.", &[]),
            ("It was not yet lost.", &[]),
            ("It wasn’t ever lost.", &[]),
            ("They not only seized it.", &[Gain]),
            ("They never slept, and seized it.", &[Gain]),
            ("It was un-secured.", &[]),
            ("Under siege; lost.", &[Status(0), Loss]),
        ] {
            let found: Vec<Change> = read(sentence).changes.iter().map(|hit| hit.change).collect();
            assert_eq!(found, expect, "{sentence}");
        }
    }

    #[test]
    fn names_are_found_across_blanks_and_in_any_case() {
        for (sentence, entity, rank, whole) in [
            ("the WARDENS of  the\nGrey Harbour sail", 0, 0, true),
            ("Grey\u{a0}Wardens", 0, 2, true),
            ("Tern\u{200b} Island Light", 3, 0, true),
            ("Tern Island Lights", 3, 1, true),
            ("(Ochre Quay)", 4, 0, true),
            ("Ochre Quays", 4, 0, false),
        ] {
            let reading = read(sentence);
            let hit = reading.names.iter().min_by_key(|hit| (!hit.whole, hit.rank)).unwrap();
            assert_eq!((hit.entity, hit.rank, hit.whole), (entity, rank, whole), "{sentence}");
        }
    }

    #[test]
    fn doubt_is_read_generously() {
        assert!(read("Rumours say so.").doubt);
        assert!(read("Allegedly.").doubt);
        assert!(!read("All is confirmed.").doubt);
    }
}
