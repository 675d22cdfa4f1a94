//! The adapters of `runbooks/cluster/` on real engines, as far as these are here: each must end with the report of one run.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use emp_ops::digest::sha256;

use crate::Outcome;

/// How many shards the logs are divided into, about.
const SHARDS: u64 = 64;

/// An engine: its name, what must be there to try it, and how it is tried.
struct Engine {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(&Trial) -> Outcome,
}

const ENGINES: [Engine; 7] = [
    Engine { name: "xargs", needs: &["python3 -c pass"], run: |trial| trial.local(None) },
    Engine {
        name: "GNU parallel",
        needs: &["parallel --version", "python3 -c pass"],
        run: |trial| trial.local(Some(":\n")),
    },
    Engine {
        name: "Spark, one executor killed",
        needs: &["java -version", "python3 -c import\u{a0}pyspark"],
        run: spark,
    },
    Engine { name: "Dask, one worker killed", needs: &["python3 -c import\u{a0}distributed"], run: dask },
    Engine { name: "S3, ranged reads", needs: &["python3 -c import\u{a0}moto.server,boto3"], run: s3 },
    Engine { name: "Slurm, by a stand-in for sbatch", needs: &["python3 -c pass"], run: slurm },
    Engine { name: "Kubernetes, the commands of the jobs", needs: &["python3 -c import\u{a0}yaml"], run: kubernetes },
];

/// A folder with logs, and what one run says of them.
struct Trial {
    folder: tempfile::TempDir,
    adapters: PathBuf,
    /// The program's folder first.
    path: OsString,
    /// As the program takes it: so that there are [`SHARDS`], about.
    shard_size: String,
    single: String,
}

