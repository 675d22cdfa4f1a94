//! Where keys come from: a file, a pipe, or a variable of the environment.

use std::env;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::process::DumpableBehavior;
use zeroize::Zeroizing;

use crate::io::files;
use crate::keys::{PublicKey, SigningKey};

/// The largest file of keys, in bytes.
const LIMIT: u64 = 1 << 20;
/// What is before the name of a variable.
const VARIABLE: &str = "env:";

/// A private key with what the caller must know of its source.
#[derive(Debug)]
pub(crate) struct Private {
    /// The key.
    pub key: SigningKey,
    /// The variable that holds it, which no child may see.
    pub variable: Option<String>,
    /// What is unsafe about its source, for the operator.
    pub warning: Option<String>,
}

/// Reads a private key from `source`: a path, that of a pipe included, or `env:NAME`. From then on no other process
/// of the same user can read the memory or the environment of this one.
///
/// # Errors
/// There is no usable key; the message says what to do.
pub(crate) fn private(source: &str) -> Result<Private, String> {
    // The kernel may refuse; the key is no less usable then.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Some(name) = source.strip_prefix(VARIABLE) {
        let pem = env::var(name).map(Zeroizing::new).map_err(|_| {
            format!("{source}: the variable {name} is not set; set it to a private key in PEM, or name a file")
        })?;
        let key = SigningKey::from_pem(pem.as_bytes(), source)?;
        return Ok(Private { key, variable: Some(name.to_owned()), warning: None });
    }
    let (pem, mode) = read(Path::new(source))?;
    let key = SigningKey::from_pem(&pem, source)?;
    let warning = mode.filter(|mode| mode & 0o077 != 0).map(|_| {
        format!("the private key {source} is readable by other users of this machine; run: chmod 600 {source}")
    });
    Ok(Private { key, variable: None, warning })
}

/// Reads the public keys of a file.
///
/// # Errors
/// There is no usable key; the message says what to do.
pub(crate) fn public(path: &Path) -> Result<Vec<PublicKey>, String> {
    let (pem, _) = read(path)?;
    PublicKey::all_from_pem(&pem, &path.display().to_string())
}

/// The content of a file or pipe, with the mode of a file.
fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Option<u32>), String> {
    let fail = |error: std::io::Error| format!("cannot read the key {}: {error}; check the path", path.display());
    let (file, about) = files::open(path).map_err(fail)?;
    let file: Box<dyn Read> = if about.is_file() { Box::new(file) } else { Box::new(files::pipe(file)) };
    // Never grown, since growing would leave copies behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1).read_to_end(&mut pem).map_err(fail)?;
    if pem.len() as u64 > LIMIT {
        return Err(format!("{} is too large for a key; name a file in PEM", path.display()));
    }
    Ok((pem, about.is_file().then(|| about.permissions().mode())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::keys::Kind;
    use crate::keys::tests::pair;

    #[test]
    fn keys_are_read_with_a_word_about_their_safety() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("KEY");
        let (secret, public_pem) = pair(Kind::P256);
        fs::write(&path, secret).unwrap();
        for (mode, warns) in [(0o600, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = private(path.to_str().unwrap()).unwrap();
            assert_eq!(read.warning.is_some_and(|warning| warning.contains("chmod 600")), warns, "{mode:o}");
        }
        fs::write(folder.path().join("KEY.pub"), public_pem.repeat(2)).unwrap();
        assert_eq!(public(&folder.path().join("KEY.pub")).unwrap().len(), 2);
        assert!(private("env:EMP_OPS_NO_SUCH_KEY").unwrap_err().contains("EMP_OPS_NO_SUCH_KEY is not set"));
        assert!(public(&folder.path().join("none")).unwrap_err().contains("check the path"));
        assert!(public(folder.path()).unwrap_err().contains("Is a directory"));
    }
}
