//! DSSE envelopes, version 1.0.2 in JSON: a payload, its type, and signatures over both.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::digest::sha256;
use crate::json::strict;
use crate::keys::PublicKey;

/// The type of every payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The longest line of a bundle, in bytes.
pub const LONGEST_LINE: usize = 16 << 20;
/// The most signatures of an envelope.
pub const MOST_SIGNATURES: usize = 64;
/// The most lines of a bundle.
pub const MOST_LINES: usize = 1000;

/// A signed payload. Keys of others are kept as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`PAYLOAD_TYPE`].
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The statement, byte for byte as it was signed.
    #[serde(serialize_with = "encode", deserialize_with = "decode")]
    pub payload: Vec<u8>,
    /// At least one, each with another key id.
    pub signatures: Vec<Signature>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose it claims to be: a hint that decides nothing.
    #[serde(default)]
    pub keyid: String,
    /// The signature itself.
    #[serde(serialize_with = "encode", deserialize_with = "decode")]
    pub sig: Vec<u8>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Signature {
    /// A signature of the key with this fingerprint.
    pub fn new(keyid: &str, sig: Vec<u8>) -> Self {
        Self { keyid: keyid.to_owned(), sig, others: Map::new() }
    }

    /// Adds the token of a time-stamping authority (RFC 3161) over the bytes of the signature.
    #[must_use]
    pub fn stamped(mut self, token: &[u8]) -> Self {
        let stamp = serde_json::json!([{"type": "tsp", "data": BASE64_STANDARD.encode(token)}]);
        self.others.insert("timestamps".to_owned(), stamp);
        self
    }
}

impl Envelope {
    /// An envelope that nobody has signed yet.
    pub fn new(payload: Vec<u8>) -> Self {
        Self { payload_type: PAYLOAD_TYPE.to_owned(), payload, signatures: Vec::new(), others: Map::new() }
    }

    /// Reads one line of a bundle.
    ///
    /// # Errors
    /// It is no envelope, or one that could be read in two ways; the message says why.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        if line.len() > LONGEST_LINE {
            return Err(format!("it is longer than {} MiB", LONGEST_LINE >> 20));
        }
        let value = strict::parse(line).map_err(|error| format!("it is not JSON of one meaning: {error}"))?;
        let envelope: Self = serde_json::from_value(value).map_err(|error| format!("it is no envelope: {error}"))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(format!("its payload type is `{}`, not `{PAYLOAD_TYPE}`", envelope.payload_type));
        }
        if envelope.signatures.is_empty() {
            return Err("it has no signature".to_owned());
        }
        if envelope.signatures.len() > MOST_SIGNATURES {
            return Err(format!("it has more than {MOST_SIGNATURES} signatures"));
        }
        for (at, signature) in envelope.signatures.iter().enumerate() {
            if envelope.signatures[..at].iter().any(|earlier| earlier.keyid == signature.keyid) {
                return Err(format!("it has two signatures with the key id `{}`", signature.keyid));
            }
        }
        Ok(envelope)
    }

    /// Adds the signatures of another copy of the same payload.
    pub fn take_signatures(&mut self, other: Self) {
        for signature in other.signatures {
            if !self.signatures.iter().any(|known| (&known.keyid, &known.sig) == (&signature.keyid, &signature.sig)) {
                self.signatures.push(signature);
            }
        }
    }

    /// The envelope as one line, with its line break.
    pub fn line(&self) -> String {
        // Strings and lists of strings cannot fail to serialise.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// The bytes that its signatures are over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload)
    }

    /// The SHA-256 of its payload, in hex.
    pub fn payload_sha256(&self) -> String {
        sha256(&self.payload)
    }

    /// Whether one of its signatures is of `key`, whatever its key id says.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let message = self.signed_bytes();
        self.signatures.iter().any(|signature| key.verifies(&message, &signature.sig))
    }

    /// Whether one of its signatures claims to be of `key`, but none is.
    pub fn is_broken_for(&self, key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| signature.keyid == key.id()) && !self.is_signed_by(key)
    }
}

/// The pre-authentication encoding of a payload: what is signed.
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

/// The payload of what [`pae`] made; none if it is not that.
pub fn payload_of(signed_bytes: &[u8]) -> Option<&[u8]> {
    let rest = signed_bytes.strip_prefix(format!("DSSEv1 {} {PAYLOAD_TYPE} ", PAYLOAD_TYPE.len()).as_bytes())?;
    let payload = &rest[rest.iter().position(|byte| *byte == b' ')? + 1..];
    (pae(payload) == signed_bytes).then_some(payload)
}

fn encode<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

