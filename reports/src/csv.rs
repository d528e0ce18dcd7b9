//! Tables as CSV (RFC 4180, UTF-8).

use candelab_labs::figure::Table;

/// The table with its heads as the first row.
pub(crate) fn bytes(table: &Table) -> Result<Vec<u8>, String> {
    // A row that is shorter than the heads is a lab's fault, and no reason to keep the data from anybody.
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(&table.columns).map_err(|e| e.to_string())?;
    for row in &table.rows {
        writer.write_record(row).map_err(|e| e.to_string())?;
    }
    writer.into_inner().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_quotes_and_lines_read_back() {
        let table = Table {
            columns: vec!["a, b".into(), "c \"d\"".into()],
            rows: vec![vec!["1\n2".into(), "-1.5e-300".into()]],
        };
        let bytes = bytes(&table).unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        assert_eq!(reader.headers().unwrap(), &table.columns);
        assert_eq!(reader.records().next().unwrap().unwrap(), table.rows[0]);
    }
}
