//! The user's own files: what is read, and what each fault is called.

// A test stops where something is missing, also in its helpers.
#![allow(clippy::unwrap_used, clippy::format_collect)]

use candelab_labs::LabError;
use candelab_labs::data::{Dataset, load};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

fn csv(text: impl AsRef<[u8]>) -> Result<Dataset, LabError> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mine.csv");
    fs::write(&path, text).unwrap();
    load(&format!("csv:{}", path.display()), 1)
}

/// The error's text from its place on; that it begins with the path is checked here.
fn fault(path: &Path, found: Result<Dataset, LabError>) -> String {
    let error = found.unwrap_err();
    assert!(error.is_input(), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text:?}");
    text.strip_prefix(&format!("{}: ", path.display())).unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn csv_fault(text: impl AsRef<[u8]>) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mine.csv");
    fs::write(&path, text).unwrap();
    let found = load(&format!("csv:{}", path.display()), 1);
    assert!(matches!(found, Err(LabError::BadFile { .. })), "{found:?}");
    fault(&path, found)
}

/// Ten good rows, with `row` put in as line `line`.
fn with_line(line: usize, row: &str) -> String {
    let mut rows: Vec<String> = (0..10).map(|i| format!("{i},{}.5,{}", 2 * i, i % 2)).collect();
    rows.insert(line - 1, row.into());
    rows.join("\n")
}

/// (features, label) of all samples, by the first feature.
fn samples(set: &Dataset) -> Vec<(Vec<f32>, u32)> {
    let parts = [&set.train, &set.test];
    let pairs = parts.into_iter().flat_map(|p| p.features.chunks_exact(set.dim).zip(&p.labels));
    let mut all: Vec<_> = pairs.map(|(f, l)| (f.to_vec(), *l)).collect();
    all.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
    all
}

#[test]
fn a_table_is_read_with_and_without_header() {
    let rows: String = (0..20).map(|i| format!("{i},-{i}.5,{}\n", ["cat", "ant"][i % 2])).collect();
    let plain = csv(&rows).unwrap();
    assert_eq!((plain.name.as_str(), plain.dim, plain.classes, plain.image), ("mine.csv", 2, 2, None));
    assert_eq!((plain.train.len(), plain.test.len()), (16, 4));
    assert_eq!(plain.test.labels.iter().filter(|l| **l == 1).count(), 2, "both parts are balanced");
    for (i, (features, label)) in samples(&plain).into_iter().enumerate() {
        // "ant" comes before "cat", whichever is met first.
        assert_eq!((features, label), (vec![i as f32, -0.5 - i as f32], 1 - i as u32 % 2));
    }
    for header in ["x,y,class\n", "\u{feff}x,y,class\r\n", "\n\nx, ,class\n", "\"x\",\"y\n of it\",class\n", ",y,1\n"] {
        assert_eq!(csv(format!("{header}{rows}")).unwrap(), plain, "{header:?}");
    }
    assert_eq!(csv(rows.replace('\n', "\r\n")).unwrap(), plain);
    assert_eq!(csv(rows.replace(',', " ,\t").trim_end()).unwrap(), plain);
}

#[test]
fn numeric_labels_are_sorted_by_value_and_equal_values_are_one_class() {
    let names = ["10", "-1", "2", "2.0", "0", "-0"];
    let rows: String = (0..60).map(|i| format!("{i},{}\n", names[i % 6])).collect();
    let set = csv(rows).unwrap();
    assert_eq!((set.classes, set.dim), (4, 1));
    for (features, label) in samples(&set) {
        assert_eq!(label, [3, 0, 2, 2, 1, 1][features[0] as usize % 6]);
    }
    // One word makes all of them text: "10" before "2".
    let names = ["10", "2", "b"];
    let set = csv((0..30).map(|i| format!("{i},{}\n", names[i % 3])).collect::<String>()).unwrap();
    assert!(samples(&set).iter().all(|(f, l)| *l == f[0] as u32 % 3));
}

#[test]
fn the_split_of_a_table_follows_the_seed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, (0..100).map(|i| format!("{i},{}\n", i / 50)).collect::<String>()).unwrap();
    let at = |seed| load(&format!("csv:{}", path.display()), seed).unwrap();
    assert_eq!(at(1), at(1));
    assert_ne!(at(1).test, at(2).test);
    assert_eq!(samples(&at(1)), samples(&at(2)));
    // The file is sorted by class and the set must not be.
    assert!(at(1).train.labels[..40].contains(&1));
}

