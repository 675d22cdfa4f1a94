//! The progress timeline: snapshots that each hold the SHA-256 of the one before, so that none can be changed, lost or
//! put elsewhere unseen.

use crate::digest::sha256;
use crate::finding::Finding;
use crate::json::lenient;
use serde::Deserialize;

/// The part of a snapshot that links it to the others.
#[derive(Deserialize)]
struct Link {
    sequence: u64,
    previous_sha256: Option<String>,
}

/// Checks a timeline, one snapshot after the other in the order of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    expected: u64,
    previous: Option<String>,
    /// The digest of each snapshot that was in its place.
    digests: Vec<String>,
    findings: Vec<Finding>,
}

impl Chain {
    /// Adds the next snapshot. `path` is what the user calls it.
    pub(crate) fn push(&mut self, path: &str, bytes: &[u8]) {
        let digest = sha256(bytes);
        let link = lenient::parse(&lenient::text(bytes)).ok().and_then(|v| serde_json::from_value::<Link>(v).ok());
        let Some(link) = link else {
            self.fail("this snapshot is damaged: it cannot be read", path);
            self.follow(self.expected, digest);
            return;
        };
        if link.sequence > self.expected {
            let missing = match link.sequence - self.expected {
                1 => format!("snapshot {} is missing before this one", self.expected),
                _ => format!("snapshots {} to {} are missing before this one", self.expected, link.sequence - 1),
            };
            self.fail(&missing, path);
        } else if link.sequence < self.expected {
            self.fail(&format!("this is snapshot {}, in the place of {}", link.sequence, self.expected), path);
        } else if link.previous_sha256 != self.previous {
            let text = match self.expected.checked_sub(1) {
                Some(before) => format!("snapshot {before} was altered: it is not the one that this snapshot names"),
                None => "the first snapshot names one before it: the start of the timeline is missing".to_owned(),
            };
            self.fail(&text, path);
        }
        self.follow(link.sequence, digest);
    }

    fn follow(&mut self, sequence: u64, digest: String) {
        self.expected = sequence + 1;
        self.digests.push(digest.clone());
        self.previous = Some(digest);
    }

    fn fail(&mut self, summary: &str, path: &str) {
        let summary = format!("the progress timeline is broken: {summary}");
        self.findings.push(Finding::fail(summary).in_file(path, None));
    }

    /// What is wrong, given how many snapshots the run recorded and the digest of the last of them. Later ones may
    /// follow. `path` is the timeline itself.
    pub(crate) fn finish(mut self, path: &str, recorded: u64, head: Option<&str>) -> Vec<Finding> {
        let found = self.digests.len() as u64;
        if self.findings.is_empty() {
            let last = usize::try_from(recorded).ok().and_then(|n| self.digests.get(n.checked_sub(1)?));
            if found < recorded {
                self.fail(&format!("it ends after {found} of {recorded} snapshots"), path);
            } else if let (Some(last), Some(head)) = (last, head)
                && !last.eq_ignore_ascii_case(head)
            {
                self.fail(&format!("snapshot {} was altered: the run recorded another", recorded - 1), path);
            }
        }
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline() -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for sequence in 0..5 {
            let previous = all.last().map(|bytes| sha256(bytes));
            all.push(serde_json::json!({"sequence": sequence, "previous_sha256": previous}).to_string().into_bytes());
        }
        all
    }

    #[test]
    fn a_lost_changed_or_moved_snapshot_is_named() {
        type Change = fn(&mut Vec<Vec<u8>>);
        let cases: &[(&str, Change)] = &[
            ("", |_| {}),
            ("snapshot 2 is missing", |all| drop(all.remove(2))),
            ("snapshots 1 to 2 are missing", |all| drop(all.drain(1..3))),
            ("snapshot 0 is missing", |all| drop(all.remove(0))),
            ("it ends after 3 of 4", |all| all.truncate(3)),
            ("snapshot 1 was altered", |all| all[1].push(b' ')),
            ("snapshot 3 was altered: the run recorded another", |all| {
                all.truncate(4);
                all[3].push(b' ');
            }),
            ("snapshots 1 to 2 are missing", |all| all.swap(1, 3)),
            ("cannot be read", |all| all[2].truncate(3)),
        ];
        let head = sha256(&timeline()[3]);
        for (expect, change) in cases {
            let mut all = timeline();
            change(&mut all);
            let mut chain = Chain::default();
            all.iter().for_each(|bytes| chain.push("snapshot", bytes));
            let findings = chain.finish("timeline", 4, Some(&head));
            match findings.first() {
                None => assert!(expect.is_empty(), "nothing found: {expect}"),
                Some(first) => assert!(!expect.is_empty() && first.summary.contains(expect), "{expect}: {findings:?}"),
            }
        }
    }
}
