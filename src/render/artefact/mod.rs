//! Files that other programs read: each is complete and is accepted by its reader as it is.

pub(crate) mod gateway;
