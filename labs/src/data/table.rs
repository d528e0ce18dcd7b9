//! The user's own table: comma-separated numbers with the label in the last column.

use super::{Dataset, STREAM, Split, bad_file, file_name, split};
use crate::rng::stream;
use crate::{LabError, Result};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::collections::HashMap;
use std::path::Path;

/// Fewer rows than this are a mistake rather than a data set.
const MIN_ROWS: usize = 10;

/// Reads `path`. The first line is a header if it has text in a feature column and a number in
/// none. Labels that are all numbers make classes in the order of their values (`1` and `1.0` are one
/// class), other labels in the order of their text.
pub(super) fn load(path: &Path, seed: u64) -> Result<Dataset> {
    let bytes = std::fs::read(path).map_err(|reason| LabError::Unreadable { path: path.into(), reason })?;
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let table = Table::parse(path, content)?;
    let (labels, classes) = table.classes(path, content)?;
    let dim = table.width - 1;
    let (train, test) = split::stratified(&labels, classes, &mut stream(seed, STREAM, 0));
    let pick = |indices: &[usize]| Split::pick(&table.features, &labels, dim, indices);
    let (train, test) = (pick(&train), pick(&test));
    Ok(Dataset { name: file_name(path), dim, classes, image: None, train, test })
}

#[derive(Default)]
struct Table {
    /// Columns, the label's included.
    width: usize,
    /// Where the first record begins, a header's included.
    origin: usize,
    features: Vec<f32>,
    /// For each row an index into `names`.
    labels: Vec<usize>,
    names: Vec<Name>,
}

/// A label as it is written.
struct Name {
    text: String,
    count: usize,
    /// Where its first row begins.
    start: usize,
}

impl Table {
    fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        // Uneven rows are let through by the reader: their error is told here, like the others.
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text);
        let mut table = Self::default();
        let mut known = HashMap::new();
        let mut record = ByteRecord::new();
        loop {
            let start = reader.position().byte() as usize;
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(table),
                Err(e) => return Err(bad_file(path, place(text, start), e.to_string(), "comma-separated cells")),
            }
            let row = Row { path, text, start, record: &record };
            if table.width == 0 {
                table.width = row.check_width()?;
                table.origin = start;
                if row.is_header() {
                    continue;
                }
            }
            table.push(&row, &mut known)?;
        }
    }

    fn push(&mut self, row: &Row, known: &mut HashMap<String, usize>) -> Result<()> {
        let n = row.record.len();
        if n != self.width {
            let expected = format!("{} cells, as in {}", self.width, place(row.text, self.origin));
            return Err(row.bad(format!("{n} cell{}", if n == 1 { "" } else { "s" }), expected));
        }
        for column in 0..self.width - 1 {
            self.features.push(row.number(column)?);
        }
        let label = row.label()?;
        let index = if let Some(index) = known.get(label) {
            *index
        } else {
            known.insert(label.to_owned(), self.names.len());
            self.names.push(Name { text: label.to_owned(), count: 0, start: row.start });
            self.names.len() - 1
        };
        self.names[index].count += 1;
        self.labels.push(index);
        Ok(())
    }

    /// The class of each row, and the number of classes.
    fn classes(&self, path: &Path, text: &[u8]) -> Result<(Vec<u32>, usize)> {
        let (class_of, members) = self.order();
        if self.labels.len() < MIN_ROWS {
            let problem = match (self.width, self.labels.len()) {
                (0, _) => "no rows, the file is empty".into(),
                (_, 0) => "no rows, only a header".into(),
                (_, 1) => "1 row".into(),
                (_, n) => format!("{n} rows"),
            };
            return Err(bad_file(path, "file", problem, format!("at least {MIN_ROWS} rows")));
        }
        if let [_] = members.as_slice() {
            let problem = format!("every label is '{}'", shown(&self.names[0].text));
            return Err(bad_file(path, "file", problem, "at least two different labels in the last column"));
        }
        for (name, class) in self.names.iter().zip(&class_of) {
            if members[*class as usize] == 1 {
                let problem = format!("label '{}' occurs only once", shown(&name.text));
                let expected = "at least two rows of each class, one to train on and one to test with";
                return Err(bad_file(path, place(text, name.start), problem, expected));
            }
        }
        Ok((self.labels.iter().map(|i| class_of[*i]).collect(), members.len()))
    }

    /// The class of each name, and the rows of each class.
    fn order(&self) -> (Vec<u32>, Vec<usize>) {
        let values: Option<Vec<f64>> = self.names.iter().map(|n| n.text.parse().ok()).collect();
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        match &values {
            // Adding 0 makes -0 the 0 that it equals.
            Some(v) => order.sort_by(|&a, &b| (v[a] + 0.0).total_cmp(&(v[b] + 0.0))),
            None => order.sort_by(|&a, &b| self.names[a].text.cmp(&self.names[b].text)),
        }
        let mut class_of = vec![0; order.len()];
        let mut members: Vec<usize> = Vec::new();
        for (k, &i) in order.iter().enumerate() {
            let same = k > 0 && values.as_ref().is_some_and(|v| v[i] <= v[order[k - 1]]);
            if !same {
                members.push(0);
            }
            let class = members.len() - 1;
            members[class] += self.names[i].count;
            class_of[i] = class as u32;
        }
        (class_of, members)
    }
}

