//! Session artefacts through the publishing pipeline, as pure functions. No files.
