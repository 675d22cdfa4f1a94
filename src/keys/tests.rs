use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use proptest::prelude::*;

use super::*;

/// A fresh key: its private and its public half in PEM.
pub(crate) fn pair(kind: Kind) -> (String, String) {
    let random = ring::rand::SystemRandom::new();
    let document = match kind {
        Kind::Ed25519 => ring::signature::Ed25519KeyPair::generate_pkcs8(&random),
        Kind::P256 => {
            let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
            ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random)
        }
    };
    let body = base64::engine::general_purpose::STANDARD.encode(document.unwrap());
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let secret = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let public = SigningKey::from_pem(secret.as_bytes(), "KEY").unwrap().public().to_pem();
    (secret, public)
}

pub(crate) fn private(kind: Kind) -> SigningKey {
    SigningKey::from_pem(pair(kind).0.as_bytes(), "KEY").unwrap()
}

#[test]
fn what_a_key_signs_its_public_half_verifies_and_no_other() {
    for kind in [Kind::Ed25519, Kind::P256] {
        let (secret, public) = pair(kind);
        let key = SigningKey::from_pem(secret.as_bytes(), "KEY").unwrap();
        let read = PublicKey::all_from_pem(public.as_bytes(), "KEY.pub").unwrap();
        assert_eq!(read, [key.public().clone()]);
        assert_eq!(PublicKey::all_from_pem(key.public().to_pem().as_bytes(), "KEY.pub").unwrap(), read);
        let signature = key.sign(b"message").unwrap();
        assert!(read[0].verifies(b"message", &signature));
        assert!(!read[0].verifies(b"massage", &signature));
        assert!(!private(kind).public().verifies(b"message", &signature));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}

#[test]
fn a_wrong_file_is_named_with_the_command_that_helps() {
    let (secret, public) = pair(Kind::Ed25519);
    let section = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let rsa = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n-----END PUBLIC KEY-----\n";
    for (pem, expect) in [
        (section("ENCRYPTED PRIVATE KEY"), "--sign-key <(openssl pkey -in KEY)"),
        (section("EC PARAMETERS") + &section("EC PRIVATE KEY"), "--sign-key <(openssl pkey -in KEY)"),
        (section("RSA PRIVATE KEY"), "--sign-key <(openssl pkey -in KEY)"),
        (section("OPENSSH PRIVATE KEY"), "openssl genpkey -algorithm ed25519"),
        (section("PRIVATE KEY"), "KEY is a key of another kind, or damaged"),
        (section("CERTIFICATE"), "not a private key"),
        (public.clone(), "is a public key, which cannot sign"),
        (secret.repeat(2), "more than one section"),
        ("not PEM".to_owned(), "holds no private key"),
        (secret.replace("-----END", "--"), "damaged"),
    ] {
        let error = SigningKey::from_pem(pem.as_bytes(), "KEY").expect_err(expect);
        assert!(error.contains(expect), "{error}");
    }
    for (pem, expect) in [
        (section("CERTIFICATE"), "openssl x509 -in KEY -noout -pubkey"),
        (secret, "openssl pkey -in KEY -pubout -out KEY.pub"),
        (public.clone() + &section("X"), "holds `X`, not a public key"),
        (String::new(), "holds no public key"),
        (rsa.to_owned(), "KEY is an RSA key; Ed25519 and P-256 are supported"),
    ] {
        let error = PublicKey::all_from_pem(pem.as_bytes(), "KEY").expect_err(expect);
        assert!(error.contains(expect), "{error}");
    }
    assert_eq!(PublicKey::all_from_pem(public.repeat(2).as_bytes(), "KEY").unwrap().len(), 2);
}

proptest! {
    #[test]
    fn no_changed_byte_verifies(at in any::<prop::sample::Index>(), flip in 1..=255_u8, of_message in any::<bool>()) {
        for kind in [Kind::Ed25519, Kind::P256] {
            let key = private(kind);
            let mut message = b"a message of some length".to_vec();
            let mut signature = key.sign(&message).unwrap();
            let changed = if of_message { &mut message } else { &mut signature };
            let at = at.index(changed.len());
            changed[at] ^= flip;
            prop_assert!(!key.public().verifies(&message, &signature));
        }
    }
}

/// Runs a shell script in `folder`; false where a tool of it is not installed.
fn shell(folder: &Path, tools: &[&str], script: &str) -> Option<String> {
    for tool in tools {
        if Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().is_ok_and(|o| !o.status.success()) {
            eprintln!("skipped: {tool} is not installed");
            return None;
        }
    }
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn keys_and_signatures_are_those_of_openssl_and_openssh() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for (options, verify) in [
        ("-algorithm ed25519", "openssl pkeyutl -verify -rawin -pubin -inkey KEY.pub -sigfile sig -in message"),
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "openssl dgst -sha256 -verify KEY.pub -signature sig message",
        ),
    ] {
        let make = format!("openssl genpkey {options} -out KEY; openssl pkey -in KEY -pubout -out KEY.pub");
        let Some(_) = shell(folder.path(), &["openssl"], &make) else { return };
        let key = SigningKey::from_pem(&file("KEY"), "KEY").unwrap();
        assert_eq!(PublicKey::all_from_pem(&file("KEY.pub"), "KEY.pub").unwrap(), [key.public().clone()]);
        assert_eq!(key.public().to_pem().as_bytes(), file("KEY.pub"));
        std::fs::write(folder.path().join("message"), "a message").unwrap();
        std::fs::write(folder.path().join("sig"), key.sign(b"a message").unwrap()).unwrap();
        shell(folder.path(), &[], verify);
        let sign = match key.public().kind() {
            Kind::Ed25519 => "openssl pkeyutl -sign -rawin -inkey KEY -in message -out theirs",
            Kind::P256 => "openssl dgst -sha256 -sign KEY -out theirs message",
        };
        shell(folder.path(), &[], sign);
        assert!(key.public().verifies(b"a message", &file("theirs")));
    }
}

#[test]
fn fingerprints_are_those_of_openssh() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, options, length) in [(Kind::Ed25519, "-t ed25519", 32), (Kind::P256, "-t ecdsa -b 256", 65)] {
        let make =
            format!("rm -f K K.pub; ssh-keygen -q {options} -N '' -f K; cut -d' ' -f2 K.pub; ssh-keygen -lf K.pub");
        let Some(said) = shell(folder.path(), &["ssh-keygen"], &make) else { return };
        let (wire, shown) = said.split_once('\n').unwrap();
        let wire = BASE64_STANDARD.decode(wire).unwrap();
        let key = PublicKey::new(kind, &wire[wire.len() - length..]);
        assert!(shown.split(' ').any(|word| word == key.id()), "{shown} / {}", key.id());
    }
}
