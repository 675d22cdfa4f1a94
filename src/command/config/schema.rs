//! The JSON Schema of the configuration, for editors.

use std::any::TypeId;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::read::{PROFILE, WORKLOADS};
use super::settings::{Setting, is_truth};
use crate::verdict::policy;

/// The schema of a file that holds these options and limits.
pub(super) fn schema(options: &[Setting], limits: &[Setting]) -> Value {
    let mut tables: Map<String, Value> = Map::new();
    for (setting, is_limit) in options.iter().map(|s| (s, false)).chain(limits.iter().map(|s| (s, true))) {
        insert(&mut tables, &setting.table, &setting.key, described(setting, is_limit));
    }
    for key in policy::KEYS {
        let schema = serde_json::from_str(key.schema).unwrap_or_default();
        insert(&mut tables, key.table, key.key, with_description(schema, key.says));
    }
    for (table, says, _) in policy::OPEN_TABLES {
        tables.insert(table.to_owned(), json!({ "description": says, "type": "object" }));
    }
    let waivers = tables.remove(policy::WAIVER).map(|waiver| json!({ "type": "array", "items": waiver }));
    tables.extend(waivers.map(|waivers| (policy::WAIVER.to_owned(), waivers)));
    let here: Map<String, Value> =
        tables.keys().map(|name| (name.clone(), json!({ "$ref": format!("#/definitions/{name}") }))).collect();
    let mut top = here.clone();
    top.insert(
        PROFILE.to_owned(),
        json!({
            "description": "Tables that win over the others with --profile NAME",
            "type": "object",
            "additionalProperties": { "type": "object", "additionalProperties": false, "properties": here },
        }),
    );
    let [workload, defaults] = WORKLOADS.map(str::to_owned);
    top.insert(
        workload,
        json!({
            "description": "The workloads of a rehearsal of several: see runbooks/workloads.md",
            "type": "array",
            "items": { "type": "object", "required": ["name", "command"] },
        }),
    );
    let says = "What holds for every workload that does not say otherwise";
    top.insert(defaults, json!({ "description": says, "type": "object" }));
    let drills = "Drills: see runbooks/drills.md";
    for (table, list, about) in [
        ("drill", true, drills),
        ("drill_policy", false, drills),
        ("guard", true, "Guards on figures: see runbooks/guards.md"),
        ("notify", false, "Who hears of what: see runbooks/drills.md"),
    ] {
        top.insert(table.to_owned(), json!({ "description": about, "type": if list { "array" } else { "object" } }));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "emp-ops.toml",
        "description": "The configuration of emp-ops",
        "type": "object",
        "additionalProperties": false,
        "properties": top,
        "definitions": tables,
    })
}

fn insert(tables: &mut Map<String, Value>, table: &str, key: &str, schema: Value) {
    let empty = || json!({ "type": "object", "additionalProperties": false, "properties": {} });
    let table = tables.entry(table).or_insert_with(empty);
    table["properties"][key] = schema;
}

fn with_description(mut schema: Value, says: &str) -> Value {
    schema["description"] = json!(says);
    schema
}

fn described(setting: &Setting, is_limit: bool) -> Value {
    let one = one(setting, is_limit);
    let list = json!({ "type": "array", "items": one });
    let schema = match (setting.is_list(), is_limit) {
        (false, _) => one,
        (true, true) => list,
        (true, false) if setting.value_name().contains('=') => {
            json!({ "anyOf": [one, list, { "type": "object", "additionalProperties": { "type": ["string", "number"] } }] })
        }
        (true, false) => json!({ "anyOf": [one, list] }),
    };
    with_description(schema, &setting.help())
}

/// The schema of one value. What a policy reads is not read as the option is: a number is no text there.
fn one(setting: &Setting, is_limit: bool) -> Value {
    let parser = setting.arg.get_value_parser();
    let is = |id: TypeId| parser.type_id() == id;
    if setting.is_switch() || is_truth(&setting.arg) {
        return json!({ "type": "boolean" });
    }
    if let Some(values) = parser.possible_values() {
        let names: Vec<String> = values.filter(|v| !v.is_hide_set()).map(|v| v.get_name().to_owned()).collect();
        return json!({ "enum": names });
    }
    let whole = [TypeId::of::<u64>(), TypeId::of::<u32>(), TypeId::of::<u16>(), TypeId::of::<usize>()];
    if is(TypeId::of::<f64>()) {
        match is_limit && setting.value_name() == "X" {
            true => json!({ "type": "number" }),
            false => json!({ "type": ["number", "string"] }),
        }
    } else if whole.into_iter().any(is) {
        match setting.value_name() {
            "BYTES" => json!({ "type": ["integer", "string"] }),
            _ => json!({ "type": "integer", "minimum": 0 }),
        }
    } else if is(TypeId::of::<Duration>()) {
        json!({ "type": "string", "examples": ["72h", "90m", "30s"] })
    } else {
        json!({ "type": "string" })
    }
}
