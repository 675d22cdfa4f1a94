//! The terminal: output, the full screen, keys, a progress bar.

pub(crate) mod ansi16;
pub(crate) mod keyboard;
pub(crate) mod progress_bar;
pub(crate) mod screen;
pub(crate) mod terminal;
