//! The user's own images in the layout of MNIST: four files in the IDX format, plain or gzipped.
//!
//! A file begins with 00 00, the type (08, unsigned bytes) and the number of dimensions, then has the
//! dimensions as big-endian u32 and the values (Y. `LeCun`, "The MNIST database").

use super::{Dataset, Split, bad_file, file_name};
use crate::{LabError, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The most values of a file: some twenty times MNIST, and 4 GiB once they are features.
const MAX_VALUES: u64 = 1 << 30;

/// Reads the four files of `dir`.
pub(super) fn load(dir: &Path) -> Result<Dataset> {
    let meta = std::fs::metadata(dir).map_err(|reason| LabError::Unreadable { path: dir.into(), reason })?;
    if !meta.is_dir() {
        let source = Error::new(ErrorKind::NotADirectory, "not a folder");
        return Err(LabError::Unreadable { path: dir.into(), reason: source });
    }
    let (train, test) = (Part::read(dir, "train")?, Part::read(dir, "t10k")?);
    let (rows, columns) = (train.images.dims[1], train.images.dims[2]);
    if test.images.dims[1..] != train.images.dims[1..] {
        let problem = format!("images of {} x {}", test.images.dims[1], test.images.dims[2]);
        let expected = format!("{rows} x {columns}, as in the training images");
        return Err(bad_file(&test.images.path, "byte 8", problem, expected));
    }
    let first = train.labels.values[0];
    if train.labels.values.iter().all(|l| *l == first) {
        let problem = format!("every label is {first}");
        return Err(bad_file(&train.labels.path, "byte 8", problem, "at least two different labels"));
    }
    let highest = train.labels.values.iter().chain(&test.labels.values).max().map_or(0, |l| usize::from(*l));
    Ok(Dataset {
        name: file_name(dir),
        dim: rows * columns,
        classes: highest + 1,
        image: Some((rows, columns)),
        train: train.into_split(),
        test: test.into_split(),
    })
}

/// Images and their labels.
struct Part {
    images: Idx,
    labels: Idx,
}

impl Part {
    fn read(dir: &Path, part: &str) -> Result<Self> {
        let images = Idx::read(find(dir, &format!("{part}-images"), 3)?, 3)?;
        let labels = Idx::read(find(dir, &format!("{part}-labels"), 1)?, 1)?;
        if labels.dims[0] != images.dims[0] {
            let problem = format!("{} labels", labels.dims[0]);
            let expected = format!("{}, one for each of the images", images.dims[0]);
            return Err(bad_file(&labels.path, "byte 4", problem, expected));
        }
        Ok(Self { images, labels })
    }

    fn into_split(self) -> Split {
        Split {
            features: self.images.values.into_iter().map(|v| f32::from(v) / 255.0).collect(),
            labels: self.labels.values.into_iter().map(u32::from).collect(),
        }
    }
}

/// The file of a stem such as `train-images`, under any of the names in use.
fn find(dir: &Path, stem: &str, dims: usize) -> Result<PathBuf> {
    let usual = format!("{stem}-idx{dims}-ubyte");
    let dotted = format!("{stem}.idx{dims}-ubyte");
    for name in [&usual, &dotted] {
        for path in [dir.join(name), dir.join(format!("{name}.gz"))] {
            if path.exists() {
                return Ok(path);
            }
        }
    }
    let source = Error::new(ErrorKind::NotFound, format!("no such file, nor '{dotted}', nor either with '.gz'"));
    Err(LabError::Unreadable { path: dir.join(usual), reason: source })
}

/// A file in the IDX format.
struct Idx {
    path: PathBuf,
    dims: Vec<usize>,
    values: Vec<u8>,
}

impl Idx {
    fn read(path: PathBuf, dims: usize) -> Result<Self> {
        let mut input = Input::open(&path)?;
        let size = 4 + 4 * dims;
        let header = input.take(size as u64, 0)?;
        if header.len() < size {
            let problem = "the file ends in its header";
            return Err(bad_file(&path, format!("byte {}", header.len()), problem, format!("{size} bytes of header")));
        }
        let (magic, sizes) = header.split_at(4);
        let wanted = [0, 0, 8, dims as u8];
        if magic != wanted {
            let problem = format!("the file begins with {}", hex(magic));
            let expected = format!("{}, for unsigned bytes in {dims} dimension{}", hex(&wanted), plural(dims));
            return Err(bad_file(&path, "byte 0", problem, expected));
        }
        let sizes: Vec<u64> =
            sizes.chunks_exact(4).map(|b| b.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))).collect();
        let count = count(&path, &sizes)?;
        // One more than is wanted, so that a file that goes on is noticed. The memory grows with what
        // is there and not with what the header claims.
        let values = input.take(count + 1, size)?;
        let (end, product) = (size + values.len().min(count as usize), product(&sizes));
        if (values.len() as u64) < count {
            let expected = format!("{count} bytes of values ({product}), {} more", count - values.len() as u64);
            return Err(bad_file(&path, format!("byte {end}"), "the file ends", expected));
        }
        if values.len() as u64 > count {
            let expected = format!("the end after {count} bytes of values ({product})");
            return Err(bad_file(&path, format!("byte {end}"), "the file goes on", expected));
        }
        Ok(Self { path, dims: sizes.into_iter().map(|s| s as usize).collect(), values })
    }
}

/// The number of values that a header claims, where that is one that can be meant.
fn count(path: &Path, sizes: &[u64]) -> Result<u64> {
    if let Some(i) = sizes.iter().position(|s| *s == 0) {
        return Err(bad_file(path, format!("byte {}", 4 + 4 * i), "a size of 0", "at least 1"));
    }
    let count = sizes.iter().try_fold(1_u64, |n, s| n.checked_mul(*s));
    count.filter(|n| *n <= MAX_VALUES).ok_or_else(|| {
        let problem = format!("the header claims {} values", product(sizes));
        bad_file(path, "byte 4", problem, format!("at most {MAX_VALUES} values"))
    })
}

fn product(sizes: &[u64]) -> String {
    sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" x ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// A file that may be gzipped, whatever its name says.
struct Input<'a> {
    path: &'a Path,
    packed: bool,
    reader: Box<dyn Read>,
}

impl<'a> Input<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let unreadable = |reason| LabError::Unreadable { path: path.into(), reason };
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let packed = file.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        Ok(Self { path, packed, reader })
    }

    /// The next `limit` bytes, or fewer at the end; `before` have been read already.
    fn take(&mut self, limit: u64, before: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match (&mut self.reader).take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) if self.packed && e.raw_os_error().is_none() => {
                let place = format!("byte {} of the unpacked file", before + bytes.len());
                Err(bad_file(self.path, place, format!("damaged gzip data ({e})"), "a whole gzip file"))
            }
            Err(source) => Err(LabError::Unreadable { path: self.path.into(), reason: source }),
        }
    }
}
