//! What a file of workloads may say, and what the message is where it may not.

use std::path::Path;

use super::read::{procfile, read};

const FEED: &str = "[[workload]]\nname = \"feed\"\ncommand = [\"bin/feed\"]\n";

fn refused(content: &str) -> String {
    match read("w.toml", content, Path::new("")) {
        Ok(_) => panic!("accepted: {content}"),
        Err(message) => message,
    }
}

#[test]
fn what_cannot_be_meant_is_named_at_its_place() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["w.toml: there is no workload"]),
        ("[[workload]]\ncommand = [\"x\"]\n", &["w.toml:1:1", "this workload has no name"]),
        ("[[workload]]\nname = \"feed\"\n", &["w.toml:2:8", "feed has no command"]),
        (
            "[[workload]]\nname = \"feed\"\ncommnd = [\"x\"]\n",
            &["w.toml:3:1", "unknown key `commnd`", "did you mean `command`?"],
        ),
        ("[[workload]]\nname = \"Feed\"\ncommand = [\"x\"]\n", &["w.toml:2:8", "becomes that of files", "^^^^^^"]),
        ("[[workload]]\nname = \"../x\"\ncommand = [\"x\"]\n", &["becomes that of files"]),
        ("[[workload]]\nname = \"all\"\ncommand = [\"x\"]\n", &["means something else"]),
        (
            "[[workload]]\nname = \"feed\"\ncommand = \"bin/feed --x\"\n",
            &["w.toml:3:11", "write a list: [\"bin/feed\", \"--x\"]"],
        ),
        ("[[workload]]\nname = \"feed\"\ncommand = []\n", &["there is no program"]),
        (
            "FEED\nrestrat = \"never\"\n",
            &["w.toml:5:1", "unknown key `restrat` in [[workload]]; did you mean `restart`?"],
        ),
        ("FEED\nrestart = \"on-falure\"\n", &["did you mean `on-failure`?"]),
        ("FEED\nrestart = 3\n", &["write one of never, on-failure, always"]),
        ("FEED\nhang_timeout = 5\n", &["hang_timeout: write a duration"]),
        ("FEED\nmax_restarts = -1\n", &["max_restarts: write a whole number from 0"]),
        ("FEEDFEED", &["w.toml:5:8", "there is a workload `feed` already (w.toml:2)"]),
        ("FEED\ndepends_on = [\"feed\"]\n", &["feed depends on itself"]),
        ("FEED\ndepends_on = [\"fed\"]\n", &["there is no workload `fed`; did you mean `feed`?"]),
        ("FEED\ndepends_on = { feed = \"redy\" }\n", &["unknown condition `redy`; did you mean `ready`?"]),
        (
            "FEED[[workload]]\nname = \"b\"\ncommand = [\"x\"]\ndepends_on = { feed = \"ready\" }\n",
            &["feed has no `ready`"],
        ),
        (
            "FEED[[workload]]\nname = \"b\"\ncommand = [\"x\"]\ndepends_on = { feed = \"completed\" }\n",
            &["feed is a service"],
        ),
        ("FEED\njob = true\nrestart = \"always\"\n", &["a job must end"]),
        ("FEED\njob = true\n[workload.ready]\ntcp = \"localhost:80\"\n", &["a job has no `ready`"]),
        ("FEED\nquiet = true\n", &["nothing would measure it"]),
        ("FEED\nquiet = true\n[workload.ready]\nlog = { event = \"up\" }\n", &["nothing would measure it"]),
        ("FEED\n[workload.ready]\n", &["a probe asks in exactly one way"]),
        ("FEED\n[workload.ready]\ntcp = \"localhost:80\"\nexec = [\"true\"]\n", &["a probe asks in exactly one way"]),
        ("FEED\n[workload.ready]\ntcp = \"example.org:80\"\n", &["example.org is not this machine", "allow_hosts"]),
        ("FEED\n[workload.ready]\nhttp = \"ftp://localhost\"\n", &["write a URL"]),
        ("FEED\n[workload.ready]\nlog = {}\n", &["any line would do"]),
        ("FEED\n[workload.ready]\nlog = { matches = \"(\" }\n", &["this is no regular expression"]),
        ("FEED\nrequired = false\n", &["no workload is required"]),
        ("FEED\nstop_signal = \"WINCH\"\n", &["stop_signal: write one of INT, TERM"]),
        ("FEED\nbefore_stop = [{ exec = [\"a\"], wait = \"1s\" }]\n", &["an action does exactly one thing"]),
        ("[defaults]\nname = \"x\"\nFEED", &["unknown key `name` in [defaults]"]),
        ("services = 1\nFEED", &["docker compose up"]),
    ];
    for (content, expect) in cases {
        let content = content.replace("FEED", FEED);
        let message = refused(&content);
        for part in *expect {
            assert!(message.contains(part), "{content}\n{message}\nlacks {part}");
        }
    }
}

#[test]
fn a_cycle_is_named_with_all_its_members() {
    let table =
        |name: &str, on: &str| format!("[[workload]]\nname = \"{name}\"\ncommand = [\"x\"]\ndepends_on = [{on}]\n");
    let content = [table("z", ""), table("a", "\"b\""), table("b", "\"z\", \"c\""), table("c", "\"a\"")].concat();
    let message = refused(&content);
    assert!(message.contains("none could start: a -> b -> c -> a"), "{message}");
}

#[test]
fn lines_of_a_procfile_are_commands_of_a_shell() {
    let asked = procfile("Procfile", "# all\nweb: bin/web -p $PORT; true\n\nworker: bin/worker\n").unwrap();
    let names: Vec<&str> = asked.workloads.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["web", "worker"]);
    assert_eq!(asked.workloads[0].command, ["sh", "-c", "bin/web -p $PORT; true"]);
    for (bad, part) in [("web bin/web", "Procfile:1:1"), ("web: a\nweb: b", "already"), ("", "no workload")] {
        assert!(procfile("Procfile", bad).unwrap_err().contains(part), "{bad}");
    }
}