/// Standard base64 is what we write; both alphabets are read, with or without padding.
fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    const LAX: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = String::deserialize(deserializer)?;
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let decoded = GeneralPurpose::new(alphabet, LAX).decode(&text);
    decoded.map_err(|error| de::Error::custom(format_args!("this is not base64: {error}")))
}

/// The lines of a bundle, each read by itself.
///
/// # Errors
/// The bundle as a whole is empty or too long.
pub fn lines(bundle: &[u8]) -> Result<Vec<Result<Envelope, String>>, String> {
    if bundle.is_empty() {
        return Err("it is empty".to_owned());
    }
    let lines = bundle.strip_suffix(b"\n").unwrap_or(bundle).split(|byte| *byte == b'\n');
    if lines.clone().nth(MOST_LINES).is_some() {
        return Err(format!("it has more than {MOST_LINES} lines"));
    }
    Ok(lines.map(Envelope::read).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::tests::private;
    use crate::keys::{Kind, SigningKey};

    fn signed(key: &SigningKey, payload: &[u8]) -> Envelope {
        let mut envelope = Envelope::new(payload.to_vec());
        let signature = key.sign(&envelope.signed_bytes()).unwrap();
        envelope.signatures.push(Signature::new(key.public().id(), signature));
        envelope
    }

    #[test]
    fn envelopes_are_read_as_they_were_written_and_others_keys_are_kept() {
        let key = private(Kind::Ed25519);
        let mut envelope = signed(&key, b"{\"a\": \"\xc3\xbc?>\"}");
        envelope.signatures[0] = envelope.signatures[0].clone().stamped(b"token");
        let line = envelope.line();
        assert!(line.starts_with(r#"{"payloadType":"application/vnd.in-toto+json","payload":"eyJh"#), "{line}");
        assert!(line.contains(r#""timestamps":[{"data":"dG9rZW4=","type":"tsp"}]"#), "{line}");
        let lines = lines(line.as_bytes()).unwrap();
        assert_eq!(lines, [Ok(envelope.clone())]);
        assert!(envelope.is_signed_by(key.public()));
        let url_safe = line.replace('+', "-").replace('/', "_").replace("application_vnd.in-toto-json", PAYLOAD_TYPE);
        let url_safe = url_safe.replace("=\"", "\"");
        assert_eq!(Envelope::read(url_safe.as_bytes()).unwrap().payload, envelope.payload);
        assert_eq!(payload_of(&envelope.signed_bytes()), Some(envelope.payload.as_slice()));
        assert_eq!(payload_of(b"DSSEv1 28 application/vnd.in-toto+json 2 abc"), None);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let key = private(Kind::Ed25519);
        let line = signed(&key, b"{}").line();
        let signature = line.split_once("[{").unwrap().1.split_once("}]").unwrap().0;
        for (line, expect) in [
            (
                line.replace(r#""payload":"#, r#""payload":"e30=","payload":"#),
                "the key `payload` is in one object twice",
            ),
            (line.replace("in-toto+json", "in-toto"), "its payload type is `application/vnd.in-toto`"),
            (line.replace(&format!("{{{signature}}}"), ""), "it has no signature"),
            (
                line.replace(signature, &format!("{signature}}},{{{signature}")),
                "two signatures with the key id `SHA256:",
            ),
            (line.replace("e30=", "e3 0="), "not base64"),
            (line.replace("e30=", "e31="), "not base64"),
            (line.replace("e30=", "+_30"), "not base64"),
            (line.replace(r#""payload":"e30=","#, ""), "missing field `payload`"),
            (line[..line.len() - 3].to_owned(), "not JSON"),
            ("[]\n".to_owned(), "no envelope"),
            (String::new(), "not JSON"),
        ] {
            let error = Envelope::read(line.trim_end().as_bytes()).expect_err(expect);
            assert!(error.contains(expect), "{error}");
        }
        assert!(lines(b"").is_err());
        assert!(lines(&b"{}\n".repeat(MOST_LINES + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_changed_byte_of_payload_signature_or_type_is_accepted(
            at in any::<prop::sample::Index>(), flip in 1..=255_u8, ecdsa in any::<bool>(),
        ) {
            let key = private(if ecdsa { Kind::P256 } else { Kind::Ed25519 });
            let envelope = signed(&key, br#"{"_type": "https://in-toto.io/Statement/v1"}"#);
            let mut line = envelope.line().trim_end().as_bytes().to_vec();
            let at = at.index(line.len());
            line[at] ^= flip;
            if let Ok(read) = Envelope::read(&line) {
                // What is signed and by whom is the same, or it does not verify.
                prop_assert!(!read.is_signed_by(key.public()) || read.payload == envelope.payload);
            }
        }
    }
}
