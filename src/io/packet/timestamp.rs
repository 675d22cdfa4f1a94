//! Asks a time-stamping authority (RFC 3161) over HTTP.

use std::time::Duration;

use crate::digest::sha256;
use crate::io::random;
use crate::io::stage_client::{Client, Route};
use crate::verdict::attestation::timestamp;

/// How long an authority may take.
const LIMIT: Duration = Duration::from_secs(15);

/// The token of the authority at `url` over the bytes of a signature.
///
/// # Errors
/// The authority cannot be reached, refuses, or answers something else.
pub(crate) fn token(url: &str, signature: &[u8]) -> Result<Vec<u8>, String> {
    let random = random::uuid().map_err(|error| error.to_string())?;
    let nonce: [u8; 8] = std::array::from_fn(|at| sha256(random.as_bytes()).as_bytes()[at]);
    let client = Client::new(&Route { base: url.to_owned(), ..Route::default() })?;
    let body = timestamp::request(signature, nonce);
    let answer = client.post(["application/timestamp-query", "application/timestamp-reply"], &body, LIMIT)?;
    timestamp::token(&answer, signature, nonce)
}
