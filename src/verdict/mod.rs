//! What the evidence means for sign-off. Opens no file and reads no clock.

pub mod attestation;
pub mod audit;
pub mod backlog;
pub mod bundle;
pub mod criteria;
pub mod gates;
pub mod headline;
pub mod packet;
pub mod policy;
pub mod review;
pub mod run;
pub mod sign_off;
pub mod waivers;
pub mod wrap_up;
