//! What the text of a session says: sentences, the names of the lexicon in them, and what is claimed of these.

pub(crate) mod claims;
pub(crate) mod lexicon;
pub(crate) mod matcher;
pub(crate) mod mentions;
pub(crate) mod sentences;
