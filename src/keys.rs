//! Ed25519 and P-256 keys: read from PEM, named by their fingerprint, used to sign and to verify. The only file that
//! knows the cryptographic library.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What is before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo.
const ED25519_SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// What is before the 65 bytes of an uncompressed P-256 point in its SubjectPublicKeyInfo.
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// Other algorithms by their object identifiers, for messages.
const OTHERS: [(&[u8], &str); 7] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01", "an RSA key"),
    (b"\x2b\x65\x71", "an Ed448 key"),
    (b"\x2b\x65\x6e", "an X25519 key, which cannot sign"),
    (b"\x2b\x81\x04\x00\x22", "a P-384 key"),
    (b"\x2b\x81\x04\x00\x23", "a P-521 key"),
    (b"\x2b\x81\x04\x00\x0a", "a secp256k1 key"),
    (b"\x2a\x86\x48\xce\x38\x04\x01", "a DSA key"),
];
/// The command that makes a key.
const MAKE: &str = "make one with: openssl genpkey -algorithm ed25519 -out KEY";

/// The algorithm of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ed25519: signatures of 64 bytes, the same for the same message.
    Ed25519,
    /// ECDSA on P-256 with SHA-256: signatures in ASN.1 DER, never twice the same.
    P256,
}

impl Kind {
    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::P256 => "P-256",
        }
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    /// The 32 bytes of the key, or the 65 of the uncompressed point.
    bytes: Vec<u8>,
    id: String,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl PublicKey {
    fn new(kind: Kind, bytes: &[u8]) -> Self {
        Self { kind, bytes: bytes.to_vec(), id: fingerprint(kind, bytes) }
    }

    /// Every public key of a PEM file; at least one. `source` is what the user calls it.
    ///
    /// # Errors
    /// There is none, or one that is of no use here; the message says what to do.
    pub fn all_from_pem(pem: &[u8], source: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for section in sections(pem, source)? {
            if section.label != "PUBLIC KEY" {
                return Err(not_public(&section.label, source));
            }
            let der = section.der.as_slice();
            let key = match (der.strip_prefix(ED25519_SPKI), der.strip_prefix(P256_SPKI)) {
                (Some(bytes), _) if bytes.len() == 32 => Self::new(Kind::Ed25519, bytes),
                // The first byte of an uncompressed point.
                (_, Some(bytes)) if bytes.len() == 65 && bytes[0] == 4 => Self::new(Kind::P256, bytes),
                _ => return Err(other_kind(der, source)),
            };
            keys.push(key);
        }
        match keys.is_empty() {
            true => Err(format!("{source} holds no public key in PEM; {}", public_half())),
            false => Ok(keys),
        }
    }

    /// The fingerprint that `ssh-keygen -lf` prints: `SHA256:` and 43 characters. It names a key in signatures, and
    /// decides nothing.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its algorithm.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether `signature` is one of this key over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.kind {
            Kind::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature),
            Kind::P256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes).verify(message, signature),
        };
        verified.is_ok()
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        let prefix = match self.kind {
            Kind::Ed25519 => ED25519_SPKI,
            Kind::P256 => P256_SPKI,
        };
        let text = BASE64_STANDARD.encode([prefix, &self.bytes].concat());
        let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

/// The OpenSSH fingerprint of a key.
fn fingerprint(kind: Kind, bytes: &[u8]) -> String {
    let words: &[&[u8]] = match kind {
        Kind::Ed25519 => &[b"ssh-ed25519", bytes],
        Kind::P256 => &[b"ecdsa-sha2-nistp256", b"nistp256", bytes],
    };
    let mut wire = Vec::new();
    for word in words {
        wire.extend((word.len() as u32).to_be_bytes());
        wire.extend(*word);
    }
    format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(Sha256::digest(&wire)))
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A private key. It is never shown, and its PEM is cleared from memory once it was read.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the private half of {}", self.public.id)
    }
}

