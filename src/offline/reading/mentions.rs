//! From turns to mentions: who is named in which sentence, how surely, and what is said of them.

use std::collections::HashMap;

use serde::Serialize;

use super::claims::{self, Claim};
use super::lexicon::Lexicon;
use super::matcher::{Matcher, Reading};
use super::sentences;
use crate::offline::id::{self, Id};
use crate::offline::session::Session;
use crate::offline::turns::Turn;

/// One entity in one sentence, with what changes for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mention<'a> {
    /// A hash of session, place and entity.
    pub mention_id: String,
    /// The entity, or the capability where a sentence names no entity.
    pub entity_id: &'a str,
    /// Its type; `capability` for a capability.
    pub entity_type: &'a str,
    /// Its canonical name.
    pub canonical_name: &'a str,
    /// How it was found.
    #[serde(rename = "match")]
    pub found: Found<'a>,
    /// 0.95 for the canonical name, 0.85 for an alias, 0.55 inside a longer word; 0.3 less where doubt is voiced.
    pub confidence: f64,
    /// The sentence, as it is in the text.
    pub sentence: &'a str,
    /// Where it is.
    pub source: Source<'a>,
    /// What changes; none if only a capability is named.
    pub proposed_changes: Option<Changes<'a>>,
    /// The capabilities that the sentence names.
    pub capability_refs: Vec<CapabilityRef<'a>>,
    /// The sentences around it.
    pub context: Context<'a>,
}

/// How a name was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Found<'a> {
    /// `canonical`, `alias` or `fuzzy`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name of the lexicon that was found.
    pub value: &'a str,
}

/// The place of a sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source<'a> {
    /// The session.
    pub session_id: &'a Id,
    /// The scene that the turn names itself.
    pub scene_id: Option<&'a Id>,
    /// The turn.
    pub turn_id: &'a Id,
    /// Who speaks.
    pub speaker: &'a str,
    /// The sentence within the turn, from 0.
    pub sentence_index: usize,
}

/// What changes for an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Changes<'a> {
    /// Regions taken and given up by a faction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Control<'a>>,
    /// The new status of a region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
}

/// Regions taken and given up, as ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Control<'a> {
    /// Taken.
    pub add: Vec<&'a str>,
    /// Given up.
    pub remove: Vec<&'a str>,
}

/// A capability that a sentence names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapabilityRef<'a> {
    /// Its id.
    pub capability_id: &'a str,
    /// Its severity.
    pub severity: &'a str,
}

/// The sentences before and after within the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Context<'a> {
    /// The one before.
    pub previous: Option<&'a str>,
    /// The one after.
    pub next: Option<&'a str>,
}

/// The confidence that a doubtful sentence loses.
const DOUBT: f64 = 0.3;
/// Mentions below this are noise.
const LOWEST: f64 = 0.4;

/// How many mentions at one place are compared; only a session whose turns all share one id has more.
const ALIKE: usize = 64;

/// All mentions of a session that change something or name a capability, and how often names and capabilities of the
/// lexicon occur at all.
pub(crate) fn extract<'a>(session: &'a Session, matcher: &'a Matcher) -> (Vec<Mention<'a>>, usize) {
    let mut occurrences = 0;
    let mut mentions = Mentions { session, lexicon: matcher.lexicon(), all: Vec::new(), known: HashMap::new() };
    let mut reading = Reading::default();
    for turn in &session.turns {
        let sentences = sentences::split(&turn.text);
        for (index, sentence) in sentences.iter().enumerate() {
            matcher.read(sentence, &mut reading);
            occurrences += reading.capabilities.len() + reading.names.iter().filter(|hit| hit.whole).count();
            if reading.capabilities.is_empty() && (reading.names.is_empty() || reading.changes.is_empty()) {
                continue;
            }
            let context = Context {
                previous: index.checked_sub(1).and_then(|i| sentences.get(i)).copied(),
                next: sentences.get(index + 1).copied(),
            };
            mentions.sentence(turn, index, sentence, context, &reading);
        }
    }
    let mut all = mentions.all;
    all.retain(|mention| mention.confidence >= LOWEST);
    (all, occurrences)
}

struct Mentions<'a> {
    session: &'a Session,
    lexicon: &'a Lexicon,
    all: Vec<Mention<'a>>,
    /// Where each entity was mentioned: turns may share an id, and then a sentence of theirs counts once.
    known: HashMap<(&'a str, &'a Id, usize), Vec<usize>>,
}

