//! The terminal: output, the full screen, keys, a progress bar.

pub mod ansi16;
pub mod keyboard;
pub mod progress_bar;
pub mod screen;
pub mod terminal;
