//! Who ran a rehearsal, of what, where, and with which build of emp-ops.

use serde::{Deserialize, Serialize};

/// Where a run comes from. Keys are documented in `runbooks/formats.md`; no value of the environment is ever in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The login name of the operator, or the number of the user.
    pub user: String,
    /// The name of the machine.
    pub host: String,
    /// A fingerprint of the id of the machine, so that two runs can be told to be of one; the id itself is confidential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// How many processors emp-ops and the command could use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u64>,
    /// The id of the container, in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The version of emp-ops.
    pub emp_ops_version: String,
    /// The command with its arguments, secrets masked.
    pub command: Vec<String>,
    /// The SHA-256 of the program that was started, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
    /// The commit of the working directory, where that is a working tree of git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// What was rehearsed, as the operator states it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
}

/// A commit with what was changed since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Whether files differ from it; none if git did not say in time.
    #[serde(default)]
    pub dirty: Option<bool>,
}

/// What was rehearsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

impl Provenance {
    /// In one line, for people.
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{} on {}", self.user, self.host), format!("emp-ops {}", self.emp_ops_version)];
        parts.extend(self.program_sha256.as_ref().map(|sha256| format!("program {}", short(sha256))));
        parts.extend(self.commit.as_ref().map(|commit| {
            let state = match commit.dirty {
                Some(true) => " with changes",
                Some(false) => "",
                None => ", changes unknown",
            };
            format!("commit {}{state}", short(&commit.id))
        }));
        parts.extend(self.subjects.iter().map(|subject| format!("{} {}", subject.name, short(&subject.sha256))));
        parts.join("; ")
    }
}

/// As much of a digest as people compare.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Whether a command is the simulator that this program has built in.
pub fn is_simulator(command: &[String]) -> bool {
    // A shell may start it.
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    words.windows(2).any(|pair| {
        let program = pair[0].rsplit('/').next().unwrap_or_default().trim_start_matches(['"', '\'']);
        program.starts_with(env!("CARGO_PKG_NAME")) && pair[1] == "simulate"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_who_where_and_what() {
        let provenance = Provenance {
            user: "ada".to_owned(),
            host: "stage-1".to_owned(),
            emp_ops_version: "1.0".to_owned(),
            program_sha256: Some("ab".repeat(32)),
            commit: Some(Commit { id: "cd".repeat(20), dirty: Some(true) }),
            subjects: vec![Subject { name: "image".to_owned(), sha256: "ef".repeat(32) }],
            ..Provenance::default()
        };
        let expect =
            "ada on stage-1; emp-ops 1.0; program abababababab; commit cdcdcdcdcdcd with changes; image efefefefefef";
        assert_eq!(provenance.line(), expect);
    }
}
