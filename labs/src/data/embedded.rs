//! The data sets that candelab carries; `labs/assets/data/README.md` has their sources, licences
//! and format.

use super::{Dataset, STREAM, Split, split};
use crate::rng::stream;
use crate::{LabError, Result};
use flate2::read::ZlibDecoder;
use std::io::Read;
use std::sync::OnceLock;

/// An asset, unpacked on first use. What went wrong is kept as text, since errors are not `Clone`.
struct Asset {
    name: &'static str,
    packed: &'static [u8],
    images: OnceLock<std::result::Result<Images, String>>,
}

static DIGITS: Asset =
    Asset { name: "digits", packed: include_bytes!("../../assets/data/digits.zlib"), images: OnceLock::new() };
static FASHION: Asset =
    Asset { name: "fashion", packed: include_bytes!("../../assets/data/fashion.zlib"), images: OnceLock::new() };

impl Asset {
    fn images(&self) -> Result<&Images> {
        let images = self.images.get_or_init(|| unpack(self.packed));
        images.as_ref().map_err(|problem| LabError::Embedded { name: self.name, problem: problem.clone() })
    }
}

/// UCI optical digits, split by `seed`.
pub(super) fn digits(seed: u64) -> Result<Dataset> {
    let images = DIGITS.images()?;
    let features = images.features();
    let (train, test) = split::stratified(&images.labels, images.classes, &mut stream(seed, STREAM, 0));
    let pick = |indices: &[usize]| Split::pick(&features, &images.labels, images.dim(), indices);
    Ok(images.dataset("digits", pick(&train), pick(&test)))
}

/// The part of Fashion-MNIST, split as its source is.
pub(super) fn fashion() -> Result<Dataset> {
    let images = FASHION.images()?;
    let (mut train, mut labels) = (images.features(), images.labels.clone());
    let test = Split { features: train.split_off(images.train * images.dim()), labels: labels.split_off(images.train) };
    Ok(images.dataset("fashion", Split { features: train, labels }, test))
}

/// Images as they lie in an asset.
#[derive(Debug, Clone, PartialEq)]
struct Images {
    train: usize,
    rows: usize,
    columns: usize,
    classes: usize,
    top: u8,
    labels: Vec<u32>,
    pixels: Vec<u8>,
}

impl Images {
    fn dim(&self) -> usize {
        self.rows * self.columns
    }

    fn features(&self) -> Vec<f32> {
        self.pixels.iter().map(|v| f32::from(*v) / f32::from(self.top)).collect()
    }

    fn dataset(&self, name: &str, train: Split, test: Split) -> Dataset {
        let image = Some((self.rows, self.columns));
        Dataset { name: name.into(), dim: self.dim(), classes: self.classes, image, train, test }
    }
}

const HEADER: usize = 16;

/// Reads the format of `labs/assets/data/README.md`; the error says what is wrong.
fn unpack(packed: &[u8]) -> std::result::Result<Images, String> {
    let mut raw = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut raw).map_err(|e| format!("it does not unpack: {e}"))?;
    let Some((head, body)) = raw.split_first_chunk::<HEADER>() else {
        return Err(format!("{} bytes hold no header", raw.len()));
    };
    let [b'C', b'L', b'I', b'1', counts @ .., rows, columns, classes, top] = *head else {
        return Err("the header does not begin with 'CLI1'".into());
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
    let train = number(&counts[..4]);
    let count = train + number(&counts[4..]);
    let [rows, columns, classes] = [rows, columns, classes].map(usize::from);
    let values = count * rows * columns;
    let size = count + if top <= 15 { values.div_ceil(2) } else { values };
    if top == 0 || body.len() != size {
        return Err(format!("{} bytes follow a header that announces {size}", body.len()));
    }
    let (labels, body) = body.split_at(count);
    let pixels: Vec<u8> =
        if top <= 15 { body.iter().flat_map(|v| [v & 15, v >> 4]).take(values).collect() } else { body.to_vec() };
    if labels.iter().any(|l| usize::from(*l) >= classes) || pixels.iter().any(|v| *v > top) {
        return Err("a label or a pixel is out of range".into());
    }
    let labels = labels.iter().map(|l| u32::from(*l)).collect();
    Ok(Images { train, rows, columns, classes, top, labels, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

    fn pack(raw: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(raw).unwrap();
        encoder.finish().unwrap()
    }

    /// Two train images and one test image of 1x3 pixels, highest value 15 (two pixels a byte).
    fn raw() -> Vec<u8> {
        let head = [b"CLI1".as_slice(), &[2, 0, 0, 0], &[1, 0, 0, 0], &[1, 3, 10, 15]].concat();
        [head.as_slice(), &[7, 8, 9], &[0x10, 0x32, 0x54, 0x76, 0x08]].concat()
    }

    fn problem(change: impl Fn(&mut Vec<u8>)) -> String {
        let mut raw = raw();
        change(&mut raw);
        unpack(&pack(&raw)).unwrap_err()
    }

    #[test]
    fn nibbles_unpack_low_half_first() {
        let images = unpack(&pack(&raw())).unwrap();
        assert_eq!((images.train, images.labels.as_slice()), (2, [7, 8, 9].as_slice()));
        assert_eq!(images.pixels, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn each_damage_is_told() {
        assert_eq!(problem(|r| r[3] = b'2'), "the header does not begin with 'CLI1'");
        assert_eq!(problem(|r| r.truncate(9)), "9 bytes hold no header");
        assert_eq!(problem(|r| r.truncate(20)), "4 bytes follow a header that announces 8");
        assert_eq!(problem(|r| r[7] = 1), "8 bytes follow a header that announces 41943048");
        assert_eq!(problem(|r| r[16] = 10), "a label or a pixel is out of range");
        assert!(problem(|r| r[15] = 0).starts_with("8 bytes follow"));
        assert_eq!(problem(|r| r[15] = 7), "a label or a pixel is out of range");
    }

    #[test]
    fn no_flipped_bit_and_no_missing_end_gives_other_images() {
        let packed = pack(&raw());
        let whole = unpack(&packed).unwrap();
        for bit in 0..8 * packed.len() {
            let mut damaged = packed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // The bits between the end of the compressed data and the checksum mean nothing.
            if let Ok(images) = unpack(&damaged) {
                assert_eq!((bit / 8, images), (packed.len() - 5, whole.clone()), "bit {bit}");
            }
        }
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn damage_becomes_the_embedded_error() {
        static BROKEN: Asset = Asset { name: "digits", packed: &[0x78, 0xda, 1, 2, 3], images: OnceLock::new() };
        let text = BROKEN.images().unwrap_err().to_string();
        assert!(text.starts_with("embedded digits is damaged: it does not unpack: "), "{text}");
    }
}
