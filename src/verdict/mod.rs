//! What the evidence means for sign-off. Opens no file and reads no clock.

pub mod attestation;
pub(crate) mod audit;
pub(crate) mod backlog;
pub mod baseline;
pub(crate) mod criteria;
pub(crate) mod gates;
pub(crate) mod headline;
pub(crate) mod packet;
pub(crate) mod packet_contents;
pub mod policy;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod run_summary;
pub(crate) mod sign_off;
pub(crate) mod waivers;
pub(crate) mod workloads;
pub(crate) mod wrap_up;
