//! Randomness of the system.

use std::fs::File;
use std::io::{self, Read as _};

use crate::digest::hex;

/// A random UUID (version 4).
///
/// # Errors
/// The system gives no random bytes.
pub fn uuid() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