impl<'a> Mentions<'a> {
    fn sentence(&mut self, turn: &'a Turn, index: usize, sentence: &'a str, context: Context<'a>, reading: &Reading) {
        let lexicon = self.lexicon;
        let claims = claims::claims(reading, lexicon);
        let capability_refs: Vec<CapabilityRef<'a>> = reading
            .capabilities
            .iter()
            .map(|i| &lexicon.capabilities[*i])
            .map(|capability| CapabilityRef { capability_id: &capability.id, severity: &capability.severity })
            .collect();
        let mention = |entity_id, entity_type, canonical_name, found: Found<'a>, changes, refs| {
            let sure = match found.kind {
                "canonical" => 0.95,
                "alias" => 0.85,
                _ => 0.55,
            };
            let number = turn.number.to_string();
            let place = index.to_string();
            Mention {
                mention_id: id::uuid(&["mention", &self.session.id.to_string(), &number, &place, entity_id]),
                entity_id,
                entity_type,
                canonical_name,
                found,
                confidence: if reading.doubt { sure - DOUBT } else { sure },
                sentence,
                source: Source {
                    session_id: &self.session.id,
                    scene_id: turn.scene.as_ref(),
                    turn_id: &turn.id,
                    speaker: &turn.speaker,
                    sentence_index: index,
                },
                proposed_changes: changes,
                capability_refs: refs,
                context,
            }
        };
        // The best match of each entity, in the order of the lexicon.
        let mut best: Vec<(usize, bool, usize)> =
            reading.names.iter().map(|hit| (hit.entity, !hit.whole, hit.rank)).collect();
        best.sort_unstable();
        best.dedup_by_key(|(entity, ..)| *entity);
        let mut found = Vec::with_capacity(best.len());
        for (index, part, rank) in best {
            let entity = &lexicon.entities[index];
            let changes = claims.get(&index).map(|claim| changes(claim, lexicon));
            if changes.is_none() && capability_refs.is_empty() {
                continue;
            }
            let kind = if part { "fuzzy" } else { ["alias", "canonical"][usize::from(rank == 0)] };
            let value = entity.names().nth(rank).unwrap_or_default();
            let found_as = Found { kind, value };
            found.push(mention(&entity.id, &entity.kind, &entity.name, found_as, changes, capability_refs.clone()));
        }
        // A power that is named without anybody who is known must be looked at all the same.
        if !found.iter().any(|mention: &Mention<'_>| mention.confidence >= LOWEST) {
            for (i, capability) in reading.capabilities.iter().enumerate() {
                let capability = &lexicon.capabilities[*capability];
                let found_as = Found { kind: "canonical", value: &capability.label };
                let refs = vec![capability_refs[i]];
                found.push(mention(&capability.id, "capability", &capability.label, found_as, None, refs));
            }
        }
        found.into_iter().for_each(|mention| self.add(mention));
    }

    /// Adds a mention, or keeps the better one where the same was said at the same place already.
    fn add(&mut self, mention: Mention<'a>) {
        let key = (mention.entity_id, mention.source.turn_id, mention.source.sentence_index);
        let known = self.known.entry(key).or_default();
        for i in known.iter().rev().take(ALIKE) {
            let earlier = &mut self.all[*i];
            let same = earlier.proposed_changes == mention.proposed_changes
                && earlier.capability_refs == mention.capability_refs;
            let here = earlier.source.scene_id == mention.source.scene_id;
            let fuzzy = [earlier.found.kind, mention.found.kind].iter().filter(|kind| **kind == "fuzzy").count();
            // In another scene only a guess gives way to a certain match.
            if same && (here || fuzzy == 1) {
                if mention.confidence > earlier.confidence {
                    *earlier = mention;
                }
                return;
            }
        }
        known.push(self.all.len());
        self.all.push(mention);
    }
}

fn changes<'a>(claim: &Claim, lexicon: &'a Lexicon) -> Changes<'a> {
    let ids = |regions: &[usize]| regions.iter().map(|region| lexicon.entities[*region].id.as_str()).collect();
    let controls = !claim.add.is_empty() || !claim.remove.is_empty();
    Changes {
        control: controls.then(|| Control { add: ids(&claim.add), remove: ids(&claim.remove) }),
        status: claim.status.map(|rule| lexicon.status[rule].status.as_str()),
    }
}
