//! Threads for what takes its time, such as probes: used again and again, for to start one costs more than most probes.

use std::io;
use std::sync::mpsc::{self, SendError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::io::read::parallel::lock;

type Work = Box<dyn FnOnce() + Send>;

/// The threads that have nothing to do; as many as were ever busy at once.
#[derive(Clone, Default)]
pub(super) struct Aside(Arc<Mutex<Vec<Sender<Work>>>>);

impl Aside {
    /// Does something on a thread of its own.
    ///
    /// # Errors
    /// There is none, and none can be started.
    pub(super) fn run(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut work: Work = Box::new(work);
        let idle = lock(&self.0).pop();
        if let Some(idle) = idle {
            match idle.send(work) {
                Ok(()) => return Ok(()),
                Err(SendError(back)) => work = back,
            }
        }
        let (sender, receiver) = mpsc::channel();
        let all = self.clone();
        let body = move || {
            work();
            loop {
                lock(&all.0).push(sender.clone());
                match receiver.recv() {
                    Ok(work) => work(),
                    Err(_) => return,
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
    }
}
