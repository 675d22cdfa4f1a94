//! Staging: event streams, the smoke scenario, alert freshness and noise. No network and no files.
