//! The pictures that a verification's claims name, taken from the files of its runs.

use crate::files::safe_name;
use crate::verification::{RUNS, run_folder};
use crate::{page, svg};
use candelab_labs::claim::{Evidence, Outcome};
use candelab_labs::figure::Table;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A picture of more bytes stays a file of its own: a plane of many thousand cells, which a hundred claims
/// name, would be most of the page and slow to open.
const MOST_BYTES: usize = 128 * 1024;
/// Rows of a table; the CSV file has all of them.
const MOST_ROWS: usize = 30;

/// What a claim shows.
#[derive(Serialize, Clone)]
pub(crate) struct Shown {
    title: String,
    caption: String,
    /// The number of the page's picture, and its `viewBox`.
    picture: Option<(usize, String)>,
    /// A picture that stays a file.
    file: Option<String>,
    /// A table, which has no picture.
    table: Option<page::Data>,
    /// The files, and their names for a person.
    files: Vec<(String, &'static str)>,
}

/// Pictures that stand in the page once, however many claims show them.
pub(crate) struct Pictures<'a> {
    dir: &'a Path,
    shown: BTreeMap<(&'a str, &'a str), Shown>,
    bodies: Vec<String>,
}

impl<'a> Pictures<'a> {
    /// What the claims among `outcomes` show, from the files in `dir`.
    pub(crate) fn read(outcomes: &'a [Outcome], dir: &'a Path) -> Self {
        let mut pictures = Self { dir, shown: BTreeMap::new(), bodies: Vec::new() };
        for evidence in outcomes.iter().filter_map(|o| o.evidence.as_ref()) {
            let key = (evidence.folder.as_str(), evidence.figure.as_str());
            if !pictures.shown.contains_key(&key) {
                let shown = pictures.find(evidence);
                pictures.shown.insert(key, shown);
            }
        }
        pictures
    }

    /// The pictures' shapes, in the order of their numbers.
    pub(crate) fn bodies(&self) -> &[String] {
        &self.bodies
    }

    /// What `evidence` is, with the claim's own title and caption.
    pub(crate) fn show(&self, evidence: &Evidence) -> Option<Shown> {
        let shown = self.shown.get(&(evidence.folder.as_str(), evidence.figure.as_str()))?;
        Some(Shown { title: evidence.title.clone(), caption: evidence.caption.clone(), ..shown.clone() })
    }

    fn find(&mut self, evidence: &Evidence) -> Shown {
        let folder = run_folder(self.dir, &evidence.folder);
        let name = safe_name(&evidence.figure);
        let is_there = |ending: &str| folder.join(format!("{name}.{ending}")).is_file();
        let link = |ending: &str| format!("{RUNS}/{}/{name}.{ending}", safe_name(&evidence.folder));
        let kinds = [("svg", "SVG"), ("png", "PNG"), ("csv", "CSV")];
        let files = kinds.iter().filter(|k| is_there(k.0)).map(|(ending, word)| (link(ending), *word)).collect();
        let picture = self.embed(&folder.join(format!("{name}.svg")));
        let file = (picture.is_none() && is_there("svg")).then(|| link("svg"));
        let is_drawn = picture.is_some() || file.is_some();
        let table = if is_drawn { None } else { table(&folder.join(format!("{name}.csv"))) };
        Shown { title: String::new(), caption: String::new(), picture, file, table, files }
    }

    fn embed(&mut self, path: &Path) -> Option<(usize, String)> {
        let text = std::fs::read_to_string(path).ok().filter(|text| text.len() <= MOST_BYTES)?;
        let part = svg::part(&text)?;
        self.bodies.push(part.body.to_string());
        Some((self.bodies.len() - 1, part.view_box))
    }
}

/// The table of a file, as far as it is shown; `None` where there is none.
fn table(path: &Path) -> Option<page::Data> {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_path(path).ok()?;
    let cells = |record: &::csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
    let columns = cells(reader.headers().ok()?);
    let rows = reader.records().map(|row| row.map(|r| cells(&r))).collect::<Result<_, _>>().ok()?;
    Some(page::data(Table { columns, rows }, MOST_ROWS))
}
