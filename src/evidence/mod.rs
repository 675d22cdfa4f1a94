//! What a run leaves beside its logs, read and checked: diary, performance, checksums, plans, snapshots. Opens no file.

pub mod checksums;
pub mod diary;
pub mod performance;
pub mod snapshot_chain;
pub mod terraform_plan;