/// A record and what is needed to say where it is.
struct Row<'a> {
    path: &'a Path,
    text: &'a [u8],
    start: usize,
    record: &'a ByteRecord,
}

impl Row<'_> {
    fn bad(&self, problem: impl Into<String>, expected: impl Into<String>) -> LabError {
        bad_file(self.path, place(self.text, self.start), problem, expected)
    }

    fn check_width(&self) -> Result<usize> {
        match self.record.len() {
            0 | 1 => Err(self.bad("1 column", "features and, in the last column, a label, separated by commas")),
            n => Ok(n),
        }
    }

    fn is_header(&self) -> bool {
        let features = || self.record.iter().take(self.record.len() - 1);
        let number = |cell: &[u8]| std::str::from_utf8(cell).is_ok_and(|c| c.parse::<f64>().is_ok());
        features().any(|cell| !cell.is_empty()) && !features().any(number)
    }

    fn cell(&self, column: usize) -> Result<&str> {
        let text = std::str::from_utf8(&self.record[column]);
        text.map_err(|_| self.bad(format!("column {} is not UTF-8 text", column + 1), "a file in UTF-8"))
    }

    fn number(&self, column: usize) -> Result<f32> {
        let cell = self.cell(column)?;
        let holds = || format!("column {} holds '{}'", column + 1, shown(cell));
        match cell.parse::<f64>() {
            _ if cell.is_empty() => Err(self.bad(format!("column {} is empty", column + 1), "a number")),
            Err(_) => Err(self.bad(holds(), "a number")),
            Ok(value) if (value as f32).is_finite() => Ok(value as f32),
            Ok(value) if value.is_finite() => Err(self.bad(holds(), "a number of size below 3.4e38")),
            Ok(_) => Err(self.bad(holds(), "a finite number")),
        }
    }

    fn label(&self) -> Result<&str> {
        let column = self.record.len() - 1;
        let cell = self.cell(column)?;
        if cell.is_empty() {
            return Err(self.bad(format!("the label in column {} is empty", column + 1), "a class"));
        }
        if cell.parse::<f64>().is_ok_and(|v| !v.is_finite()) {
            let problem = format!("the label in column {} is '{}'", column + 1, shown(cell));
            return Err(self.bad(problem, "a class"));
        }
        Ok(cell)
    }
}

/// `line N` of the record that begins at or after `start`. The reader's own count is one behind after
/// an empty line and after CR LF, because it takes those only when it reads on.
fn place(text: &[u8], start: usize) -> String {
    let blank = text[start..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let line = text[..start + blank].split(|b| *b == b'\n').count();
    format!("line {line}")
}

/// A cell as an error can show it: on one line, and not whole where it is long.
fn shown(cell: &str) -> String {
    const LIMIT: usize = 40;
    let head: String = cell.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if cell.chars().nth(LIMIT).is_some() { format!("{head}...") } else { head }
}
