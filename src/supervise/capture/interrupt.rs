//! The trace that Python writes when `emp-ops` itself interrupts it.

/// Whether a text is what Python writes when SIGINT ends it, and nothing else: every exception in it is that one, or
/// the cancellation of tasks that comes with it.
pub(super) fn is_own(text: &str) -> bool {
    const PROSE: [&str; 3] = ["Traceback (most recent call last):", "During handling of", "The above exception"];
    const CANCELLED: [&str; 2] = ["asyncio.exceptions.CancelledError", "concurrent.futures._base.CancelledError"];
    let outer = |line: &&str| !line.is_empty() && !line.starts_with([' ', '\t']);
    let exceptions = text.lines().filter(outer).filter(|line| !PROSE.iter().any(|start| line.starts_with(start)));
    let mut last = None;
    for exception in exceptions {
        if exception != "KeyboardInterrupt" && !CANCELLED.contains(&exception) {
            return false;
        }
        last = Some(exception);
    }
    text.starts_with(PROSE[0]) && last == Some("KeyboardInterrupt")
}