impl SigningKey {
    /// The only private key of a PEM file in PKCS#8. `source` is what the user calls it.
    ///
    /// # Errors
    /// It is none, or one that is of no use here; the message says what to do, and nothing of the key.
    pub fn from_pem(pem: &[u8], source: &str) -> Result<Self, String> {
        let sections = sections(pem, source)?;
        let section = match sections.as_slice() {
            [] => return Err(format!("{source} holds no private key in PEM; {MAKE}")),
            // What openssl writes before a key in its own form.
            [first, rest @ ..] if first.label == "EC PARAMETERS" => rest.first().unwrap_or(first),
            [only] => only,
            _ => return Err(format!("{source} holds more than one section of PEM; give one private key in a file")),
        };
        if section.label != "PRIVATE KEY" {
            return Err(not_private(&section.label, source));
        }
        let der = section.der.as_slice();
        // openssl writes the first version of the format, without the public key.
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            let public = PublicKey::new(Kind::Ed25519, pair.public_key().as_ref());
            return Ok(Self { pair: Pair::Ed25519(pair), public });
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new()) {
            let public = PublicKey::new(Kind::P256, pair.public_key().as_ref());
            return Ok(Self { pair: Pair::P256(pair), public });
        }
        Err(other_kind(der, source))
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signature over `message`.
    ///
    /// # Errors
    /// The system gives no random bytes, which P-256 needs.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(format!("cannot sign with {}: the system gives no random bytes", self.public.id)),
            },
        }
    }
}

/// A section of a PEM file.
struct Section {
    label: String,
    der: Zeroizing<Vec<u8>>,
}

/// The sections of a PEM file, those of kinds that the library does not know included.
fn sections(pem: &[u8], source: &str) -> Result<Vec<Section>, String> {
    let text = std::str::from_utf8(pem).unwrap_or_default();
    let mut sections = Vec::new();
    for (at, _) in text.match_indices("-----BEGIN ") {
        let rest = &text[at + "-----BEGIN ".len()..];
        let label = rest.lines().next().unwrap_or_default().trim_end().trim_end_matches('-').to_owned();
        let end = text[at..].find("-----END ").map_or(text.len(), |end| at + end);
        let end = text[end..].find('\n').map_or(text.len(), |line| end + line + 1);
        let der =
            match label.as_str() {
                "PUBLIC KEY" | "PRIVATE KEY" => <(SectionKind, Vec<u8>)>::from_pem_slice(&pem[at..end])
                    .map_err(|_| {
                        format!(
                            "{source}: the section {label} is damaged; copy the whole file again, with its last line"
                        )
                    })?
                    .1,
                _ => Vec::new(),
            };
        sections.push(Section { label, der: Zeroizing::new(der) });
    }
    Ok(sections)
}

fn public_half() -> &'static str {
    "take the public half of a key: openssl pkey -in KEY -pubout -out KEY.pub"
}

fn not_public(label: &str, source: &str) -> String {
    match label {
        "CERTIFICATE" => {
            format!("{source} is a certificate; take the key out of it: openssl x509 -in {source} -noout -pubkey")
        }
        label if label.ends_with("PRIVATE KEY") => {
            format!("{source} is a private key; give its public half: openssl pkey -in {source} -pubout -out KEY.pub")
        }
        label => format!("{source} holds `{label}`, not a public key in PEM; {}", public_half()),
    }
}

fn not_private(label: &str, source: &str) -> String {
    match label {
        "ENCRYPTED PRIVATE KEY" => {
            format!("{source} is encrypted; give it through a pipe: --sign-key <(openssl pkey -in {source})")
        }
        "OPENSSH PRIVATE KEY" => format!("{source} is a key of OpenSSH, which is not PKCS#8; {MAKE}"),
        label if label.ends_with("PRIVATE KEY") => format!(
            "{source} is a private key in an older form ({label}); give it as PKCS#8 through a pipe: \
             --sign-key <(openssl pkey -in {source})"
        ),
        "PUBLIC KEY" => format!("{source} is a public key, which cannot sign; give the private key that it belongs to"),
        label => format!("{source} holds `{label}`, not a private key in PEM; {MAKE}"),
    }
}

fn other_kind(der: &[u8], source: &str) -> String {
    let there = |id: &[u8]| der.windows(id.len()).any(|window| window == id);
    // P-256, but as a compressed point, with written-out parameters or without the public key.
    if there(b"\x2a\x86\x48\xce\x3d\x03\x01\x07") || there(b"\x2a\x86\x48\xce\x3d\x01\x01") {
        return format!(
            "{source} is a key of an elliptic curve in an unusual form; write it in the usual one: openssl ec \
             -in {source} -param_enc named_curve -conv_form uncompressed -out KEY.sec1, then openssl pkey -in KEY.sec1"
        );
    }
    let other = OTHERS.iter().find(|(id, _)| there(id)).map_or("a key of another kind, or damaged", |(_, name)| name);
    format!("{source} is {other}; Ed25519 and P-256 are supported: {MAKE}")
}

#[cfg(test)]
pub(crate) mod tests;
