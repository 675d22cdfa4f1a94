//! What `final-dry-run` and `audit` share about signatures: options, keys, and the writing of a bundle.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, Error};
use crate::io::packet::{keys, signatures, timestamp};
use crate::keys::{PublicKey, SigningKey};
use crate::verdict::attestation::decisions::Reviewer;
use crate::verdict::attestation::envelope::Signature;
use crate::verdict::attestation::judge::Trust;
use crate::verdict::attestation::sign::{self, Next};
use crate::verdict::policy::SignaturePolicy;

/// Who signs, and what was rehearsed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct SignArgs {
    /// Sign the packet, whatever the verdict: a private key in PKCS#8 PEM, Ed25519 or P-256, from a file, a pipe
    /// (<(openssl pkey -in KEY)) or a variable (env:NAME); repeatable. Only Ed25519 gives the same bytes each time
    #[arg(long, value_name = "SOURCE")]
    pub sign_key: Vec<String>,
    /// What was rehearsed, for the signed statement: an image, a binary, a commit; repeatable
    #[arg(long, value_name = "NAME=sha256:HEX", value_parser = subject)]
    pub subject: Vec<(String, String)>,
    /// Have each signature stamped by a time-stamping authority (RFC 3161)
    #[arg(long, value_name = "URL", requires = "sign_key")]
    pub timestamp_url: Option<String>,
}

/// clap parser for `NAME=sha256:HEX`.
fn subject(text: &str) -> Result<(String, String), String> {
    const HINT: &str = "write NAME=sha256:HEX with the 64 digits that sha256sum prints";
    let (name, digest) = text.rsplit_once("=sha256:").ok_or_else(|| HINT.to_owned())?;
    let name = name.trim();
    if name.is_empty() || digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(HINT.to_owned());
    }
    Ok((name.to_owned(), digest.to_ascii_lowercase()))
}

/// Keys that are ready to sign.
#[derive(Debug, Default)]
pub(crate) struct Signers {
    keys: Vec<SigningKey>,
    /// Variables of the environment that hold keys: no child may see them.
    pub variables: Vec<String>,
    timestamp_url: Option<String>,
}

impl SignArgs {
    /// Reads the keys, so that a run of days does not end with a key that is of no use.
    ///
    /// # Errors
    /// A key cannot be read or is given twice, or an address is none: the message says what to do.
    pub(crate) fn signers(&self, common: &Common) -> Result<Signers, Error> {
        let mut signers = Signers { timestamp_url: self.timestamp_url.clone(), ..Signers::default() };
        if let Some(url) = &self.timestamp_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return Err(Error::Usage(format!("--timestamp-url {url} is no address; write http://… or https://…")));
        }
        for source in &self.sign_key {
            let keys::Private { key, variable, warning } =
                keys::private(source).map_err(|error| Error::Usage(format!("--sign-key {error}")))?;
            if signers.keys.iter().any(|known| known.public() == key.public()) {
                let text = format!("--sign-key {source} is the same key as one before it; give each key once");
                return Err(Error::Usage(text));
            }
            if let Some(warning) = warning {
                common.note(&format!("warning: {warning}"));
            }
            signers.variables.extend(variable);
            signers.keys.push(key);
        }
        let mut names: Vec<&str> = self.subject.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Usage(format!("--subject {} is given twice; give each subject one digest", twice[0])));
        }
        Ok(signers)
    }
}

impl Signers {
    /// Whether there is nothing to sign with.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The kinds of the keys, as people call them.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.public().kind().name()).collect()
    }

    /// The public halves.
    pub(crate) fn public(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().map(SigningKey::public)
    }

    /// Puts a signature of each key into the bundle in `folder`, under its lock. `start` is what the bundle begins with
    /// where there is none; `next` says what is signed, given the bundle as it is then.
    ///
    /// # Errors
    /// The bundle cannot be read or written, or `next` refuses.
    pub(crate) fn sign(
        &self,
        common: &Common,
        folder: &Path,
        start: &[u8],
        next: impl Fn(&[u8]) -> Result<Next, Error>,
    ) -> Result<(), Error> {
        signatures::replace(folder, |before| {
            let mut bundle = before.unwrap_or_else(|| start.to_vec());
            for key in &self.keys {
                let next = next(&bundle)?;
                let signature = key.sign(&next.signed_bytes()).map_err(Error::NoVerdict)?;
                let signature = self.stamped(common, Signature::new(key.public().id(), signature));
                match sign::add(&bundle, &next, key.public(), signature).map_err(Error::NoVerdict)? {
                    Some(changed) => bundle = changed,
                    None => common.note(&format!("{} has signed this verdict already", key.public().id())),
                }
            }
            Ok(bundle)
        })
    }

    /// The signature with a time stamp, where one was asked for; an authority that does not answer loses no signature.
    fn stamped(&self, common: &Common, signature: Signature) -> Signature {
        let Some(url) = &self.timestamp_url else { return signature };
        match timestamp::token(url, &signature.sig) {
            Ok(token) => signature.stamped(&token),
            Err(error) => {
                common.note(&format!("warning: signed without a time stamp: {url}: {error}"));
                signature
            }
        }
    }
}

