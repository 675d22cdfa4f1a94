//! Randomness of the system.

use std::io;

use rustix::rand::GetRandomFlags;

use crate::digest::hex;

/// A random UUID (version 4).
///
/// # Errors
/// The system gives no random bytes.
pub(crate) fn uuid() -> io::Result<String> {
    let mut bytes = bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// A word of hexadecimal digits that nobody can guess.
///
/// # Errors
/// The system gives no random bytes.
pub(super) fn word() -> io::Result<String> {
    Ok(hex(&bytes::<12>()?))
}

fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    let read = rustix::rand::getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    // So few come at once or not at all.
    if read == N { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
