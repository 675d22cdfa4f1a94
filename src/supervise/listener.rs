//! Who is told of a run while it lasts.

use super::event::Now;
use super::machine::Machine;

/// Somebody who looks at a run while it lasts. Must never block: the run waits meanwhile.
pub(crate) trait Listener {
    /// Something may have happened, or time has passed; called several times a second.
    fn look(&mut self, machine: &Machine, now: Now);
    /// emp-ops is asked to stop by this signal; what follows from it comes after this call.
    fn asked_to_stop(&mut self, machine: &Machine, signal: &'static str, now: Now);
    /// The supervised time is over, and nothing more happens.
    fn over(&mut self, machine: &Machine);
}
