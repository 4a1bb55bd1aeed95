//! How large the pictures of the book's designs are, and that nothing is missing where their labels are short.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use msdesign::diag::{SourceFile, Sources};
use msdesign::diagram::layout::Wish;
use msdesign::diagram::{Form, Labels, Picture, Scene};
use msdesign::{NoFiles, Options, Wanted};

/// Most bytes of a figure in a page, and of a picture that is a file.
const BYTES: usize = 12_288;
/// Widest interaction diagram in pixels.
const WIDE: u64 = 1_600;

fn designs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    all.sort();
    assert!(all.len() >= 8);
    all
}

/// The interactions of the design in a page of the book.
fn scene(page: &Path) -> Scene {
    let text = fs::read_to_string(page).unwrap();
    let spec = text.split("```msdesign\n").nth(1).unwrap();
    let spec = spec.split("\n```").next().unwrap();
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml", spec.to_owned()));
    let wanted = Wanted {
        kind: Some("interactions".to_owned()),
        focus: None,
    };
    let options = Options::default();
    let (drawn, found) = msdesign::draw(&mut sources, id, &mut NoFiles, &options, &wanted);
    match drawn.unwrap_or_else(|| panic!("{found:?}")).picture {
        Ok(Picture::Interactions(scene)) => scene,
        other => panic!("{other:?}"),
    }
}

fn svg(scene: &Scene) -> String {
    let picture = Picture::Interactions(scene.clone());
    picture.file(Form::Svg, Wish::default()).unwrap()
}

fn width(svg: &str) -> u64 {
    let width = svg.split(" width=\"").nth(1).unwrap();
    width.split('"').next().unwrap().parse().unwrap()
}

/// What stands in the texts of a picture.
fn texts(svg: &str) -> Vec<String> {
    let texts = svg.split("<text").skip(1);
    texts
        .map(|t| {
            let inner = t.split_once('>').unwrap().1;
            let text = inner.split('<').next().unwrap();
            let text = text.replace('\u{a0}', " ").replace("&#123;", "{");
            text.replace("&gt;", ">").replace("&amp;", "&")
        })
        .collect()
}

#[test]
fn pictures_of_the_book_are_small_and_narrow() {
    for page in designs() {
        let name = page.file_stem().unwrap().to_string_lossy().into_owned();
        let file = svg(&scene(&page));
        assert!(file.len() <= BYTES, "{name}: {} bytes", file.len());
        assert!(width(&file) <= WIDE, "{name}: {}", width(&file));
        let out = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
            .args(["render", "--format", "html"])
            .arg(&page)
            .output()
            .unwrap();
        // In the book, ids have the folder of the page too.
        let html = String::from_utf8(out.stdout).unwrap();
        let html = html.replace(&format!("ms-{name}"), &format!("ms-designs-{name}"));
        let figures = html.split("<figure class=\"msd-figure").skip(1);
        let mut count = 0;
        for figure in figures {
            let figure = figure.split("</figure>").next().unwrap();
            let title = figure.split("<title").nth(1).unwrap_or_default();
            assert!(
                figure.len() + 40 <= BYTES,
                "{name}: {} bytes of {}",
                figure.len(),
                &title[..title.len().min(90)]
            );
            count += 1;
        }
        assert!(count > 4, "{name}: {count} figures");
    }
}

#[test]
fn short_labels_lose_no_operation() {
    for page in designs() {
        let mut scene = scene(&page);
        scene.labels = Labels::Numbers;
        let numbered = svg(&scene);
        let all = texts(&numbered);
        let (lines, key) = all.split_at(
            all.iter()
                .position(|t| t == "The numbers on the lines")
                .unwrap(),
        );
        let key = key.join(" ");
        let said: BTreeSet<&str> = lines
            .iter()
            .map(String::as_str)
            .filter(|t| t.parse::<u32>().is_ok())
            .collect();
        // From 1 without a gap, and each explained.
        for number in 1..=said.len() {
            assert!(said.contains(number.to_string().as_str()), "{number}");
            assert!(key.contains(&format!(" {number} ")), "{number} in {key}");
        }
        for label in scene.edges.iter().flat_map(|e| &e.labels) {
            // A picture names the operation, not the service that the line leads to.
            let (protocol, operation) = label.split_once(' ').unwrap_or(("", label));
            let operation = if operation.starts_with('/') {
                operation
            } else {
                operation.rsplit('/').next().unwrap()
            };
            let flat: String = key.split_whitespace().collect();
            let wanted = format!("{protocol}{operation}").replace(' ', "");
            assert!(flat.contains(&wanted), "{label} in {key}");
        }
        // What is wrapped or counted is named in full elsewhere.
        scene.labels = Labels::Wrapped;
        let wrapped = svg(&scene);
        for text in texts(&wrapped) {
            assert!(!text.contains('…'), "{}: {text}", page.display());
        }
        let counted = texts(&wrapped)
            .iter()
            .filter(|t| t.starts_with('+'))
            .count();
        assert_eq!(wrapped.matches("<g><title>").count(), counted);
    }
}

#[test]
fn labels_give_way_only_where_the_picture_is_wide() {
    let mut taken = BTreeSet::new();
    let wide = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/openstack.md");
    for page in designs().into_iter().chain([wide]) {
        let mut scene = scene(&page);
        let auto = svg(&scene);
        let widths = [Labels::Full, Labels::Wrapped, Labels::Numbers].map(|labels| {
            scene.labels = labels;
            width(&svg(&scene))
        });
        // The margin stands on both sides.
        let limits = [(0, 766), (1, 766), (0, 1_216), (1, 1_416)];
        let fits = limits.into_iter().find(|&(i, limit)| widths[i] <= limit);
        let expected = fits.map_or(2, |f| f.0);
        assert_eq!(
            width(&auto),
            widths[expected],
            "{}: {widths:?}",
            page.display()
        );
        taken.insert(expected);
    }
    assert_eq!(taken.len(), 3, "there are designs of each kind");
}