pub(crate) fn run(program: &Path, mebibytes: u64) -> Outcome {
    let trial = Trial::new(program, mebibytes)?;
    let mut wrong = Vec::new();
    for engine in ENGINES {
        let lacks: Vec<&&str> = engine.needs.iter().filter(|needed| !trial.has(needed)).collect();
        if !lacks.is_empty() {
            println!("  skipped {}: this does not work here: {}", engine.name, lacks[0].replace('\u{a0}', " "));
            continue;
        }
        let began = Instant::now();
        match (engine.run)(&trial) {
            Ok(()) => println!("  {}: the report of one run, in {:.1?}", engine.name, began.elapsed()),
            Err(why) => wrong.push(format!("{}: {why}", engine.name)),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

impl Trial {
    fn new(program: &Path, mebibytes: u64) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        write_logs(&folder.path().join("logs"), mebibytes << 20).map_err(|e| e.to_string())?;
        let program = program.canonicalize().map_err(|e| format!("{}: {e}", program.display()))?;
        let bin = folder.path().join("bin");
        fs::create_dir(&bin)
            .and_then(|()| std::os::unix::fs::symlink(program, bin.join("emp-ops")))
            .map_err(|e| e.to_string())?;
        let before = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([bin].into_iter().chain(env::split_paths(&before))).map_err(|e| e.to_string())?;
        let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runbooks/cluster");
        let shard_size = format!("{}K", ((mebibytes << 10) / SHARDS).max(1));
        let mut trial = Self { folder, adapters, path, shard_size, single: String::new() };
        let began = Instant::now();
        trial.single = trial.report(trial.command("emp-ops").args(["audit", "--log", "logs", "--format", "json"]))?;
        println!("  one run over {mebibytes} MiB: {:.1?}, SHA-256 {}", began.elapsed(), trial.single);
        trial.do_all(trial.command("emp-ops").args([
            "audit",
            "--shard-plan",
            "plan.json",
            "--log",
            "logs",
            "--shard-size",
            &trial.shard_size,
        ]))?;
        Ok(trial)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("PATH", &self.path).env("SOURCE_DATE_EPOCH", "1767225600");
        command
    }

    fn adapter(&self, name: &str) -> Command {
        let path = self.adapters.join(name);
        if name.ends_with(".py") {
            let mut command = self.command("python3");
            command.arg(path);
            return command;
        }
        self.command(path)
    }

    fn has(&self, needed: &str) -> bool {
        let mut words = needed.split(' ').map(|word| word.replace('\u{a0}', " "));
        let mut command = self.command(words.next().unwrap_or_default());
        let status = command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs a command that must succeed.
    fn do_all(&self, command: &mut Command) -> Outcome {
        let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
        let said = || String::from_utf8_lossy(&output.stderr).lines().rev().take(12).collect::<Vec<_>>().join("\n");
        if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}\n{}", output.status, said())) }
    }

    /// The digest of the report that a command prints. The logs FAIL, so that its exit code is 1.
    fn report(&self, command: &mut Command) -> Result<String, String> {
        let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
        if output.stdout.is_empty() {
            return Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        Ok(sha256(&output.stdout))
    }

    fn must_be_single(&self, command: &mut Command) -> Outcome {
        let digest = self.report(command)?;
        if digest == self.single { Ok(()) } else { Err(format!("the digest is {digest}")) }
    }

    fn judge(&self, parts: &str) -> Outcome {
        let script = format!("find {parts} -type f -print0 | xargs -0 emp-ops audit --format json --merge plan.json");
        self.must_be_single(self.command("sh").args(["-c", &script]))
    }

    fn local(&self, nodes: Option<&str>) -> Outcome {
        let mut command = self.adapter("local.sh");
        command.args(["plan.json", "--format", "json"]).env("PARTS", if nodes.is_some() { "sent" } else { "parts" });
        if let Some(nodes) = nodes {
            fs::write(self.folder.path().join("nodes"), nodes).map_err(|e| e.to_string())?;
            command.env("NODES", "nodes");
        }
        self.must_be_single(&mut command)
    }

    /// Runs an engine, and ends one of its processes that has `mark` in its command line while that reads a shard.
    fn with_one_killed(&self, command: &mut Command, mark: &str) -> Outcome {
        let log = File::create(self.folder.path().join("engine.txt")).map_err(|e| e.to_string())?;
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let killed = kill_one(&mut child, mark)?;
        let status = child.wait().map_err(|e| e.to_string())?;
        let said = fs::read_to_string(self.folder.path().join("engine.txt")).unwrap_or_default();
        let last = said.lines().rev().take(12).collect::<Vec<_>>().join("\n");
        match (status.success(), killed) {
            (true, Some(pid)) => {
                println!("    process {pid} was killed while it read a shard");
                self.judge("out.part")
            }
            (true, None) => Err(format!("it ended before a process with `{mark}` was seen at work: give more MiB")),
            (false, _) => Err(format!("{status}\n{last}")),
        }
    }
}

/// Ends a descendant of the engine with `mark` in its command line, once emp-ops runs below it.
fn kill_one(child: &mut Child, mark: &str) -> Result<Option<u32>, String> {
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        let table = processes();
        let parent = |pid: u32| table.iter().find(|process| process.0 == pid);
        for (pid, ..) in table.iter().filter(|(_, _, line)| line.contains("--shard\0")) {
            let mut above = parent(*pid);
            while let Some((pid, next, line)) = above {
                let ours = std::iter::successors(parent(*next), |process| parent(process.1))
                    .any(|process| process.0 == child.id());
                if line.contains(mark) && ours {
                    let pid = i32::try_from(*pid).map_err(|e| e.to_string())?;
                    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL)
                        .map_err(|e| e.to_string())?;
                    return Ok(u32::try_from(pid).ok());
                }
                above = parent(*next);
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(None)
}

/// All processes: id, that of the parent, and the command line.
fn processes() -> Vec<(u32, u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let read = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, parent, String::from_utf8_lossy(&line).into_owned()))
    };
    entries.filter_map(read).collect()
}

fn spark(trial: &Trial) -> Outcome {
    let mut command = trial.command("python3");
    // The launcher of the package, wherever it is installed.
    let submit = "import os, pyspark, sys; home = os.path.dirname(pyspark.__file__); os.environ['SPARK_HOME'] = home; \
                  os.environ['PYSPARK_PYTHON'] = sys.executable; \
                  os.execv(home + '/bin/spark-submit', ['spark-submit', *sys.argv[1:]])";
    command.args(["-c", submit, "--master", "local-cluster[3,1,1024]", "--conf", "spark.speculation=true"]);
    command
        .args(["--conf", "spark.ui.enabled=false"])
        .arg(trial.adapters.join("audit_spark.py"))
        .args(["plan.json", "out.part"]);
    trial.with_one_killed(&mut command, "CoarseGrainedExecutorBackend")
}

fn dask(trial: &Trial) -> Outcome {
    trial.with_one_killed(trial.adapter("audit_dask.py").args(["2", "plan.json", "out.part"]), "multiprocessing")
}

fn s3(trial: &Trial) -> Outcome {
    const UPLOAD: &str = "import boto3, os, sys, time, pathlib
s3 = boto3.client('s3', endpoint_url=os.environ['S3_ENDPOINT'])
for _ in range(600):
    try:
        s3.create_bucket(Bucket='store')
        break
    except Exception:
        time.sleep(0.1)
for path in sorted(pathlib.Path('logs').iterdir()):
    s3.upload_file(str(path), 'store', path.name)
    at = s3.head_object(Bucket='store', Key=path.name)['LastModified'].timestamp()
    name = pathlib.Path('s3:/store', path.name)
    name.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, name)
    os.utime(name, (at, at))
    print('--log', 's3://store/' + path.name)
";
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).map_err(|e| e.to_string())?.port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let with = |mut command: Command| {
        command.env("S3_ENDPOINT", &endpoint).env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
        command.env("AWS_DEFAULT_REGION", "us-east-1");
        command
    };
    let mut server = with(trial.command("python3"));
    server.args(["-m", "moto.server", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = server.spawn().map_err(|e| e.to_string())?;
    let tried = (|| {
        let uploaded = with(trial.command("python3")).args(["-c", UPLOAD]).output().map_err(|e| e.to_string())?;
        let logs = String::from_utf8_lossy(&uploaded.stdout).into_owned();
        let single = trial
            .report(trial.command("emp-ops").arg("audit").args(logs.split_whitespace()).args(["--format", "json"]))?;
        trial.do_all(with(trial.adapter("ranges.py")).args([
            "plan",
            "s3.json",
            "store",
            "",
            "--shard-size",
            &trial.shard_size,
        ]))?;
        let script = format!(
            "set -e; mkdir s3parts; for k in $(seq 0 $(($(jq '.shards|length' s3.json) - 1))); do \
             python3 {} read s3.json $k | emp-ops audit -q --partial s3parts/$k --shard $k s3.json --log -; done",
            trial.adapters.join("ranges.py").display()
        );
        trial.do_all(with(trial.command("bash")).args(["-c", &script]))?;
        let merged =
            trial.report(trial.command("sh").args(["-c", "emp-ops audit --format json --merge s3.json s3parts/*"]))?;
        if merged == single { Ok(()) } else { Err(format!("the digest is {merged}, that of one run {single}")) }
    })();
    let _ = server.kill();
    let _ = server.wait();
    tried
}

fn slurm(trial: &Trial) -> Outcome {
    // Runs an array, or a job, at once.
    const SBATCH: &str = "#!/usr/bin/env bash
while [ $# -gt 0 ]; do
    case $1 in --array=*) array=${1#--array=} ;; --wrap) wrap=$2; shift ;; esac
    shift
done
if [ -n \"$array\" ]; then
    for id in $(seq ${array/-/ }); do SLURM_ARRAY_TASK_ID=$id sh -c \"$wrap\" || exit 1; done
    echo 1
else
    sh -c \"$wrap\"
fi
";
    let stand_in = trial.folder.path().join("bin/sbatch");
    fs::write(&stand_in, SBATCH).map_err(|e| e.to_string())?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&stand_in, mode).map_err(|e| e.to_string())?;
    trial.must_be_single(trial.adapter("slurm.sh").args(["plan.json", "array", "--format", "json"]))
}

fn kubernetes(trial: &Trial) -> Outcome {
    const RUN: &str = "import json, os, subprocess, sys, yaml
shard, merge = yaml.safe_load_all(open(sys.argv[1]))
assert shard['spec']['completionMode'] == 'Indexed' and merge['spec']['suspend']
of = lambda job: job['spec']['template']['spec']['containers'][0]
os.mkdir('k8s'), os.link('plan.json', 'k8s/plan.json'), os.symlink('../logs', 'k8s/logs'), os.chdir('k8s')
for index in range(len(json.load(open('plan.json'))['shards'])):
    subprocess.run(of(shard)['command'] + of(shard)['args'], check=True, env={**os.environ, 'JOB_COMPLETION_INDEX': str(index)})
subprocess.run(of(merge)['command'] + of(merge)['args'], stdout=subprocess.DEVNULL)
sys.stdout.write(open('report/audit.json').read())
";
    let manifest = trial.adapters.join("kubernetes.yaml");
    trial.must_be_single(trial.command("python3").args(["-c", RUN]).arg(manifest))
}

/// Logs of some forms with errors, traces and silences: JSON and dated text, together of about `bytes`.
fn write_logs(folder: &Path, bytes: u64) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    let mut json = BufWriter::new(File::create(folder.join("service.jsonl"))?);
    let mut text = BufWriter::new(File::create(folder.join("worker.log"))?);
    let (mut written, mut number) = (0, 0_u64);
    while written < bytes {
        number += 1;
        let second = 1_735_689_600 + number / 40 + number / 50_000 * 7200;
        let level =
            ["info", "info", "warning", "error"][usize::from(number % 997 == 0) + 2 * usize::from(number % 1009 == 0)];
        let event = number % 1500;
        let line = format!(
            "{{\"timestamp\":{second}.{:03},\"level\":\"{level}\",\"event\":\"step_{event}\",\"message\":\"job {number} of \
             queue {event} took {} ms\"}}\n",
            number % 1000,
            number * 31 % 977
        );
        json.write_all(line.as_bytes())?;
        let (day, rest) = (second / 86_400 - 20_089, second % 86_400);
        let at = format!("2025-01-{:02} {:02}:{:02}:{:02}", day % 28 + 1, rest / 3600, rest / 60 % 60, rest % 60);
        let more =
            format!("{at} {} worker-{} did {number}\n", if number % 1201 == 0 { "ERROR" } else { "INFO" }, number % 7);
        text.write_all(more.as_bytes())?;
        if number % 5003 == 0 {
            text.write_all(b"Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nValueError: bad\n")?;
        }
        written += (line.len() + more.len()) as u64;
    }
    json.flush()?;
    text.flush()
}
