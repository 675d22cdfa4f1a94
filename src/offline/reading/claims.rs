//! Who takes or gives up which region, and how regions fare, by the words of one sentence.
//!
//! The grammar is shallow on purpose: who is before the word of change acts, unless a preposition says
//! otherwise; `by`, `from` and `to` say what they say. Where that does not tell, everybody named is taken to
//! act, which ends in a conflict that a moderator sees.

use std::collections::BTreeMap;

use super::lexicon::Lexicon;
use super::matcher::{Change, ChangeHit, NameHit, Reading};

/// What a sentence says about one entity; all numbers are indices into the lexicon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Regions taken, in the order of the lexicon.
    pub add: Vec<usize>,
    /// Regions given up, in the order of the lexicon.
    pub remove: Vec<usize>,
    /// The status rule that applies to a region.
    pub status: Option<usize>,
}

impl Claim {
    fn take(&mut self, regions: &[usize]) {
        self.remove.retain(|region| !regions.contains(region));
        merge(&mut self.add, regions);
    }

    fn give_up(&mut self, regions: &[usize]) {
        self.add.retain(|region| !regions.contains(region));
        merge(&mut self.remove, regions);
    }
}

fn merge(into: &mut Vec<usize>, regions: &[usize]) {
    into.extend_from_slice(regions);
    into.sort_unstable();
    into.dedup();
}

/// The claims of one sentence, by entity.
pub(crate) fn claims(reading: &Reading, lexicon: &Lexicon) -> BTreeMap<usize, Claim> {
    let mut claims: BTreeMap<usize, Claim> = BTreeMap::new();
    if reading.changes.is_empty() || reading.names.is_empty() {
        return claims;
    }
    let mut actors: Vec<usize> = Vec::new();
    for statement in statements(reading, lexicon) {
        let mut regions: Vec<usize> = statement
            .names
            .iter()
            .filter(|hit| lexicon.entities[hit.entity].is_region())
            .map(|hit| hit.entity)
            .collect();
        let rule = statement.changes.iter().filter_map(|hit| match hit.change {
            Change::Status(rule) => Some(rule),
            Change::Gain | Change::Loss => None,
        });
        if let Some(rule) = rule.min() {
            for region in &regions {
                claims.entry(*region).or_default().status.get_or_insert(rule);
            }
        }
        // A region counts as taken or given up only where its name is as words of its own.
        regions.clear();
        regions.extend(
            statement
                .names
                .iter()
                .filter(|hit| hit.whole && lexicon.entities[hit.entity].is_region())
                .map(|hit| hit.entity),
        );
        regions.sort_unstable();
        regions.dedup();
        let gains = statement.changes.iter().any(|hit| hit.change == Change::Gain);
        let losses = statement.changes.iter().any(|hit| hit.change == Change::Loss);
        let verb = statement.changes.iter().find(|hit| !matches!(hit.change, Change::Status(_)));
        let (Some(verb), true) = (verb, gains != losses && !regions.is_empty()) else { continue };
        let cast = Cast::of(&reading.folded, &statement, *verb, lexicon, &actors);
        for actor in &cast.actors {
            let claim = claims.entry(*actor).or_default();
            if gains { claim.take(&regions) } else { claim.give_up(&regions) }
        }
        for taker in &cast.takers {
            claims.entry(*taker).or_default().take(&regions);
        }
        // Last, so that who takes a region from itself loses it.
        for loser in &cast.losers {
            claims.entry(*loser).or_default().give_up(&regions);
        }
        actors = cast.actors;
    }
    claims.retain(|_, claim| *claim != Claim::default());
    claims
}

/// A part of a sentence that has its own word of change.
struct Statement<'r> {
    names: &'r [NameHit],
    changes: &'r [ChangeHit],
}