/// Whose signatures and decisions are asked for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct TrustArgs {
    /// Ask for a signature of this key: public keys in PEM, one or more in a file; repeatable
    #[arg(long, value_name = "FILE")]
    pub verify_key: Vec<PathBuf>,
    /// How many of these keys must have signed the verdict [default: 1]
    #[arg(long, value_name = "N")]
    pub min_signatures: Option<usize>,
    /// Ask for the decision of this reviewer, whose public key is in FILE; repeatable
    #[arg(long, value_name = "NAME=FILE", value_parser = super::key_value)]
    pub reviewer: Vec<(String, String)>,
    /// How many of the reviewers must approve [default: 1]
    #[arg(long, value_name = "N")]
    pub min_approvals: Option<usize>,
    /// A bundle or envelope that is kept elsewhere; repeatable
    #[arg(long, value_name = "PATH")]
    pub attestation: Vec<PathBuf>,
}

impl TrustArgs {
    /// Reads the keys. The options win over the policy.
    ///
    /// # Errors
    /// A key cannot be read or is given twice, or more is asked for than there are keys: the message says what to do.
    pub(crate) fn trust(&self, policy: &SignaturePolicy) -> Result<Trust, Error> {
        let usage = |text: String| Error::Usage(text);
        let files = if self.verify_key.is_empty() { &policy.verify_keys } else { &self.verify_key };
        let mut keys: Vec<PublicKey> = Vec::new();
        for file in files {
            for key in keys::public(file).map_err(|error| usage(format!("--verify-key {error}")))? {
                if keys.contains(&key) {
                    let text = format!("--verify-key {}: the key {} is there twice", file.display(), key.id());
                    return Err(usage(format!("{text}; one key counts once, give it once")));
                }
                keys.push(key);
            }
        }
        let reviewers = self.reviewers(policy)?;
        let min_signatures = self.min_signatures.or(policy.min_signatures);
        let min_approvals = self.min_approvals.or(policy.min_approvals);
        let asked = [
            ("--min-signatures", min_signatures, keys.len(), "key", "--verify-key FILE"),
            ("--min-approvals", min_approvals, reviewers.len(), "reviewer", "--reviewer NAME=FILE"),
        ];
        for (option, asked, there, what, add) in asked {
            match asked {
                Some(0) => return Err(usage(format!("{option} must be at least 1"))),
                Some(asked) if asked > there => {
                    let are = if there == 1 { "there is" } else { "there are" };
                    let there = crate::finding::count(there as u64, what);
                    return Err(usage(format!(
                        "{option} {asked} can never be met: {are} {there}; add {add}, or lower it"
                    )));
                }
                _ => {}
            }
        }
        Ok(Trust {
            keys,
            min_signatures: min_signatures.unwrap_or(1),
            reviewers,
            min_approvals: min_approvals.unwrap_or(1),
        })
    }

    fn reviewers(&self, policy: &SignaturePolicy) -> Result<Vec<Reviewer>, Error> {
        let given: Vec<(&String, PathBuf)> = match self.reviewer.is_empty() {
            true => policy.reviewers.iter().map(|(name, file)| (name, file.clone())).collect(),
            false => self.reviewer.iter().map(|(name, file)| (name, PathBuf::from(file))).collect(),
        };
        let mut reviewers: Vec<Reviewer> = Vec::new();
        for (name, file) in given {
            let usage = |text: String| Error::Usage(format!("--reviewer {name}={}: {text}", file.display()));
            let mut found = keys::public(&file).map_err(usage)?;
            let (Some(key), true) = (found.pop(), found.is_empty()) else {
                return Err(usage("the file holds several keys; one name has one key".to_owned()));
            };
            if let Some(other) = reviewers.iter().find(|other| other.key == key || other.name == *name) {
                return Err(usage(match other.name == *name {
                    true => "this name has a key already; one name has one key".to_owned(),
                    false => format!("this is the key of {} too; one key counts once", other.name),
                }));
            }
            reviewers.push(Reviewer { name: name.clone(), key });
        }
        Ok(reviewers)
    }
}