#[test]
fn bad_cells_are_named_by_line_and_column() {
    let at_7 = |row: &str| csv_fault(with_line(7, row));
    assert_eq!(at_7("1,,0"), "line 7: column 2 is empty; expected a number");
    assert_eq!(at_7("1,  ,0"), "line 7: column 2 is empty; expected a number");
    assert_eq!(at_7("?,2,0"), "line 7: column 1 holds '?'; expected a number");
    assert_eq!(at_7("1,NaN,0"), "line 7: column 2 holds 'NaN'; expected a finite number");
    assert_eq!(at_7("-inf,1,0"), "line 7: column 1 holds '-inf'; expected a finite number");
    assert_eq!(at_7("1e39,1,0"), "line 7: column 1 holds '1e39'; expected a number of size below 3.4e38");
    assert_eq!(at_7("1,2,"), "line 7: the label in column 3 is empty; expected a class");
    assert_eq!(at_7("1,2,nan"), "line 7: the label in column 3 is 'nan'; expected a class");
    assert_eq!(at_7("1,2"), "line 7: 2 cells; expected 3 cells, as in line 1");
    assert_eq!(at_7("1"), "line 7: 1 cell; expected 3 cells, as in line 1");
    assert_eq!(at_7("1,\"2,0"), "line 7: 2 cells; expected 3 cells, as in line 1");
    assert_eq!(at_7("1,2,3,4"), "line 7: 4 cells; expected 3 cells, as in line 1");
    assert_eq!(
        at_7("1,2,rare"),
        "line 7: label 'rare' occurs only once; expected at least two rows of each class, one to train on and one to test with"
    );
    // In the first line one number among the features is enough: that is data and not a header.
    assert_eq!(csv_fault(with_line(1, "1,b,0")), "line 1: column 2 holds 'b'; expected a number");
    assert_eq!(csv_fault(with_line(1, ",,0")), "line 1: column 1 is empty; expected a number");
    assert_eq!(csv_fault(with_line(1, "nan,nan,0")), "line 1: column 1 holds 'nan'; expected a finite number");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let bad = "1,x,0";
    assert_eq!(csv_fault(with_line(9, bad).replace('\n', "\r\n")), "line 9: column 2 holds 'x'; expected a number");
    let gap = with_line(4, "\n\n1,x,0");
    assert_eq!(csv_fault(&gap), "line 6: column 2 holds 'x'; expected a number");
    assert_eq!(csv_fault(gap.replace('\n', "\r\n")), "line 6: column 2 holds 'x'; expected a number");
    let header = format!("\u{feff}\n\"a\nb\",c,d\n{}", with_line(3, "1,2"));
    assert_eq!(csv_fault(header), "line 6: 2 cells; expected 3 cells, as in line 2");
    assert_eq!(csv_fault(with_line(11, bad)), "line 11: column 2 holds 'x'; expected a number");
}

#[test]
fn cells_are_shown_on_one_line_and_shortened() {
    let long = "w".repeat(100);
    let text = csv_fault(with_line(2, &format!("1,{long},0")));
    assert_eq!(text, format!("line 2: column 2 holds '{}...'; expected a number", "w".repeat(40)));
    assert_eq!(
        csv_fault(with_line(2, "1,\"a\nb\x1b[2J\",0")),
        r"line 2: column 2 holds 'a\nb\u{1b}[2J'; expected a number"
    );
    let mut latin = with_line(3, "1,caf?,0").into_bytes();
    let at = latin.iter().position(|b| *b == b'?').unwrap();
    latin[at] = 0xe9;
    assert_eq!(csv_fault(latin), "line 3: column 2 is not UTF-8 text; expected a file in UTF-8");
}

#[test]
fn tables_that_are_no_data_set_are_refused() {
    assert_eq!(csv_fault(""), "file: no rows, the file is empty; expected at least 10 rows");
    assert_eq!(csv_fault("\n\n\r\n"), "file: no rows, the file is empty; expected at least 10 rows");
    assert_eq!(csv_fault("a,b,c\n"), "file: no rows, only a header; expected at least 10 rows");
    assert_eq!(csv_fault("1,2,0\n"), "file: 1 row; expected at least 10 rows");
    assert_eq!(csv_fault("a,b\n1,0\n1,1\n1,0\n"), "file: 3 rows; expected at least 10 rows");
    let columns = "features and, in the last column, a label, separated by commas";
    assert_eq!(csv_fault("1\n2\n"), format!("line 1: 1 column; expected {columns}"));
    assert_eq!(csv_fault("1;2;0\n1;3;1\n"), format!("line 1: 1 column; expected {columns}"));
    let one = (0..12).map(|i| format!("{i},yes\n")).collect::<String>();
    assert_eq!(csv_fault(one), "file: every label is 'yes'; expected at least two different labels in the last column");
    let spelt = (0..12).map(|i| format!("{i},{}\n", ["1", "1.0"][i % 2])).collect::<String>();
    assert_eq!(csv_fault(spelt), "file: every label is '1'; expected at least two different labels in the last column");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("none.csv");
    let text = fault(&path, load(&format!("csv:{}", path.display()), 0));
    assert_eq!(text, "No such file or directory (os error 2); check the path and its permissions");
    let found = load(&format!("csv:{}", dir.path().display()), 0);
    assert!(matches!(found, Err(LabError::Unreadable { .. })), "{found:?}");
}

