//! The page for reviewers, in the run directory and in the packet.

mod browser;

use std::fs;

use crate::harness::Bench;

#[test]
fn a_run_and_its_packet_have_a_page_that_says_what_the_documents_say() {
    let bench = Bench::new();
    let script = "echo up; echo 'ERROR: <script>alert(1)</script> is gone'; while :; do echo beat; sleep 0.1; done";
    let options = ["--no-diary", "--no-performance", "--duration", "2s", "--run-name", "r", "--", "sh", "-c", script];
    let _ = bench.run(&[&["final-dry-run"], &options[..]].concat()).exits(1);
    let folder = bench.path().join("runs/r");
    let summary: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    for (name, link) in [("report.html", "href=\"logs/"), ("packet/report.html", "href=\"raw/logs/")] {
        let page = fs::read_to_string(folder.join(name)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 300_000, "{name}");
        assert!(page.contains("Not acceptable") && page.contains("--no-diary"), "{name}");
        for gate in summary["summary"]["gates"].as_array().unwrap() {
            assert!(
                page.contains(&format!("<th scope=\"row\">{}</th>", gate["name"].as_str().unwrap())),
                "{name}: {gate}"
            );
        }
        // Hostile text is shown, and asks for nothing.
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; is gone"), "{name}");
        assert_eq!(page.matches("<script>").count(), 1, "{name}: only the filter");
        assert!(!page.contains("src=") && !page.contains("http:") && !page.contains("https:"), "{name}");
        assert!(page.contains(link), "{name}: the log is linked where it is");
        assert_eq!(page.contains("sha256sum --check --strict SHA256SUMS"), name.starts_with("packet"), "{name}");
    }
    let _ = bench.run(&["audit", "runs/r/packet", "--fail-on", "never"]).exits(0);
}

#[test]
fn no_page_is_made_where_none_is_wanted() {
    let bench = Bench::new();
    let options = ["--duration", "1s", "--run-name", "r", "--no-report", "--no-diary", "--no-performance"];
    let _ = bench.run(&[&["final-dry-run"], &options[..], &["--", "sh", "-c", "echo up; sleep 60"]].concat());
    assert!(!bench.path().join("runs/r/report.html").exists());
    assert!(!bench.path().join("runs/r/packet/report.html").exists());
}

/// Pages of three runs, by their verdict: the folder of each packet.
fn runs(bench: &Bench) -> [(&'static str, std::path::PathBuf); 3] {
    let beat = "while :; do echo beat; sleep 0.1; done";
    let broken = "echo 'ERROR: <b>lost</b>'; echo 'WARN: slow'; while :; do echo beat; sleep 0.1; done";
    for (name, command) in [("pass", beat), ("fail", broken)] {
        let options = ["--duration", "2s", "--sample-interval", "200ms", "--no-diary", "--no-performance"];
        let run = ["--run-name", name, "--label", "Release <7>", "--", "sh", "-c", command];
        let _ = bench.run(&[&["final-dry-run", "-q"], &options[..], &run].concat());
    }
    let _ = bench.run(&[
        "final-dry-run",
        "-q",
        "--simulate",
        "--duration",
        "2s",
        "--warn-gap",
        "1m",
        "--fail-gap",
        "1m",
        "--run-name",
        "warn",
    ]);
    ["PASS", "WARN", "FAIL"].map(|word| (word, bench.path().join("runs").join(word.to_lowercase()).join("packet")))
}

#[test]
fn a_browser_shows_what_the_documents_say_and_has_nothing_to_complain_of() {
    let Some(mut browser) = browser::open() else {
        return eprintln!("skipped: no Chromium is installed, so no page was looked at in a browser");
    };
    let bench = Bench::new();
    for (verdict, packet) in runs(&bench) {
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&fs::read(packet.join(name)).unwrap()).unwrap()
        };
        let summary = read("summary.json");
        for (scheme, width) in [("light", 1280), ("dark", 400)] {
            browser.show(&packet.join("report.html"), scheme, width);
            let title = browser.run("document.title");
            assert!(title.as_str().unwrap().starts_with(verdict), "{verdict}: {title}, {}", summary["headline"]);
            let text = browser.run("document.body.innerText").as_str().unwrap().to_owned();
            for gate in summary["summary"]["gates"].as_array().unwrap() {
                let row = format!(
                    "[...document.querySelectorAll('tbody tr')].find(row => row.cells[0].innerText === {}).innerText",
                    gate["name"]
                );
                let row = browser.run(&row).as_str().unwrap().to_owned();
                assert!(row.contains(gate["measured"].as_str().unwrap()), "{verdict}: {gate}: {row}");
                assert!(row.contains(&gate["status"].as_str().unwrap().to_uppercase()), "{gate}: {row}");
            }
            let run = read("raw/run.json");
            let who = format!(
                "{} on {}",
                run["provenance"]["user"].as_str().unwrap(),
                run["provenance"]["host"].as_str().unwrap()
            );
            assert!(text.contains(&who) && text.contains("Nothing was waived") == (verdict == "WARN"), "{text}");
            // Nothing is wider than the screen but what scrolls by itself.
            let wide = browser.run("document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= width.into(), "{verdict} {scheme}: {wide}");
            // Every link leads to a file of the packet or to a section.
            let links = browser.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))");
            for link in links.as_array().unwrap().iter().filter_map(serde_json::Value::as_str) {
                let there = match link.strip_prefix('#') {
                    Some(id) => browser.run(&format!("!!document.getElementById({})", serde_json::json!(id))) == true,
                    None => packet.join(link.replace("%3A", ":")).exists(),
                };
                assert!(there, "{verdict}: {link} leads nowhere");
            }
            assert!(browser.complaints.is_empty(), "{verdict}: {:?}", browser.complaints);
        }
    }
}

