//! Rendering: a finished plan becomes chapter text, artefacts and code. No arithmetic happens here.

pub mod code;