/// Divides the sentence between two words of change where each side has its own region: at the last strong
/// joint between them, else at the last weak one.
fn statements<'r>(reading: &'r Reading, lexicon: &Lexicon) -> Vec<Statement<'r>> {
    let Reading { names, changes, joints, .. } = reading;
    let is_region = |hit: &NameHit| lexicon.entities[hit.entity].is_region();
    let last_region = names.iter().rfind(|hit| is_region(hit)).map_or(0, |hit| hit.start);
    let mut parts = Vec::new();
    let (mut name, mut change) = (0, 0);
    for (i, pair) in changes.windows(2).enumerate() {
        let from = joints.partition_point(|joint| joint.start < pair[0].end);
        let to = joints.partition_point(|joint| joint.start < pair[1].start);
        let between = joints.get(from..to).unwrap_or_default();
        let Some(joint) = between.iter().rfind(|joint| joint.strong).or(between.last()) else { continue };
        let cut = names.partition_point(|hit| hit.start < joint.start).max(name);
        if last_region >= joint.start && names[name..cut].iter().any(is_region) {
            parts.push(Statement { names: &names[name..cut], changes: &changes[change..=i] });
            (name, change) = (cut, i + 1);
        }
    }
    parts.push(Statement { names: &names[name..], changes: &changes[change..] });
    parts
}

/// What a faction does in a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// Is before the word of change.
    Subject,
    /// `seized by …`.
    Agent,
    /// `seized from …`.
    Loser,
    /// `lost to …`.
    Taker,
    /// Anything else: `for …`, `with …`, or after the word of change.
    Bystander,
}

/// Who acts, takes and loses.
#[derive(Debug, Default)]
struct Cast {
    actors: Vec<usize>,
    takers: Vec<usize>,
    losers: Vec<usize>,
}

/// Before a name they say that it does not act itself.
const PREPOSITIONS: &[&str] =
    &["by", "for", "with", "against", "of", "near", "despite", "to", "alongside", "toward", "towards", "like", "than"];

impl Cast {
    fn of(text: &str, statement: &Statement<'_>, verb: ChangeHit, lexicon: &Lexicon, before: &[usize]) -> Self {
        let mut roles: Vec<(usize, Role)> = Vec::new();
        let mut last: Option<(NameHit, Role)> = None;
        for hit in statement.names.iter().filter(|hit| lexicon.entities[hit.entity].is_faction()) {
            let role = match last {
                Some((earlier, role)) if joined(text, earlier.end, hit.start) => role,
                _ => role(text, *hit, verb),
            };
            roles.push((hit.entity, role));
            last = Some((*hit, role));
        }
        let those = |wanted: &[Role]| {
            let mut those: Vec<usize> =
                roles.iter().filter(|(_, role)| wanted.contains(role)).map(|(entity, _)| *entity).collect();
            those.sort_unstable();
            those.dedup();
            those
        };
        let (losers, takers) = (those(&[Role::Loser]), those(&[Role::Taker]));
        let mut actors = those(&[Role::Agent]);
        if actors.is_empty() {
            actors = those(&[Role::Subject]);
        }
        if actors.is_empty() && roles.is_empty() {
            // "… seized the quay but lost the fens": the same ones act.
            actors = before.to_vec();
        }
        if actors.is_empty() && losers.is_empty() && takers.is_empty() {
            actors = those(&[Role::Bystander]);
        }
        Self { actors, takers, losers }
    }
}

fn role(text: &str, hit: NameHit, verb: ChangeHit) -> Role {
    let lead = &text[..hit.start].trim_end();
    let lead = strip_word(lead, "the").unwrap_or(lead);
    let after = hit.start >= verb.end;
    if strip_word(lead, "from").is_some() {
        return Role::Loser;
    }
    if after {
        return match (strip_word(lead, "by"), strip_word(lead, "to")) {
            (Some(rest), _) if rest.trim_end().len() == verb.end => Role::Agent,
            (_, Some(_)) if verb.change == Change::Loss => Role::Taker,
            _ => Role::Bystander,
        };
    }
    if PREPOSITIONS.iter().any(|word| strip_word(lead, word).is_some()) { Role::Bystander } else { Role::Subject }
}

