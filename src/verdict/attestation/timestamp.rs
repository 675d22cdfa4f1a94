//! Time stamps of an authority (RFC 3161): the question about a signature, and the token in the answer.

use sha2::{Digest as _, Sha256};

/// The object identifier of SHA-256, with its tag and length.
const SHA256_OID: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
/// The object identifier of signed data, with its tag and length: what every token begins with.
const SIGNED_DATA_OID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

/// Tags of ASN.1.
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// The request for a time stamp over `signature`, as the body of a POST. `nonce` are random bytes.
pub(crate) fn request(signature: &[u8], nonce: [u8; 8]) -> Vec<u8> {
    let algorithm = tagged(SEQUENCE, &[SHA256_OID, b"\x05\x00"].concat());
    let imprint = tagged(SEQUENCE, &[algorithm, tagged(0x04, &Sha256::digest(signature))].concat());
    // Positive, without a byte that need not be there.
    let mut nonce = nonce;
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let wants_certificate = tagged(0x01, b"\xff");
    tagged(SEQUENCE, &[tagged(INTEGER, b"\x01"), imprint, tagged(INTEGER, &nonce), wants_certificate].concat())
}

/// The token of an answer to [`request`] for the same signature and nonce.
///
/// # Errors
/// The authority refused, or the answer is about another signature; the message says which.
pub(crate) fn token(response: &[u8], signature: &[u8], nonce: [u8; 8]) -> Result<Vec<u8>, String> {
    let broken = || "the answer is no time stamp".to_owned();
    let (body, _) = take(response, SEQUENCE).ok_or_else(broken)?;
    let (status, rest) = take(body, SEQUENCE).ok_or_else(broken)?;
    let (status, _) = take(status, INTEGER).ok_or_else(broken)?;
    // Granted, or granted with changes.
    if !matches!(status, [0 | 1]) {
        return Err(format!("the authority refused, with status {}", status.first().unwrap_or(&0)));
    }
    let (content, after) = take(rest, SEQUENCE).ok_or_else(broken)?;
    let token = &rest[..rest.len() - after.len()];
    if !content.starts_with(SIGNED_DATA_OID) {
        return Err(broken());
    }
    let mut nonce = nonce;
    nonce[0] = nonce[0] & 0x3f | 0x40;
    let holds = |part: &[u8]| token.windows(part.len()).any(|window| window == part);
    if !holds(&tagged(0x04, &Sha256::digest(signature))) || !holds(&tagged(INTEGER, &nonce)) {
        return Err("the answer is a time stamp of something else".to_owned());
    }
    Ok(token.to_vec())
}

/// A value of ASN.1 with its tag and length.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    // What a request holds is short.
    let mut bytes = vec![tag, value.len() as u8];
    bytes.extend(value);
    bytes
}

/// The value with this tag at the start of `bytes`, and what follows it.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    if head[0] != tag {
        return None;
    }
    let (length, rest) = match head[1] {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_only_if_it_is_about_the_signature_that_was_sent() {
        let nonce = [0xff; 8];
        let request = request(b"signature", nonce);
        let (body, rest) = take(&request, SEQUENCE).unwrap();
        assert!(rest.is_empty());
        let (imprint, _) = take(take(body, INTEGER).unwrap().1, SEQUENCE).unwrap();
        assert!(imprint.ends_with(&Sha256::digest(b"signature")));
        // A token is signed data that holds what was asked.
        let answer = |status: u8, held: &[u8]| {
            let content: Vec<u8> = [SIGNED_DATA_OID, held].concat();
            let long = |value: &[u8]| [&[SEQUENCE, 0x82, (value.len() >> 8) as u8, value.len() as u8], value].concat();
            let token = long(&content);
            (long(&[tagged(SEQUENCE, &tagged(INTEGER, &[status])), token.clone()].concat()), token)
        };
        let (good, expected) = answer(0, &request);
        assert_eq!(token(&good, b"signature", nonce), Ok(expected));
        assert!(token(&good, b"another", nonce).unwrap_err().contains("something else"));
        assert!(token(&good, b"signature", [1; 8]).unwrap_err().contains("something else"));
        assert!(token(&answer(2, &request).0, b"signature", nonce).unwrap_err().contains("status 2"));
        for end in 0..good.len() {
            assert!(token(&good[..end], b"signature", nonce).is_err(), "{end}");
        }
    }
}
