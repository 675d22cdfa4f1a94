//! `emp-ops stage-smoke`: prove a staging environment end to end.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::export::{ExportArgs, Exports};
use super::{Common, Error, NO_VERDICT, Outcome};
use crate::finding::Status;
use crate::io::process::interrupt::Interrupts;
use crate::io::stage_client::{self, Client, Pin, Route};
use crate::io::{clock, files, random};
use crate::report;
use crate::sanitize;
use crate::simulate::stage_server::{self, Scenario};
use crate::stage::observation::{DEFAULT_PATH, Observation};
use crate::stage::smoke::{self, AlertOutcome, Config, Machine, Report, Settings, Step, decide_seeding};
use clap::Args;

/// How far an observation may be in the future and still count.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// Options of `stage-smoke`.
#[derive(Debug, Args)]
pub(crate) struct StageSmoke {
    /// Where staging is, such as https://stage.example.org/api
    #[arg(long, value_name = "URL", required_unless_present = "simulate", conflicts_with = "simulate",
        value_parser = stage_client::base_url)]
    base_url: Option<String>,
    /// Use the built-in staging server on loopback, in this scenario
    #[arg(long, value_enum, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "clean")]
    simulate: Option<Scenario>,

    /// The account; one with the role admin
    #[arg(long, default_value = stage_server::EMAIL, value_parser = named, help_heading = "Account and session")]
    email: String,
    /// The environment variable that holds the password
    #[arg(long, value_name = "NAME", conflicts_with_all = ["password_file", "simulate"],
        help_heading = "Account and session")]
    password_env: Option<String>,
    /// The file that holds the password, on its first line
    #[arg(long, value_name = "PATH", conflicts_with = "simulate", help_heading = "Account and session")]
    password_file: Option<PathBuf>,
    /// The session to create [default: stage-smoke-<milliseconds since 1970>]
    #[arg(long, value_name = "ID", value_parser = named, help_heading = "Account and session")]
    session_id: Option<String>,
    /// The title of the session
    #[arg(long, value_name = "TEXT", default_value = "Staging smoke", help_heading = "Account and session")]
    session_title: String,

    /// The limit of each request and each wait
    #[arg(long, value_name = "D", default_value = "10s", value_parser = super::positive_duration,
        help_heading = "Limits")]
    timeout: Duration,
    /// The limit of the whole command [default: 2m for each run]
    #[arg(long, value_name = "D", value_parser = super::positive_duration, help_heading = "Limits")]
    deadline: Option<Duration>,
    /// A step that is slower than this is a WARN (repeatable)
    #[arg(long = "slo", value_name = "STEP=D", value_parser = slo, help_heading = "Limits")]
    slos: Vec<(Step, Duration)>,
    /// How often a request is sent again after a failure that may pass
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=20),
        help_heading = "Limits")]
    retries: u32,
    /// Run it this often, and show percentiles
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000),
        help_heading = "Limits")]
    repeat: u32,

    /// Trust the certificates of this PEM file too
    #[arg(long, value_name = "PEM", help_heading = "Network")]
    ca_cert: Option<PathBuf>,
    /// Send requests for HOST:PORT to ADDR; the name in TLS stays (repeatable)
    #[arg(long = "resolve", value_name = "HOST:PORT:ADDR", value_parser = stage_client::pin, help_heading = "Network")]
    pins: Vec<Pin>,

    /// Leave the safety check and its alert out
    #[arg(long, conflicts_with_all = ["seed_admin_alert", "auto_seed"], help_heading = "Admin alert")]
    skip_admin_alert: bool,
    /// Send a seeded alert where no live one comes
    #[arg(long, help_heading = "Admin alert")]
    seed_admin_alert: bool,
    /// Do not seed where the last observation is a live alert inside the window
    #[arg(long, help_heading = "Admin alert")]
    auto_seed: bool,
    /// How long an observation counts
    #[arg(long, value_name = "D", default_value = "6h", value_parser = super::positive_duration,
        help_heading = "Admin alert")]
    window: Duration,
    /// The observation, read and written
    #[arg(long, value_name = "PATH", default_value = DEFAULT_PATH, help_heading = "Admin alert")]
    observation: PathBuf,

    /// Where the report goes
    #[arg(long, value_name = "PATH", default_value = "artifacts/stage-smoke.json", help_heading = "Output")]
    report: PathBuf,
    #[command(flatten)]
    pub export: ExportArgs,
}

/// clap parser for a name, which must not be blank.
fn named(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("write a name that is not blank".to_owned()) } else { Ok(text.to_owned()) }
}

