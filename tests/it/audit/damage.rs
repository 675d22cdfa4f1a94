//! Damaged documents: whatever the bytes, there is a summary, and nothing that cannot be read passes.

use emp_ops::evidence::{checksums, diary, performance, terraform_plan};
use emp_ops::finding::Status;
use emp_ops::verdict::policy;
use proptest::prelude::*;

use crate::harness::fixture;

/// The bytes of one of our good documents with some of them replaced, removed or doubled.
fn damaged(name: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let good = std::fs::read(fixture(name)).unwrap();
    let edit = (0..good.len(), 0..4_u8, any::<u8>());
    prop::collection::vec(edit, 0..6).prop_map(move |edits| {
        let mut bytes = good.clone();
        for (at, what, byte) in edits {
            let at = at.min(bytes.len().saturating_sub(1));
            match what {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_damaged_diary_is_judged(bytes in damaged("audit/clean/diary.json")) {
        let summary = diary::summarise("d", &bytes[..], None, &diary::Rules::default());
        prop_assert!(summary.total_entries > 0 || summary.status == Status::Fail);
    }

    #[test]
    fn a_damaged_report_is_judged(bytes in damaged("audit/clean/performance.json")) {
        let summary = performance::summarise("p", &bytes, None, &performance::Rules::default());
        let figures = [summary.roi, summary.win_rate, summary.sharpe_ratio];
        prop_assert!(figures.iter().flatten().all(|figure| figure.is_finite()));
        prop_assert!(summary.generated_at.is_some() || summary.status == Status::Fail);
    }

    #[test]
    fn a_damaged_plan_is_judged(bytes in damaged("audit/plan.json")) {
        let _ = terraform_plan::summarise("plan", &bytes);
    }

    #[test]
    fn a_list_of_checksums_never_leads_out_of_its_folder(text in "[a-f0-9]{64}  (\\.\\./|/|\\./|a/)*[a-z.]{0,4}\n") {
        let list = checksums::read("LIST", text.as_bytes());
        for path in list.files.keys() {
            prop_assert!(checksums::is_safe(path));
            prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."), "{}", path);
        }
        prop_assert!(!list.files.is_empty() || !list.findings.is_empty());
    }

    #[test]
    fn a_damaged_policy_is_read_or_refused_with_its_place(bytes in damaged("audit/policy.toml")) {
        if let Err(error) = policy::parse("p.toml", &String::from_utf8_lossy(&bytes)) {
            prop_assert!(error.starts_with("p.toml:") && error.contains('^'), "{}", error);
        }
    }
}
