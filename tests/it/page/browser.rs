//! A browser that is driven over its pipe: no port, no network.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

/// A headless Chromium with one page.
pub(super) struct Browser {
    child: Child,
    to: File,
    from: File,
    read: Vec<u8>,
    number: u64,
    session: String,
    /// What the page wrote to its console, its errors, and what its policy refused.
    pub(super) complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

/// The browser of this machine; none if there is none.
pub(super) fn open() -> Option<Browser> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path);
    found.map(|program| Browser::start(&program))
}

fn in_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

impl Browser {
    fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (browser_in, to) = rustix::pipe::pipe().unwrap();
        let (from, browser_out) = rustix::pipe::pipe().unwrap();
        // The browser reads its third and writes its fourth descriptor; a shell puts them there.
        let script = r#"exec 3<&"$1" 4>&"$2"; shift 2; exec "$@""#;
        let number = |fd: &OwnedFd| {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty()).unwrap();
            std::os::fd::AsRawFd::as_raw_fd(fd).to_string()
        };
        let mut command = Command::new("bash");
        command.args(["-c", script, "bash", &number(&browser_in), &number(&browser_out)]).arg(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for ours in [to.as_fd(), from.as_fd()] {
            rustix::io::fcntl_setfd(ours, rustix::io::FdFlags::CLOEXEC).unwrap();
        }
        let mut browser = Self {
            child,
            to: to.into(),
            from: from.into(),
            read: Vec::new(),
            number: 0,
            session: String::new(),
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.send("Target.createTarget", &json!({"url": "about:blank"}));
        let session = browser.send("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.send(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Sends a command and gives its result.
    pub(super) fn send(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.next();
            if message["id"] == self.number {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.notice(&message);
        }
    }

    fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == 0) {
                let message: Vec<u8> = self.read.drain(..=end).collect();
                return serde_json::from_slice(&message[..end]).unwrap();
            }
            let mut chunk = vec![0; 1 << 16];
            let read = self.from.read(&mut chunk).unwrap();
            assert!(read > 0, "the browser has gone");
            self.read.extend_from_slice(&chunk[..read]);
        }
    }

    /// Keeps what the page complains of, and every request that is not for a file of ours.
    fn notice(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                self.complaints.push(params.to_string());
            }
            "Network.requestWillBeSent" => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                if !url.starts_with("file://") {
                    self.complaints.push(format!("a request for {url}"));
                }
            }
            _ => {}
        }
    }

    /// Opens a file and waits until it is loaded; light or dark, at this width.
    pub(super) fn show(&mut self, page: &Path, scheme: &str, width: u32) {
        self.complaints.clear();
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.send("Emulation.setEmulatedMedia", &json!({"features": features}));
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.send("Emulation.setDeviceMetricsOverride", &metrics);
        self.send("Page.navigate", &json!({"url": format!("file://{}", page.display())}));
        while self.run("document.readyState") != "complete" || self.run("location.protocol") != "file:" {}
    }

    /// The value of an expression on the page.
    pub(super) fn run(&mut self, expression: &str) -> Value {
        let result = self
            .send("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true, "awaitPromise": true}));
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The page as a PDF.
    pub(super) fn print(&mut self) -> Vec<u8> {
        let pdf = self.send("Page.printToPDF", &json!({"preferCSSPageSize": true}));
        base64::engine::general_purpose::STANDARD.decode(pdf["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
