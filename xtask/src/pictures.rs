//! `cargo xtask pictures`: the pictures of README, from a real run: the dashboard as tmux shows it, as SVG, and the page for
//! reviewers as Chromium shows it, as PNG.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Outcome, cargo, output};

/// Columns and rows of the terminal.
const SIZE: (usize, usize) = (100, 24);
/// Pixels of a character cell.
const CELL: (f64, f64) = (8.4, 17.0);
/// Pictures of the page: the name, the section that it shows alone, and the pixels of the window.
const PARTS: [(&str, Option<&str>, &str); 2] =
    [("page.png", None, "1040,1430"), ("timeline.png", Some("timeline"), "1040,610")];
/// Bytes that no picture exceeds: a reader of README pays for each.
const MOST: u64 = 150_000;
/// How long the rehearsal takes, and after how much of it the dashboard is taken.
const RUN: (&str, Duration) = ("75s", Duration::from_secs(62));

/// What is rehearsed: a service that is busy, complains, stalls once, and crashes once.
const SERVICE: &str = r#"
say() { printf '{"timestamp":"%s","level":"%s","message":"%s"}\n' "$(date -u +%FT%TZ)" "$1" "$2"; }
report() {
    now=$(date -u +%FT%TZ)
    echo "{\"entry_id\": \"order-$1\", \"recorded_at\": \"$now\", \"policy_id\": \"paper\", \"outcomes\": {\"status\": \"filled\"}}" >> "$DECISION_DIARY_PATH"
    echo "{\"period_start\": \"$start\", \"generated_at\": \"$now\", \"orders\": $1, \"latency\": {\"p99_ms\": $((150 + $1 % 40))}}" > "$PERFORMANCE_METRICS_PATH.new"
    mv "$PERFORMANCE_METRICS_PATH.new" "$PERFORMANCE_METRICS_PATH"
}
trap 'exit 0' INT TERM
start=$(date -u +%FT%TZ)
say info "connected to the paper venue"
n=0; [ -e crashed ] && n=200
while :; do
    n=$((n + 1))
    for order in 1 2 3; do say info "order $n-$order filled"; done
    [ $((n % 10)) = 0 ] && report "$n"
    [ $((n % 29)) = 0 ] && say warning "order book is $((n % 7 * 50 + 120)) ms behind"
    [ "$n" = 60 ] && sleep 6
    [ "$n" = 90 ] && say error "order rejected by the venue: price outside of the band"
    if [ "$n" = 130 ]; then touch crashed; say error "lost the session with the venue"; exit 70; fi
    i=0; while [ $i -lt $((n * 40 % 9000)) ]; do i=$((i + 1)); done
    sleep 0.2
done
"#;

/// Makes the pictures in `runbooks/pictures`.
pub(crate) fn run() -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no folder above it")?;
    for tool in [["tmux", "-V"], ["chromium", "--version"]] {
        output(Command::new(tool[0]).arg(tool[1]))?;
    }
    output(cargo().args(["build", "--package", "emp-ops"]))?;
    let tool = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("emp-ops");
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = root.join("runbooks/pictures");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;

    let mut rehearsal = rehearse(&tool, work.path())?;
    let terminal = Terminal::open(work.path(), &tool)?;
    let screen = terminal.after(RUN.1)?;
    drop(terminal);
    write(&folder.join("dashboard.svg"), svg(&screen).as_bytes())?;

    rehearsal.wait().map_err(|error| error.to_string())?;
    let page = work.path().join("runs/release-7/report.html");
    let whole = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    for (name, section, window) in PARTS {
        let shown = section.map_or_else(|| Some(whole.clone()), |id| only(&whole, id));
        let page = work.path().join("shown.html");
        fs::write(&page, shown.ok_or_else(|| format!("the page has no section for {name}"))?)
            .map_err(|error| error.to_string())?;
        let picture = folder.join(name);
        let mut browser = Command::new("chromium");
        browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        // Smaller than life, so that one picture shows more than the first screen.
        browser.arg("--force-device-scale-factor=0.7").arg(format!("--window-size={window}"));
        browser.arg(format!("--user-data-dir={}", work.path().join("browser").display()));
        browser.arg(format!("--screenshot={}", picture.display()));
        output(browser.arg(&page))?;
        small(&picture)?;
    }
    Ok(())
}

/// The page with nothing but one of its sections.
fn only(page: &str, id: &str) -> Option<String> {
    let (before, rest) = page.split_once("<a class=\"skip\"")?;
    let section = format!("<section aria-labelledby=\"{id}\">");
    let (content, _) = rest.split_once(&section)?.1.split_once("</section>")?;
    Some(format!("{before}<main>{section}{content}</section></main></body></html>"))
}