/// An IDX file of unsigned bytes.
fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = dims.iter().flat_map(|d| d.to_be_bytes()).collect();
    [&[0, 0, 8, dims.len() as u8], sizes.as_slice(), values].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Three train and two test images of 2 x 2.
fn files() -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (0..12).map(|i| i * 20).collect();
    [
        idx(&[3, 2, 2], &pixels),
        idx(&[3], &[4, 0, 1]),
        idx(&[2, 2, 2], &[255, 0, 51, 102, 1, 2, 3, 4]),
        idx(&[2], &[1, 6]),
    ]
}

fn write(files: &[Vec<u8>; 4], name: impl Fn(&str) -> String) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (file, bytes) in NAMES.iter().zip(files) {
        fs::write(dir.path().join(name(file)), bytes).unwrap();
    }
    dir
}

fn read(dir: &TempDir) -> Result<Dataset, LabError> {
    load(&format!("idx:{}", dir.path().display()), 0)
}

/// The error after `change` of file `k`, which must be the one that is named.
fn idx_fault(k: usize, change: impl Fn(&mut Vec<u8>)) -> String {
    let mut all = files();
    change(&mut all[k]);
    let dir = write(&all, str::to_owned);
    let found = read(&dir);
    assert!(matches!(found, Err(LabError::BadFile { .. })), "{found:?}");
    fault(&dir.path().join(NAMES[k]), found)
}

#[test]
fn idx_files_are_read_under_each_of_their_names() {
    let dir = write(&files(), str::to_owned);
    let set = read(&dir).unwrap();
    assert_eq!((set.dim, set.classes, set.image), (4, 7, Some((2, 2))));
    assert_eq!(set.name, dir.path().file_name().unwrap().to_str().unwrap());
    assert_eq!((set.train.labels.as_slice(), set.test.labels.as_slice()), ([4, 0, 1].as_slice(), [1, 6].as_slice()));
    assert_eq!(set.test.features[..4], [1.0, 0.0, 0.2, 0.4]);
    let third: Vec<f32> = [160, 180, 200, 220].map(|v: u8| f32::from(v) / 255.0).to_vec();
    assert_eq!(set.train.features[8..], third);

    let same = |dir: &TempDir| {
        let other = read(dir).unwrap();
        assert_eq!((&other.train, &other.test, other.classes), (&set.train, &set.test, set.classes));
    };
    same(&write(&files(), |name| name.replace("-idx", ".idx")));
    let packed = files().map(|bytes| gzip(&bytes));
    same(&write(&packed, |name| format!("{name}.gz")));
    same(&write(&packed, |name| format!("{}.gz", name.replace("-idx", ".idx"))));
    // Whether a file is packed is seen from its content.
    same(&write(&files(), |name| format!("{name}.gz")));
    same(&write(&packed, str::to_owned));
}

#[test]
fn a_set_of_the_size_of_mnist_is_read() {
    let pixels: Vec<u8> = (0..60_000 * 784).map(|i| (i % 251) as u8).collect();
    let labels: Vec<u8> = (0..60_000).map(|i| (i % 10) as u8).collect();
    let all = [
        gzip(&idx(&[60_000, 28, 28], &pixels)),
        idx(&[60_000], &labels),
        idx(&[10, 28, 28], &pixels[..7840]),
        idx(&[10], &labels[..10]),
    ];
    let set = read(&write(&all, str::to_owned)).unwrap();
    assert_eq!((set.train.len(), set.train.features.len(), set.classes), (60_000, 47_040_000, 10));
    assert_eq!(set.train.features[47_039_999..], [f32::from((47_039_999 % 251) as u8) / 255.0]);
}

