//! What the evidence means for sign-off. Opens no file and reads no clock.

pub mod gates;
pub mod policy;
pub mod sign_off;