/// Begins the rehearsal in `folder`.
fn rehearse(tool: &Path, folder: &Path) -> Result<Child, String> {
    write(&folder.join("service.sh"), SERVICE.as_bytes())?;
    let policy = "[performance.figures.p99]\npointer = \"/latency/p99_ms\"\nmax = 200\nunit = \"ms\"\n\n[[waiver]]\n\
        gate = \"logs\"\nowner = \"venue desk\"\nreason = \"the paper venue was restarted by its owner\"\n";
    let expires = (output(Command::new("date").args(["-u", "-d", "+30 days", "+%F"]))?).trim().to_owned();
    write(&folder.join("policy.toml"), format!("{policy}expires = {expires}\n").as_bytes())?;
    let options = format!(
        "final-dry-run -q --duration {} --run-name release-7 --policy policy.toml --progress-interval 1s \
         --sample-interval 500ms --max-rss 256MiB --warn-gap 5s --restart on-failure --env HOME --attendee",
        RUN.0
    );
    let mut command = Command::new(tool);
    command.current_dir(folder).args(options.split_whitespace()).arg("release manager");
    command.args(["--label", "Release 7", "--", "sh", "service.sh"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| error.to_string())
}

/// The dashboard in a terminal of its own.
struct Terminal {
    socket: String,
    opened: Instant,
}

impl Terminal {
    fn open(folder: &Path, tool: &Path) -> Result<Self, String> {
        let terminal = Self { socket: folder.join("tmux").display().to_string(), opened: Instant::now() };
        let (columns, rows) = (SIZE.0.to_string(), SIZE.1.to_string());
        let watch = format!("{} watch runs --color always", tool.display());
        let size = ["-x", &columns, "-y", &rows];
        let folder = folder.display().to_string();
        output(terminal.tmux(&["new-session", "-d", "-c", &folder]).args(size).arg(watch))?;
        Ok(terminal)
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        // Nothing of what the user has configured shows in the picture.
        tmux.args(["-f", "/dev/null", "-S", &self.socket]).args(args);
        tmux
    }

    /// What is on the screen so long after it was opened.
    fn after(&self, time: Duration) -> Result<String, String> {
        thread::sleep(time.saturating_sub(self.opened.elapsed()));
        output(&mut self.tmux(&["capture-pane", "-e", "-p"]))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = output(&mut self.tmux(&["kill-server"]));
    }
}

/// How a piece of text looks.
#[derive(Clone, Copy, Default, PartialEq)]
struct Look {
    color: Option<usize>,
    bold: bool,
    dim: bool,
    reversed: bool,
}

impl Look {
    /// Takes the numbers of one `ESC [ … m`.
    fn take(&mut self, numbers: &str) {
        for number in numbers.split(';').map(|number| number.parse().unwrap_or(0)) {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                7 => self.reversed = true,
                30..=37 => self.color = Some(number - 30),
                39 => self.color = None,
                _ => {}
            }
        }
    }
}

const GROUND: &str = "#0d1117";
const TEXT: &str = "#c9d1d9";
/// The colours of a terminal that this draws, from black to white.
const COLORS: [&str; 8] = ["#484f58", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"];

/// A screen with colours as a picture.
fn svg(screen: &str) -> String {
    let (width, height) = (SIZE.0 as f64 * CELL.0 + 20.0, SIZE.1 as f64 * CELL.1 + 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <title>The dashboard of emp-ops watch</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n"
    );
    let mut look = Look::default();
    for (row, line) in screen.lines().enumerate() {
        let mut column = 0;
        for part in line.split("\u{1b}[") {
            let text = match part.split_once('m') {
                Some((numbers, text)) if numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b';') => {
                    // The line may begin with text.
                    if part.as_ptr() != line.as_ptr() {
                        look.take(numbers);
                        text
                    } else {
                        part
                    }
                }
                _ => part,
            };
            svg.push_str(&piece(text, (column, row), look));
            column += text.chars().count();
        }
    }
    svg + "</svg>\n"
}

/// A piece of text in one look, from a cell on.
fn piece(text: &str, (column, row): (usize, usize), look: Look) -> String {
    let shown = text.trim_end();
    if shown.is_empty() && !look.reversed {
        return String::new();
    }
    let text = if look.reversed { text } else { shown };
    let (x, y) = (10.0 + column as f64 * CELL.0, 10.0 + row as f64 * CELL.1);
    let width = text.chars().count() as f64 * CELL.0;
    let color = look.color.map_or(TEXT, |color| COLORS[color]);
    let ground = if look.reversed {
        format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.0}\" fill=\"{color}\"/>", CELL.1)
    } else {
        String::new()
    };
    let fill = if look.reversed { GROUND } else { color };
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let faint = if look.dim { " opacity=\".7\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "{ground}<text xml:space=\"preserve\" x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" \
         fill=\"{fill}\"{weight}{faint}>{text}</text>\n",
        y + 12.5
    )
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    small(path)
}

/// Complains of a picture that costs its readers too much.
fn small(path: &Path) -> Outcome {
    let bytes = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    println!("{}: {bytes} bytes", path.display());
    if bytes > MOST { Err(format!("{} has {bytes} bytes; at most {MOST} are wanted", path.display())) } else { Ok(()) }
}