#[test]
fn a_browser_filters_prints_and_reads_without_style_and_script() {
    let Some(mut browser) = browser::open() else {
        return eprintln!("skipped: no Chromium is installed, so no page was looked at in a browser");
    };
    let bench = Bench::new();
    let [.., (_, packet)] = runs(&bench);
    let page = packet.join("report.html");
    browser.show(&page, "light", 1280);
    assert_eq!(browser.run("document.getElementById('filter').hidden"), false);
    let shown = "[...document.querySelectorAll('#found tbody tr')].filter(row => !row.hidden).length";
    let all = browser.run(shown).as_u64().unwrap();
    let choose = |name: &str, value: &str| {
        format!(
            "{{ const it = document.getElementById('filter').elements.{name}; it.value = '{value}'; \
             it.dispatchEvent(new Event('input', {{bubbles: true}})); }}"
        )
    };
    browser.run(&choose("severity", "fail"));
    assert_eq!(browser.run(shown), 1);
    assert_eq!(browser.run("document.getElementById('shown').textContent"), format!("1 of {all} shown"));
    browser.run(&choose("severity", ""));
    browser.run(&choose("word", "nothing says this"));
    assert_eq!(browser.run(shown), 0);
    browser.run(&choose("word", ""));
    let pdf = browser.print();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);

    // As Gmail and Jenkins show it: neither style nor script.
    let text = fs::read_to_string(&page).unwrap();
    let cut = |text: &str, tag: &str| {
        let (before, rest) = text.split_once(&format!("<{tag}>")).unwrap();
        format!("{before}{}", rest.split_once(&format!("</{tag}>")).unwrap().1)
    };
    let bare = bench.write("bare.html", cut(&cut(&text, "style"), "script"));
    browser.show(&bare, "light", 1280);
    let text = browser.run("document.body.innerText").as_str().unwrap().to_owned();
    let order =
        ["FAIL", "Not acceptable", "Gates", "Timeline", "Findings", "<b>lost</b>", "Review", "Evidence", "Verify"];
    let mut at = 0;
    for word in order {
        at += text[at..].find(word).unwrap_or_else(|| panic!("{word} is missing or out of order: {text}"));
    }
    assert!(browser.run("document.querySelector('svg rect').getAttribute('fill')").is_string());
}

/// Rules of accessibility, where the file of axe-core is at hand.
#[test]
fn the_pages_break_no_rule_of_accessibility() {
    let Some(mut browser) = browser::open() else {
        return eprintln!("skipped: no Chromium is installed, so no page was looked at in a browser");
    };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/axe.min.js");
    let Ok(axe) = fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there, so no page was checked for accessibility", path.display());
        return;
    };
    let bench = Bench::new();
    for (verdict, packet) in runs(&bench) {
        for scheme in ["light", "dark"] {
            browser.show(&packet.join("report.html"), scheme, 1280);
            browser.run(&format!("{axe};0"));
            let broken = browser.run("axe.run().then(found => JSON.stringify(found.violations.map(v => [v.id, v.nodes.map(n => n.html).slice(0, 3)])))");
            assert_eq!(broken, "[]", "{verdict} {scheme}");
        }
    }
}

/// Links of a packet lead to what is in it, in its Markdown as on its page.
#[test]
fn links_in_the_markdown_of_a_packet_lead_somewhere() {
    let bench = Bench::new();
    let script = "echo up; echo 'ERROR: gone (see ](logs/nowhere))'; while :; do echo beat; sleep 0.1; done";
    let options = ["-q", "--no-diary", "--no-performance", "--duration", "2s", "--run-name", "r", "--", "sh", "-c"];
    let _ = bench.run(&[&["final-dry-run"], &options[..], &[script]].concat()).exits(1);
    let mut links = 0;
    for folder in ["runs/r", "runs/r/packet"].map(|folder| bench.path().join(folder)) {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            for event in pulldown_cmark::Parser::new(&fs::read_to_string(&entry).unwrap()) {
                if let pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) = event {
                    let file = dest_url.split('#').next().unwrap();
                    assert!(folder.join(file).exists(), "{}: {dest_url} leads nowhere", entry.display());
                    links += 1;
                }
            }
        }
    }
    assert!(links > 10, "{links}");
}
