//! Signals for a supervisor: those that ask it to stop, and those that would end it although they ask for nothing.

use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;

use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGSYS, SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
    SIGXFSZ,
};
use signal_hook::iterator::Signals;

/// What a signal asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// To stop, by its name.
    Stop(&'static str),
    /// Nothing, by its number.
    Stray(i32),
}

const STOP: [(i32, &str); 4] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGQUIT, "SIGQUIT")];

const STRAY: [(i32, &str); 12] = [
    (SIGUSR1, "SIGUSR1"),
    (SIGUSR2, "SIGUSR2"),
    (SIGALRM, "SIGALRM"),
    (SIGVTALRM, "SIGVTALRM"),
    (SIGPROF, "SIGPROF"),
    (SIGIO, "SIGIO"),
    (SIGXCPU, "SIGXCPU"),
    (SIGXFSZ, "SIGXFSZ"),
    (SIGTRAP, "SIGTRAP"),
    (SIGSYS, "SIGSYS"),
    (16, "SIGSTKFLT"),
    (30, "SIGPWR"),
];

/// The first and the last real-time signal that the C library leaves to programs.
const REAL_TIME: (i32, i32) = (34, 64);

/// What a signal is called that asks for nothing.
pub(crate) fn name(number: i32) -> String {
    match STRAY.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_owned(),
        None if number == REAL_TIME.0 => "SIGRTMIN".to_owned(),
        None => format!("SIGRTMIN+{}", number - REAL_TIME.0),
    }
}

/// Sends what signals ask for as messages. They are handled rather than ignored, because the command would inherit that.
///
/// # Errors
/// The system refuses the handlers.
pub(crate) fn listen<M: Send + 'static>(sender: &SyncSender<M>, message: fn(Heard) -> M) -> io::Result<()> {
    let known = STOP.iter().chain(&STRAY).map(|(signal, _)| *signal);
    let mut signals = Signals::new(known)?;
    for signal in REAL_TIME.0..=REAL_TIME.1 {
        // The run can do without those that the system keeps for itself.
        let _ = signals.add_signal(signal);
    }
    let sender = sender.clone();
    let body = move || {
        for signal in &mut signals.forever() {
            match STOP.iter().find(|(known, _)| *known == signal) {
                Some((_, name)) => {
                    if sender.send(message(Heard::Stop(name))).is_err() {
                        // The run is over; judging and packing its evidence can be given up like any other program.
                        let _ = signal_hook::low_level::emulate_default_handler(signal);
                    }
                }
                // A full channel or none at all: nothing would be done about it anyway.
                None => drop(sender.try_send(message(Heard::Stray(signal)))),
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(body)?;
    Ok(())
}
