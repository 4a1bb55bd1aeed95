//! The binary `mdbook-msdesign`.

fn main() {}