/// Whether nothing but `and` or a comma is between two names.
fn joined(text: &str, from: usize, to: usize) -> bool {
    let between = text.get(from..to).unwrap_or_default().trim();
    matches!(between, "and" | "and the" | "," | ", the" | ", and" | ", and the" | "&")
}

/// `text` without the word at its end.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_suffix(word)?;
    (rest.is_empty() || rest.ends_with(' ')).then(|| rest.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::matcher::Matcher;
    use super::*;

    /// Claims in the form `lamplighter-union +ochre-quay -low-fens`, `low-fens=stable`.
    fn told(sentence: &str) -> Vec<String> {
        let matcher = Matcher::new(Lexicon::built_in()).unwrap();
        let mut reading = Reading::default();
        matcher.read(sentence, &mut reading);
        let lexicon = matcher.lexicon();
        let short = |entity: usize| lexicon.entities[entity].id.split('.').next_back().unwrap().to_owned();
        claims(&reading, lexicon)
            .iter()
            .map(|(entity, claim)| {
                let mut line = short(*entity);
                claim.add.iter().for_each(|region| line += &format!(" +{}", short(*region)));
                claim.remove.iter().for_each(|region| line += &format!(" -{}", short(*region)));
                claim.status.iter().for_each(|rule| line += &format!("={}", lexicon.status[*rule].status));
                line
            })
            .collect()
    }

    #[test]
    fn who_acts_takes_and_who_is_named_beside_does_not() {
        for (sentence, expect) in [
            ("The Lamplighters seized Ochre Quay.", &["lamplighter-union +ochre-quay"][..]),
            (
                "The Lamplighters seized Ochre Quay from the Saltmarsh Clans.",
                &["lamplighter-union +ochre-quay", "saltmarsh-clans -ochre-quay"],
            ),
            ("Ochre Quay was seized by the Grey Wardens.", &["harbour-wardens +ochre-quay"]),
            ("Ochre Quay of the Saltmarsh Clans was seized by the Grey Wardens.", &["harbour-wardens +ochre-quay"]),
            (
                "The Grey Wardens lost the Low Fens to the Lamplighters.",
                &["harbour-wardens -low-fens", "lamplighter-union +low-fens"],
            ),
            ("The Low Fens were lost to the Lamplighters.", &["lamplighter-union +low-fens"]),
            ("The Lamplighters seized Ochre Quay as the Grey Wardens watched.", &["lamplighter-union +ochre-quay"]),
            ("The Lamplighters, backed by the Grey Wardens, claimed Ochre Quay.", &["lamplighter-union +ochre-quay"]),
            (
                "The Lamplighters and the Grey Wardens claimed Ochre Quay.",
                &["harbour-wardens +ochre-quay", "lamplighter-union +ochre-quay"],
            ),
            ("Claimed for the Grey Wardens, Ochre Quay rests.", &["harbour-wardens +ochre-quay"]),
            (
                "The Lamplighters took control of Ochre Quay while the Grey Wardens lost the Low Fens.",
                &["harbour-wardens -low-fens", "lamplighter-union +ochre-quay"],
            ),
            (
                "The Lamplighters seized Ochre Quay, Tern Island and lost the Low Fens.",
                &["lamplighter-union +tern-island +ochre-quay -low-fens"],
            ),
            ("The Lamplighters seized and lost Ochre Quay.", &[]),
            ("The Lamplighters took Lamplighters from Ochre Quay.", &[]),
            (
                "Ochre Quay is under threat while the Low Fens were rebuilt.",
                &["ochre-quay=threatened", "low-fens=stable"],
            ),
            ("Ochre Quay is no longer under threat.", &[]),
        ] {
            assert_eq!(told(sentence), expect, "{sentence}");
        }
    }
}
