//! `mdbook-msdesign diagram --format png`, in builds that have it.
#![cfg(feature = "png")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use resvg::tiny_skia::Pixmap;

const SHOP: &str = "title = \"Shop\"\nservices = [\"web\", \"orders\", \"stock\"]\n\
    sync = [\"client --REST POST /orders--> web\", \"web --gRPC Place--> orders\"]\n\
    async = [\"orders --order.placed--> stock\"]\n\
    teams = { front = [\"web\"], back = [\"orders\", \"stock\"] }\n";

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(["diagram", "shop.toml"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn size(dir: &Path, args: &[&str]) -> (u32, u32) {
    let out = run(dir, args);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let drawn = Pixmap::decode_png(&out.stdout).unwrap();
    // White paper, dark lines and words, and the green of events: no colour was lost with its variable.
    let has = |want: [u8; 3]| {
        let close = |a: u8, b: u8| a.abs_diff(b) < 24;
        drawn.pixels().iter().any(|p| {
            close(p.red(), want[0]) && close(p.green(), want[1]) && close(p.blue(), want[2])
        })
    };
    for colour in [[255, 255, 255], [0x1b, 0x1f, 0x24], [0x17, 0x72, 0x45]] {
        assert!(has(colour), "{colour:?}");
    }
    (drawn.width(), drawn.height())
}

#[test]
fn pixels_are_as_many_as_asked_for_and_always_the_same() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let once = size(dir.path(), &["--format", "png", "--scale", "1"]);
    let twice = size(dir.path(), &["--format", "png"]);
    assert_eq!((once.0 * 2, once.1 * 2), twice);
    let bytes = run(dir.path(), &["--format", "png"]).stdout;
    let written = run(dir.path(), &["--out", "shop.png"]);
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(std::fs::read(dir.path().join("shop.png")).unwrap(), bytes);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let said = |args: &[&str]| {
        let out = run(dir.path(), &[&["--format", "png"], args].concat());
        assert!(!out.status.success() && out.stdout.is_empty());
        String::from_utf8(out.stderr).unwrap()
    };
    assert!(said(&["--font", "shop.toml"]).contains("is no font"));
    assert!(said(&["--font", "none.ttf"]).contains("cannot be read"));
    assert!(said(&["--scale", "9"]).contains("from 0.25 to 8"));
}
