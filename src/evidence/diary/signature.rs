//! The signature of a diary entry: SHA-256, or HMAC-SHA-256 with a key, over its content in canonical JSON.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::digest::hex;

/// Whether `signature` belongs to the stored content of `entry`.
pub(super) fn matches(entry: &Map<String, Value>, signature: &str, key: Option<&[u8]>) -> bool {
    let content = |name: &str, default: Value| match entry.get(name) {
        Some(value) if !value.is_null() => value.clone(),
        _ => default,
    };
    let mut payload = Map::new();
    for name in ["entry_id", "recorded_at", "policy_id"] {
        payload.insert(name.to_owned(), entry.get(name).cloned().unwrap_or_default());
    }
    for name in ["decision", "regime_state", "outcomes", "metadata"] {
        payload.insert(name.to_owned(), content(name, json!({})));
    }
    for name in ["probes", "notes"] {
        payload.insert(name.to_owned(), content(name, json!([])));
    }
    if let Some(belief) = entry.get("belief_state").filter(|belief| !belief.is_null()) {
        payload.insert("belief_state".to_owned(), belief.clone());
    }
    let mut text = String::new();
    write(&json!({"kind": "decision_diary_entry", "payload": payload}), &mut text);
    let digest = match key {
        Some(key) => hmac(key, text.as_bytes()),
        None => Sha256::digest(text.as_bytes()).into(),
    };
    hex(&digest).eq_ignore_ascii_case(signature.trim())
}

/// HMAC-SHA-256 as RFC 2104 defines it.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

/// Canonical JSON: compact, keys sorted, no escapes but the necessary ones, floats as the diary's writer prints them.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => out.push_str(&float_text(float)),
            None => out.push_str(&number.to_string()),
        },
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            // The map is sorted by key already.
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(&Value::String(key.clone()), out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// The shortest text that reads back as `float`: `0.5`, `3.0`, `1e-07`, `1e+16`.
fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        exponent @ -4..16 => {
            let text = float.to_string();
            if exponent >= 0 && !text.contains('.') { text + ".0" } else { text }
        }
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_the_writer_prints_them() {
        for (float, expect) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e100, "1.25e+100"),
        ] {
            assert_eq!(float_text(float), expect);
        }
    }

    #[test]
    fn a_change_breaks_the_signature_and_the_key_matters() {
        // Made with `sha256sum` and `openssl dgst -sha256 -hmac` from the canonical text of this entry.
        let entry = json!({"entry_id": "e-1", "recorded_at": "2025-01-06T00:00:00+00:00", "policy_id": "p",
            "decision": {"size": 1e-7}, "notes": ["grün"]});
        let entry = entry.as_object().expect("an object");
        let plain = "387c1133d2fe8017298fd5232fafdba0228e9b9a02f373ab65ea4539db198376";
        let keyed = "8c4458786784402e91bfd7c830d04b3dd122077adf7bbf5ed0f7dfca1cecebbc";
        assert!(matches(entry, plain, None));
        assert!(matches(entry, keyed, Some(b"secret")));
        assert!(!matches(entry, keyed, None));
        let mut altered = entry.clone();
        altered.insert("policy_id".to_owned(), json!("q"));
        assert!(!matches(&altered, plain, None));
    }
}
