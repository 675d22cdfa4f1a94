//! Fixes the evidence of a run that has ended: what is elsewhere is copied into the run directory, and each file is
//! digested once, the logs while they are written.

use std::fs::Permissions;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::evidence::{checklist, readiness};
use crate::io::capture::Kept;
use crate::io::files::{self, FileError, Folder};
use crate::json::lenient;
use crate::supervise::acks;
use crate::supervise::record::{self, EvidencePaths, RunRecord, SealedFile, WorkloadRecord};

/// Notes the evidence files of `record` with their digests. `logs` are, for each workload, the parts of the structured log
/// and those of the raw one. A file that is missing or may not be read is left out, which the audit tells.
pub(crate) fn seal(folder: &Folder, record: &mut RunRecord, logs: Vec<[Vec<Kept>; 2]>) {
    let mut sealed = Vec::new();
    (record.evidence.logs, record.evidence.raw_logs) = (Vec::new(), Vec::new());
    for (number, logs) in logs.into_iter().enumerate() {
        seal_logs(folder, record, &mut sealed, number, logs);
    }
    let EvidencePaths { diary, performance, workload_files, .. } = &mut record.evidence;
    let usual = |name: &str| if folder.kind(name).is_none() { name.to_owned() } else { format!("sealed_{name}") };
    for (named, name) in [(diary, "decision_diary.json"), (performance, "performance_metrics.json")] {
        let Some(named) = named else { continue };
        let before = named.clone();
        sealed.extend(kept(folder, named, &usual(name)));
        moved(&mut record.workloads, &before, named);
    }
    for (number, named) in workload_files.iter_mut().enumerate() {
        let before = named.clone();
        let name = Path::new(named.as_str()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        sealed.extend(kept(folder, named, &format!("evidence/sealed_{number}_{name}")));
        moved(&mut record.workloads, &before, named);
    }
    let EvidencePaths { drill_files, guards, guard_samples, notifications, .. } = &record.evidence;
    for name in drill_files.iter().chain(guards).chain(guard_samples).chain(notifications) {
        sealed.extend(digested(folder, name));
    }
    sealed.extend(components(folder, &mut record.evidence));
    sealed.extend(checklist(folder, &mut record.evidence));
    let acks = digested(folder, acks::FILE_NAME);
    record.evidence.acks = acks.as_ref().map(|file| file.path.clone());
    sealed.extend(acks);
    record.sealed_files = Some(sealed);
}

/// An evidence file; what is elsewhere may be written to when the run is over, so that its copy at `name` is what the
/// verdict rests on, and what is `named` from then on.
fn kept(folder: &Folder, named: &mut String, name: &str) -> Option<SealedFile> {
    let source = PathBuf::from(named.as_str());
    if source.is_relative() {
        return digested(folder, named);
    }
    match copy(folder, &source, folder, Path::new(name)) {
        Ok(Some((bytes, sha256))) => {
            let from = seen_from(folder.path(), &source).display().to_string();
            name.clone_into(named);
            Some(SealedFile { path: name.to_owned(), source: Some(from), bytes, sha256, lines: None })
        }
        Ok(None) => None,
        Err(_) => {
            let _ = folder.remove_file(name);
            digested(folder, named)
        }
    }
}

/// An evidence file of a workload has another path now.
fn moved(workloads: &mut [WorkloadRecord], before: &str, now: &str) {
    let paths = workloads.iter_mut().flat_map(|workload| workload.evidence.values_mut());
    paths.filter(|path| *path == before).for_each(|path| now.clone_into(path));
}

/// Notes the logs of one workload.
fn seal_logs(
    folder: &Folder,
    record: &mut RunRecord,
    sealed: &mut Vec<SealedFile>,
    number: usize,
    logs: [Vec<Kept>; 2],
) {
    let [structured, raw] = logs.map(|parts| {
        let relative = |path: &Path| folder.relative(path).unwrap_or(path).display().to_string();
        let names: Vec<String> = parts.iter().map(|part| relative(&part.path)).collect();
        sealed.extend(parts.into_iter().zip(&names).filter_map(|(part, name)| log(folder, part, name)));
        names
    });
    if let Some(workload) = record.workloads.get_mut(number) {
        workload.logs = structured.iter().chain(&raw).cloned().collect();
    }
    record.evidence.logs.extend(structured);
    record.evidence.raw_logs.extend(raw);
}

/// Copies the documents of other systems, and the earlier reports that they are held against, which are elsewhere and go
/// on to change. What is not there, or cannot be read, is left out, which the audit tells.
fn components(folder: &Folder, evidence: &mut EvidencePaths) -> Vec<SealedFile> {
    let mut sealed = Vec::new();
    let history = evidence.component_history.iter_mut().zip(1..).map(|(path, n)| (path, format!("history-{n}")));
    let documents = evidence.components.iter_mut().map(|component| &mut component.path).zip(1..);
    for (path, part) in documents.map(|(path, n)| (path, n.to_string())).chain(history) {
        let source = PathBuf::from(path.as_str());
        // Its name may be that of the component.
        let file = source.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let name = format!("components/{part}/{}", file.chars().map(plain).collect::<String>());
        let copied = if source.is_dir() {
            earlier_run(&source).and_then(|report| {
                folder.make_folder(Path::new(&name).parent()?).ok()?;
                folder.replace(&name, &report).ok()?;
                digested(folder, &name)
            })
        } else {
            copy(folder, &source, folder, Path::new(&name)).ok().flatten().map(|(bytes, sha256)| {
                let from = seen_from(folder.path(), &source).display().to_string();
                SealedFile { path: name.clone(), source: Some(from), bytes, sha256, lines: None }
            })
        };
        if copied.is_none() {
            let _ = folder.remove_file(&name);
        }
        sealed.extend(copied);
        *path = name;
    }
    sealed
}

/// The validation report that an earlier run directory amounts to.
pub(crate) fn earlier_run(folder: &Path) -> Option<Vec<u8>> {
    let document = |name: &str| -> Option<Value> {
        serde_json::from_slice(&files::read_within(&folder.join(name), files::FIGURES_LIMIT).ok()?).ok()
    };
    let report = readiness::of_run(&document("summary.json")?, &document(record::FILE_NAME)?)?;
    Some(report.to_string().into_bytes())
}

/// The checklist as it is now, and the files that its ticked items name: those of the run directory go with it.
fn checklist(folder: &Folder, evidence: &mut EvidencePaths) -> Vec<SealedFile> {
    let Some(name) = &evidence.checklist else { return Vec::new() };
    let text = folder.read(name).map(|bytes| lenient::text(&bytes).into_owned()).unwrap_or_default();
    let ticked = checklist::items(&text).into_iter().filter(|item| item.ticked);
    let mut files: Vec<String> =
        ticked.flat_map(|item| item.evidence).filter(|path| !checklist::is_link(path)).collect();
    files.sort();
    files.dedup();
    let sealed: Vec<SealedFile> = files.iter().filter_map(|path| digested(folder, path)).collect();
    // What is in the list of sealed files already is named once.
    evidence.checklist_files = sealed.iter().map(|file| file.path.clone()).collect();
    digested(folder, name).into_iter().chain(sealed).collect()
}

/// How a file elsewhere is reached from `folder`: documents say nothing of where on its machine a run was.
fn seen_from(folder: &Path, file: &Path) -> PathBuf {
    let (Ok(folder), Ok(file)) = (folder.canonicalize(), file.canonicalize()) else { return file.to_owned() };
    let shared = folder.components().zip(file.components()).take_while(|(ours, theirs)| ours == theirs).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(file.components().skip(shared)).collect()
}

/// A part of a log, by what was written to it: whatever else its file holds now came from somebody else.
fn log(folder: &Folder, part: Kept, name: &str) -> Option<SealedFile> {
    let lines = Some(part.lines);
    let Some((bytes, sha256)) = part.digest else { return Some(SealedFile { lines, ..digested(folder, name)? }) };
    files::open_evidence(folder, &part.path).ok()?;
    Some(SealedFile { path: name.to_owned(), source: None, bytes, sha256, lines })
}

fn digested(folder: &Folder, name: &str) -> Option<SealedFile> {
    let file = files::open_evidence(folder, &folder.path().join(name)).ok()?;
    let (sha256, bytes) = transfer(file, io::sink()).ok()?;
    Some(SealedFile { path: name.to_owned(), source: None, bytes, sha256, lines: None })
}

/// Copies a file and digests it in one pass; `None` if it may not be copied. Makes the parent folders. Who may not
/// read the file may not read its copy.
pub(crate) fn copy(
    run: &Folder,
    source: &Path,
    into: &Folder,
    target: &Path,
) -> Result<Option<(u64, String)>, FileError> {
    let input = match files::open_evidence(run, source) {
        Ok(input) => input,
        // It is as good as missing, and judged so.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound
                    | ErrorKind::NotADirectory
                    | ErrorKind::IsADirectory
                    | ErrorKind::Other
                    | ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(FileError::new("read", source, error)),
    };
    if let Some(parent) = target.parent() {
        into.make_folder(parent)?;
    }
    let fail = |error| FileError::new("write", into.path().join(target), error);
    let mut output = into.create_file(target).map_err(fail)?;
    let mode = |file: &std::fs::File| file.metadata().map(|about| about.permissions().mode());
    let allowed = mode(&input).and_then(|theirs| Ok(theirs & mode(&output)? | 0o600)).map_err(fail)?;
    output.set_permissions(Permissions::from_mode(allowed & 0o666)).map_err(fail)?;
    let modified = input.metadata().and_then(|about| about.modified()).map_err(fail)?;
    let (sha256, bytes) = transfer(input, &mut output).map_err(fail)?;
    // The age of a diary counts; on a file system that keeps no times it is that of the copy.
    let _ = output.set_modified(modified);
    output.sync_all().map_err(fail)?;
    Ok(Some((bytes, sha256)))
}

/// Copies everything; the SHA-256 of it in hexadecimal digits, and its size.
pub(crate) fn transfer(mut input: impl Read, mut output: impl Write) -> io::Result<(String, u64)> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok((hex(&digest.finalize()), bytes)),
            Ok(read) => {
                digest.update(&chunk[..read]);
                output.write_all(&chunk[..read])?;
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