/// Runs the command.
///
/// # Errors
/// The options do not fit together, the password or a certificate cannot be read, or a result cannot be written.
pub(crate) fn run(common: &Common, args: &StageSmoke, exports: &Exports) -> Result<ExitCode, Error> {
    for path in [&args.report, &args.observation] {
        files::check_writable(path)?;
    }
    let (route, password) = destination(common, args)?;
    if password.len() < sanitize::SHORTEST_SECRET {
        common.note("the password is so short that it is hidden only where it is a whole value, not within a text");
    }
    let client = Client::new(&route).map_err(Error::Usage)?;
    let interrupts = Interrupts::catch()?;
    let started = Instant::now();
    let whole = args.deadline.unwrap_or(Duration::from_secs(120) * args.repeat);
    let mut reports: Vec<Report> = Vec::new();
    let mut unwritten = None;
    for turn in 0..args.repeat {
        let left = whole.saturating_sub(started.elapsed());
        if left < Duration::from_millis(50) || interrupts.pending().is_some() {
            break;
        }
        let (settings, mut config) = prepare(args, &route, &password, turn, left)?;
        config.deadline_ms = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
        let mut machine = Machine::new(settings);
        stage_client::run(&mut machine, &client, &interrupts);
        let (mut report, alert, settings) = machine.finish(config);
        report.simulated = args.simulate.is_some();
        // The verdict is worth more than its files: a failure to write is told after it.
        unwritten = unwritten.or(observe(args, &alert, &settings).err());
        reports.push(report);
    }
    let percentiles = if args.repeat > 1 { smoke::percentiles(&reports) } else { Vec::new() };
    let done = reports.len();
    // The worst run speaks for all; of equally bad ones the last.
    let Some(mut report) = reports.into_iter().max_by_key(|report| report.status) else {
        return Err(Error::NoVerdict("the deadline left no time for a run".to_owned()));
    };
    report.percentiles = percentiles;
    if done < args.repeat as usize && report.status < Status::Fail {
        let text = format!("only {done} of {} runs were made before the deadline", args.repeat);
        report.findings.insert(0, crate::finding::Finding::warn(text));
        (report.status, report.verdict) = (Status::Warn, Status::Warn);
    }
    unwritten = files::replace_json(&args.report, &report).err().or(unwritten);
    let doc = report::stage_smoke::doc(&report, &next_steps(&report, args));
    let view = report::stage_smoke::view(&report);
    let outcome = Outcome { name: "stage_smoke", view: &view, json: &report, doc: &doc };
    let code = common.emit(&outcome)?;
    match (unwritten, interrupts.pending()) {
        (Some(error), _) => Err(error.into()),
        (None, Some(signal)) => Err(Error::Interrupted(signal)),
        (None, None) if !report.answered => {
            exports.unfinished(&format!("nothing answered at {}", report.base_url))?;
            Ok(NO_VERDICT.into())
        }
        (None, None) => {
            let page = |_: &Path| report::page::stage_smoke(&doc, &report, clock::generated_at());
            exports.finish(common.fail_on, &outcome, page)?;
            Ok(code)
        }
    }
}

/// Where the requests go, and the password: of the built-in server, or as the options say.
fn destination(common: &Common, args: &StageSmoke) -> Result<(Route, String), Error> {
    if let Some(scenario) = args.simulate {
        let server = stage_server::start(0, scenario)
            .map_err(|error| Error::NoVerdict(format!("cannot start the simulated server: {error}")))?;
        if let Some(pem) = &server.ca_pem {
            let path = args.report.with_file_name("simulated-stage-ca.pem");
            files::replace(&path, pem.as_bytes())?;
            common.note(&format!("the simulated server's CA is in {}", path.display()));
        }
        // localhost may mean another family than the one that the server listens on.
        let port = server.base_url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
        let pins = vec![Pin { host: "localhost".to_owned(), port, address: std::net::Ipv4Addr::LOCALHOST.into() }];
        let ca_pem = server.ca_pem.map(|pem| pem.as_bytes().to_vec());
        return Ok((Route { base: server.base_url, ca_pem, pins, direct: true }, server.password));
    }
    let ca_pem = args.ca_cert.as_deref().map(files::read).transpose()?;
    let base = args.base_url.clone().unwrap_or_default();
    Ok((Route { base, ca_pem, pins: args.pins.clone(), direct: false }, password(args)?))
}