#[test]
fn bad_headers_are_named_by_byte() {
    let magic = "expected 00 00 08 03, for unsigned bytes in 3 dimensions";
    assert_eq!(idx_fault(0, |f| f[2] = 13), format!("byte 0: the file begins with 00 00 0d 03; {magic}"));
    assert_eq!(idx_fault(2, |f| f[3] = 1), format!("byte 0: the file begins with 00 00 08 01; {magic}"));
    let magic = "expected 00 00 08 01, for unsigned bytes in 1 dimension";
    assert_eq!(
        idx_fault(1, |f| *f = b"hello, world".to_vec()),
        format!("byte 0: the file begins with 68 65 6c 6c; {magic}")
    );
    assert_eq!(idx_fault(0, Vec::clear), "byte 0: the file ends in its header; expected 16 bytes of header");
    assert_eq!(idx_fault(3, |f| f.truncate(7)), "byte 7: the file ends in its header; expected 8 bytes of header");
    assert_eq!(idx_fault(1, |f| f[7] = 0), "byte 4: a size of 0; expected at least 1");
    assert_eq!(idx_fault(0, |f| f[15] = 0), "byte 12: a size of 0; expected at least 1");
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    let text = idx_fault(0, |f| f[4..16].fill(0xff));
    let claim = "the header claims 4294967295 x 4294967295 x 4294967295 values";
    assert_eq!(text, format!("byte 4: {claim}; expected at most 1073741824 values"));
    // A product that is 0 modulo 2^64, and one just above the limit.
    for (sizes, claim) in
        [([1 << 31, 1 << 31, 4], "2147483648 x 2147483648 x 4"), ([(1 << 28) + 1, 2, 2], "268435457 x 2 x 2")]
    {
        let text = idx_fault(0, |f| *f = idx(&sizes, &[1; 12]));
        assert_eq!(text, format!("byte 4: the header claims {claim} values; expected at most 1073741824 values"));
    }
    // Within the limit, but far more than the file holds.
    let text = idx_fault(0, |f| f[4..8].copy_from_slice(&[0x0f, 0xff, 0xff, 0xff]));
    let product = "268435455 x 2 x 2";
    assert_eq!(
        text,
        format!("byte 28: the file ends; expected 1073741820 bytes of values ({product}), 1073741808 more")
    );
}

#[test]
fn files_that_end_early_or_go_on_are_refused() {
    let text = idx_fault(0, |f| f.truncate(25));
    assert_eq!(text, "byte 25: the file ends; expected 12 bytes of values (3 x 2 x 2), 3 more");
    let text = idx_fault(3, |f| f.push(0));
    assert_eq!(text, "byte 10: the file goes on; expected the end after 2 bytes of values (2)");
    let text = idx_fault(0, |f| *f = gzip(&f[..25]));
    assert_eq!(text, "byte 25: the file ends; expected 12 bytes of values (3 x 2 x 2), 3 more");
    // A gzip file that was not downloaded to its end.
    let text = idx_fault(0, |f| {
        *f = gzip(f);
        f.truncate(f.len() - 6);
    });
    assert!(text.starts_with("byte ") && text.contains(" of the unpacked file: damaged gzip data ("), "{text}");
    assert!(text.ends_with("); expected a whole gzip file"), "{text}");
    let text = idx_fault(2, |f| *f = [&[0x1f, 0x8b], f.as_slice()].concat());
    assert!(text.starts_with("byte 0 of the unpacked file: damaged gzip data ("), "{text}");
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let text = idx_fault(1, |f| *f = idx(&[4], &[1, 2, 3, 4]));
    assert_eq!(text, "byte 4: 4 labels; expected 3, one for each of the images");
    let text = idx_fault(2, |f| *f = idx(&[2, 1, 4], &[0; 8]));
    assert_eq!(text, "byte 8: images of 1 x 4; expected 2 x 2, as in the training images");
    let text = idx_fault(1, |f| *f = idx(&[3], &[5, 5, 5]));
    assert_eq!(text, "byte 8: every label is 5; expected at least two different labels");
}

#[test]
fn missing_idx_files_are_named() {
    let dir = write(&files(), str::to_owned);
    let path = dir.path().join(NAMES[3]);
    fs::remove_file(&path).unwrap();
    let other = "no such file, nor 't10k-labels.idx1-ubyte', nor either with '.gz'";
    assert_eq!(fault(&path, read(&dir)), format!("{other}; check the path and its permissions"));
    let path = dir.path().join(NAMES[0]);
    let text = fault(&path, load(&format!("idx:{}", path.display()), 0));
    assert_eq!(text, "not a folder; check the path and its permissions");
    let path = dir.path().join("nowhere");
    let found = load(&format!("idx:{}", path.display()), 0);
    assert!(matches!(&found, Err(LabError::Unreadable { path: p, .. }) if *p == path), "{found:?}");
}
