//! Policies, from their text to what applies.

use super::*;

#[test]
fn a_policy_file_is_read_in_full() {
    let text = r#"
        [logs]
        warn_gap = "10m"
        fail_gap = "2h"
        max_listed = 50
        [diary]
        min_entries_per_day = 24
        daily_gap_severity = "fail"
        accept_status = ["parked"]
        [performance]
        min_roi = -0.01
        [sign_off]
        min_duration = "24h"
        min_uptime = "99.5%"
        min_sharpe = 1
        allow_warnings = true
        optional_diary = true
        optional_performance = false
    "#;
    let policy = resolve(&[parse("p.toml", text).expect("a policy")]).expect("no contradiction");
    let json = serde_json::to_string_pretty(&policy).expect("JSON");
    insta::assert_snapshot!(json, @r#"
    {
      "logs": {
        "warn_gap_seconds": 600.0,
        "fail_gap_seconds": 7200.0,
        "max_listed": 50
      },
      "diary": {
        "min_entries_per_day": 24,
        "daily_gap_severity": "fail",
        "accept_status": [
          "parked"
        ]
      },
      "performance": {
        "min_roi": -0.01
      },
      "sign_off": {
        "minimum_duration_seconds": 86400.0,
        "minimum_uptime_ratio": 0.995,
        "require_diary": false,
        "require_performance": true,
        "allow_warnings": true,
        "minimum_sharpe_ratio": 1.0
      }
    }
    "#);
}

#[test]
fn the_first_layer_wins_and_contradictions_name_their_sources() {
    let minutes = |n: u64| Some(Duration::from_secs(n * 60));
    let flags = Layer { source: "the command line".to_owned(), fail_gap: minutes(5), ..Layer::default() };
    let file = Layer { source: "p.toml".to_owned(), warn_gap: minutes(10), ..Layer::default() };
    let error = resolve(&[flags.clone(), file]).expect_err("a contradiction");
    assert!(error.contains("5m (the command line)") && error.contains("10m (p.toml)"), "{error}");
    let policy = resolve(&[flags]).expect("the default moves");
    assert_eq!((policy.warn_gap(), policy.fail_gap()), (Duration::from_secs(300), Duration::from_secs(300)));
}

#[test]
fn silences_are_judged_against_the_required_duration() {
    let layer = |length: Option<&str>| Layer {
        min_duration: length.map(|length| crate::time::parse_duration(length).expect(length)),
        ..Layer::default()
    };
    for (length, warn, fail) in [
        (None, "1h", "6h"),
        (Some("72h"), "1h", "6h"),
        (Some("8h"), "1h", "4h"),
        (Some("47m"), "11m45s", "23m30s"),
        (Some("20s"), "10s", "30s"),
        (Some("0s"), "1h", "6h"),
    ] {
        let policy = resolve(&[layer(length)]).expect("no contradiction");
        let gaps = [policy.warn_gap(), policy.fail_gap()].map(duration_text);
        assert_eq!(gaps, [warn, fail], "{length:?}");
    }
}

#[test]
fn gates_named_alone_stand_alone_and_a_full_sign_off_has_them_all() {
    let alone = Layer { min_sharpe: Some(1.0), ..Layer::default() };
    let full = Layer { sign_off: true, ..Layer::default() };
    let criteria = |layers: &[Layer]| resolve(layers).expect("no contradiction").sign_off;
    assert_eq!(criteria(&[Layer::default()]), None);
    let only = criteria(std::slice::from_ref(&alone)).expect("asked for");
    assert_eq!((only.minimum_duration_seconds, only.minimum_uptime_ratio), (None, None));
    let all = criteria(&[alone, full]).expect("asked for");
    assert_eq!((all.minimum_duration_seconds, all.minimum_uptime_ratio), (Some(259_200.0), Some(0.98)));
    assert_eq!(all.minimum_sharpe_ratio, Some(1.0));
}