fn password(args: &StageSmoke) -> Result<String, Error> {
    let (text, source) = match (&args.password_env, &args.password_file) {
        (Some(name), _) => {
            let text = std::env::var(name).map_err(|_| {
                Error::Usage(format!("the environment variable {name} holds no password; set it first"))
            })?;
            (text, format!("the environment variable {name}"))
        }
        (None, Some(path)) => {
            let text = String::from_utf8_lossy(&files::read(path)?).into_owned();
            (text.lines().next().unwrap_or_default().to_owned(), path.display().to_string())
        }
        (None, None) => {
            return Err(Error::Usage(
                "no password is given; name the environment variable that holds it with --password-env NAME, or a file \
                 with --password-file PATH"
                    .to_owned(),
            ));
        }
    };
    if text.is_empty() { Err(Error::Usage(format!("the password in {source} is empty"))) } else { Ok(text) }
}

/// One run's settings, with the decision about seeding.
fn prepare(
    args: &StageSmoke,
    route: &Route,
    password: &str,
    turn: u32,
    left: Duration,
) -> Result<(Settings, Config), Error> {
    let started_at = clock::now();
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let path = absolute(&args.observation);
    let decision = args
        .auto_seed
        .then(|| {
            Ok::<_, Error>(decide_seeding(
                last_observation(args)?.as_ref(),
                args.window,
                MAX_SKEW,
                started_at,
                path.clone(),
            ))
        })
        .transpose()?;
    let seed_alert = args.seed_admin_alert && !decision.as_ref().is_some_and(|decision| decision.switched_off);
    let session_id = match (&args.session_id, turn) {
        (Some(id), 0) => id.clone(),
        (Some(id), _) => format!("{id}-{turn}"),
        (None, _) => format!("stage-smoke-{}", started_at.micros() / 1000),
    };
    let millis = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let slos: BTreeMap<Step, Duration> = args.slos.iter().copied().collect();
    let config = Config {
        timeout_ms: millis(args.timeout),
        deadline_ms: 0,
        skip_admin_alert: args.skip_admin_alert,
        seed_admin_alert: seed_alert,
        report_path: Some(args.report.display().to_string()),
        skip_sse: false,
        auto_admin_alert: args.auto_seed,
        admin_alert_observation_path: Some(path),
        admin_alert_observation_window_ms: millis(args.window),
        admin_alert_auto_decision: decision,
        retries: args.retries,
        slo_ms: BTreeMap::new(),
    };
    let settings = Settings {
        run_id: random::uuid().map_err(|error| Error::NoVerdict(format!("no random bytes: {error}")))?,
        base_url: route.base.clone(),
        email: args.email.clone(),
        password: password.to_owned(),
        session_id,
        session_title: args.session_title.clone(),
        timeout: args.timeout,
        deadline: left,
        skip_alert: args.skip_admin_alert,
        seed_alert,
        retries: args.retries,
        slos,
        started_at,
    };
    Ok((settings, config))
}

/// The observation so far; one that cannot be read as such counts as none.
fn last_observation(args: &StageSmoke) -> Result<Option<Observation>, files::FileError> {
    match files::read_found(&args.observation) {
        Ok(bytes) => Ok(Observation::read(&bytes).ok()),
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn observe(args: &StageSmoke, alert: &AlertOutcome, settings: &Settings) -> Result<(), files::FileError> {
    let before = last_observation(args)?;
    let simulated = args.simulate.is_some();
    // A simulation says nothing about a real environment, so it leaves what is known about one alone.
    if simulated && before.as_ref().is_some_and(|before| !before.simulated) {
        return Ok(());
    }
    let after = Observation { simulated, ..alert.observe(before, settings, clock::now()) };
    files::replace_json(&args.observation, &after)
}

fn next_steps(report: &Report, args: &StageSmoke) -> Vec<String> {
    let mut next = Vec::new();
    match report.status {
        Status::Pass => {}
        Status::Warn => next.push("look at the warnings; the environment is usable".to_owned()),
        Status::Fail if report.answered => next.push("fix what failed first, then run this again".to_owned()),
        Status::Fail => next.push("nothing answered: check the URL, the network and the certificates".to_owned()),
    }
    next.push(format!("emp-ops stage-alerts --observation {}", args.observation.display()));
    next
}

fn slo(text: &str) -> Result<(Step, Duration), String> {
    let words = || Step::ALL.map(Step::word).join(", ");
    let (name, limit) = text.split_once('=').ok_or_else(|| format!("write STEP=D; the steps are {}", words()))?;
    let step = Step::ALL.into_iter().find(|step| step.word() == name.trim());
    let step = step.ok_or_else(|| format!("{name:?} is no step; the steps are {}", words()))?;
    Ok((step, super::positive_duration(limit)?))
}
