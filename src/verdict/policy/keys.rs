//! The keys of a policy or configuration that no option sets.

/// A key that only a file can set.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub key: &'static str,
    /// Its JSON Schema.
    pub schema: &'static str,
    /// A value that it may have, as it is written in TOML.
    pub example: &'static str,
    /// What it is.
    pub says: &'static str,
}

/// The list of tables for what somebody accepts by name.
pub(crate) const WAIVER: &str = "waiver";

const TEXT: &str = r#"{"type": "string", "minLength": 1}"#;
const NAMES: &str = r#"{"type": "array", "items": {"type": "string"}}"#;
const STATUSES: &str = r#"{"type": "array", "items": {"type": "string", "pattern": "^[1-5](xx|[0-9][0-9])$"}}"#;
const COUNT: &str = r#"{"type": "integer", "minimum": 1}"#;

/// Every key that only a file can set; the parser of the policy knows the same.
pub(crate) const KEYS: &[Key] = &[
    Key {
        table: "logs",
        key: "ignore",
        schema: r#"{"type": "array", "items": {"type": "string", "minLength": 4}}"#,
        example: r#"["connection reset by peer"]"#,
        says: "Texts of messages that are not held against the logs",
    },
    Key {
        table: "logs",
        key: "error_statuses",
        schema: STATUSES,
        example: r#"["5xx"]"#,
        says: "Statuses of responses in access logs that are errors: classes such as 5xx, or single ones",
    },
    Key {
        table: "logs",
        key: "warn_statuses",
        schema: STATUSES,
        example: r#"["4xx"]"#,
        says: "The same for warnings, where they are no errors",
    },
    Key {
        table: "logs",
        key: "layout",
        schema: r#"{"type": "object"}"#,
        example: r#"{ text = [{ time = "YYYY-MM-DD hh:mm:ss", level = ["behind-1"] }] }"#,
        says: "Where lines of the logs state time and level, instead of what they themselves show",
    },
    Key {
        table: "performance",
        key: "figures",
        schema: r#"{"type": "object", "additionalProperties": {"type": "object", "additionalProperties": false,
            "required": ["pointer"], "properties": {"pointer": {"type": "string", "pattern": "^/"}, "max": {"type": "number"},
            "min": {"type": "number"}, "warn": {"type": "number"}, "unit": {"type": "string"}}}}"#,
        example: r#"{ p99 = { pointer = "/latency/p99_ms", max = 250, warn = 200, unit = "ms" } }"#,
        says: "Figures of the performance report, each with a JSON pointer and the limits max, min or both",
    },
    Key {
        table: "signatures",
        key: "verify_keys",
        schema: NAMES,
        example: r#"["release.pub"]"#,
        says: "Files of public keys whose signatures are asked for",
    },
    Key {
        table: "signatures",
        key: "min_signatures",
        schema: COUNT,
        example: "1",
        says: "How many of these keys must have signed",
    },
    Key {
        table: "signatures",
        key: "reviewers",
        schema: r#"{"type": "object", "additionalProperties": {"type": "string"}}"#,
        example: r#"{ ada = "ada.pub" }"#,
        says: "Reviewers with the files of their public keys",
    },
    Key {
        table: "signatures",
        key: "min_approvals",
        schema: COUNT,
        example: "1",
        says: "How many of them must approve",
    },
    Key {
        table: "waivers",
        key: "max_days",
        schema: r#"{"type": "integer", "minimum": 0}"#,
        example: "90",
        says: "How many days ahead a waiver may reach",
    },
    Key { table: WAIVER, key: "gate", schema: TEXT, example: r#""uptime""#, says: "The gate that may fail" },
    Key {
        table: WAIVER,
        key: "finding",
        schema: TEXT,
        example: r#""0123456789ab""#,
        says: "The finding that may be there, by its id; a waiver is for a gate or for a finding",
    },
    Key { table: WAIVER, key: "owner", schema: TEXT, example: r#""ada""#, says: "Who answers for it" },
    Key { table: WAIVER, key: "reason", schema: TEXT, example: r#""planned fail-over at noon""#, says: "Why" },
    Key {
        table: WAIVER,
        key: "expires",
        schema: r#"{"type": "string"}"#,
        example: r#""2026-12-31""#,
        says: "The last day on which it holds",
    },
    Key {
        table: "diary",
        key: "explained_by",
        schema: NAMES,
        example: r#"["metadata.why"]"#,
        says: "Fields by which an entry is explained: each must be there",
    },
    Key {
        table: "diary",
        key: "min_explained",
        schema: r#"{"type": ["number", "string"]}"#,
        example: r#""90%""#,
        says: "The least share of entries that are; needs explained_by",
    },
    Key {
        table: "diary",
        key: "explained_severity",
        schema: r#"{"enum": ["warn", "fail"]}"#,
        example: r#""warn""#,
        says: "What a smaller share is; needs explained_by",
    },
    Key {
        table: "readiness",
        key: "required",
        schema: NAMES,
        example: r#"["validation", "on-call"]"#,
        says: "Components that must be there",
    },
    Key {
        table: "readiness",
        key: "optional",
        schema: NAMES,
        example: r#"["drift"]"#,
        says: "Components whose FAIL is a WARN",
    },
    Key {
        table: "readiness",
        key: "warn_blocks",
        schema: NAMES,
        example: r#"["on-call"]"#,
        says: "Components whose WARN is a FAIL",
    },
    Key {
        table: "readiness",
        key: "fail_on_warn",
        schema: r#"{"type": "boolean"}"#,
        example: r#"false"#,
        says: "Whether every WARN of a component is a FAIL",
    },
    Key {
        table: "readiness",
        key: "max_warn",
        schema: r#"{"type": "integer", "minimum": 0}"#,
        example: r#"2"#,
        says: "More components in WARN are a FAIL",
    },
    Key {
        table: "readiness",
        key: "max_age_warn",
        schema: TEXT,
        example: r#""24h""#,
        says: "An older component is a WARN; \"none\" where its age is not judged",
    },
    Key {
        table: "readiness",
        key: "max_age_fail",
        schema: TEXT,
        example: r#""48h""#,
        says: "An older component is a FAIL",
    },
    Key {
        table: "readiness",
        key: "accept_status",
        schema: NAMES,
        example: r#"["parked"]"#,
        says: "Words that are a pass beside those known",
    },
    Key {
        table: "readiness",
        key: "components",
        schema: r#"{"type": "object", "additionalProperties": {"type": "object", "additionalProperties": false, "properties":
            {"max_age_warn": {"type": "string"}, "max_age_fail": {"type": "string"}}}}"#,
        example: r#"{ feed = { max_age_fail = "1h" } }"#,
        says: "How old some components may be",
    },
    Key {
        table: "validation",
        key: "min_success_rate",
        schema: r#"{"type": ["number", "string"]}"#,
        example: r#""95%""#,
        says: "A lower share of passed checks is a FAIL where a check failed",
    },
    Key {
        table: "validation",
        key: "required_checks",
        schema: NAMES,
        example: r#"["feed"]"#,
        says: "Checks that must be there and pass",
    },
    Key {
        table: "validation",
        key: "history",
        schema: NAMES,
        example: r#"["reports/yesterday.json"]"#,
        says: "Earlier reports; two in a row that failed are a FAIL",
    },
    Key {
        table: "drift",
        key: "expected",
        schema: NAMES,
        example: r#"["latency"]"#,
        says: "Series that must be there",
    },
    Key {
        table: "baseline",
        key: "confirm",
        schema: r#"{"type": "integer", "minimum": 1, "maximum": 10}"#,
        example: "2",
        says: "How many runs in a row must be worse than accepted ones before it is a FAIL",
    },
    Key {
        table: "baseline",
        key: "metrics",
        schema: r#"{"type": "object", "additionalProperties": {"type": "object", "additionalProperties": false, "properties":
            {"pointer": {"type": "string"}, "better": {"enum": ["lower", "higher", "neither"]}, "unit": {"type": "string"},
            "min_change": {"type": ["number", "string"]}, "floor": {"type": ["number", "string"]}}}}"#,
        example: r#"{ p99 = { pointer = "/latency/p99_ms", better = "lower", min_change = "10%", floor = "5ms" } }"#,
        says: "Figures of the performance report that are held against those of accepted runs",
    },
];

/// The tables whose keys are those of other systems: each with what its keys are, and one of them.
pub(crate) const OPEN_TABLES: [(&str, &str, &str); 2] = [
    (
        "incident",
        "Limits of the response to incidents, by their names without INCIDENT_ in small letters",
        "mtta_fail_minutes = 30",
    ),
    ("budgets", "What each figure of a component must be, by its JSON pointer or its name", "max_lag_ms = 250"),
];
