//! Tables as files: CSV in UTF-8 or GBK, and xlsx, become rows of text and the other way. What the
//! columns mean is not known here. Pure: bytes in, bytes out.
//!
//! What is written opens in a Chinese Excel as it is: UTF-8 with a byte order mark, CRLF, and no cell
//! that a spreadsheet would take for a formula.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// Neither UTF-8 nor GBK. Save it again as one of them, or as xlsx.
    #[error("the text is neither UTF-8 nor GBK: save it as CSV UTF-8 or xlsx")]
    Encoding,
    #[error("not a CSV file: {0}")]
    Csv(#[from] csv::Error),
    #[error("not an xlsx file: {0}")]
    Xlsx(#[from] calamine::XlsxError),
    /// An old .xls, an empty workbook.
    #[error("{0}")]
    Unusable(&'static str),
    #[error("cannot write xlsx: {0}")]
    WriteXlsx(#[from] rust_xlsxwriter::XlsxError),
}

/// Cells of one table; more is a sheet gone wrong (20,000 residents of 20 columns are 400,000).
const MOST_CELLS: usize = 5_000_000;

/// A file's rows. An xlsx is known by its first bytes, and its first sheet is read; all else is CSV
/// with whatever separator its first line has.
///
/// # Errors
/// Each variant of [`SheetError`] says what to do.
pub fn read(bytes: &[u8]) -> Result<Vec<Vec<String>>, SheetError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return read_xlsx(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(SheetError::Unusable("an old .xls file: save it as .xlsx"));
    }
    read_csv(&text(bytes)?)
}

/// Byte order marks first, then UTF-8, then GBK (as its superset GB 18030).
fn text(bytes: &[u8]) -> Result<String, SheetError> {
    if let Some((encoding, skip)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or_default());
        return if broken { Err(SheetError::Encoding) } else { Ok(text.into_owned()) };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    let (text, broken) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    if broken { Err(SheetError::Encoding) } else { Ok(text.into_owned()) }
}

fn read_csv(text: &str) -> Result<Vec<Vec<String>>, SheetError> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: char| first.matches(separator).count();
    let separator = [('\t', b'\t'), (';', b';')]
        .into_iter()
        .find(|(c, _)| count(*c) > count(','))
        .map_or(b',', |(_, b)| b);
    let text = format!("{}\n", text.replace("\r\n", "\n"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut record = csv::StringRecord::new();
    // Line ends within cells: lines that are no rows.
    let mut inside = 0_u64;
    while reader.read_record(&mut record)? {
        let ends: usize = record.iter().map(|cell| cell.matches('\n').count()).sum();
        inside = inside.saturating_add(u64::try_from(ends).unwrap_or(u64::MAX));
        // The reader leaves empty lines out; a spreadsheet counts them. It stands behind the record now.
        let before = reader.position().line().saturating_sub(2).saturating_sub(inside);
        rows.resize(rows.len().max(usize::try_from(before).unwrap_or(0)), Vec::new());
        rows.push(record.iter().map(str::to_owned).collect());
    }
    Ok(rows)
}

fn read_xlsx(bytes: &[u8]) -> Result<Vec<Vec<String>>, SheetError> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let sheet = book.worksheet_range_at(0).ok_or(SheetError::Unusable("a workbook without any sheet"))??;
    if sheet.get_size().0.saturating_mul(sheet.get_size().1) > MOST_CELLS {
        return Err(SheetError::Unusable("a sheet with more cells than any list has"));
    }
    let (above, left) = sheet.start().unwrap_or((0, 0));
    let width = |cells: &[Data]| {
        let before = (0..left).map(|_| String::new());
        before.chain(cells.iter().map(cell)).collect::<Vec<_>>()
    };
    let before = (0..above).map(|_| Vec::new());
    Ok(before.chain(sheet.rows().map(width)).collect())
}

/// A cell as a person sees it: a telephone number that Excel took for a number has no `.0`.
fn cell(cell: &Data) -> String {
    match cell {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::Empty => String::new(),
        other => other.to_string(),
    }
}

/// Rows as CSV for Excel in China: UTF-8 with a byte order mark, CRLF, formulas disarmed.
pub fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let mut text = String::from("\u{feff}");
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| quoted(&harmless(cell))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// Rows as xlsx. Every cell is text, so that neither a formula runs nor a number is rounded.
///
/// # Errors
/// The rows are more than a sheet holds.
pub fn xlsx(name: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, SheetError> {
    workbook(&[(name, rows.to_vec())])
}

/// Several sheets in one file, by their names.
///
/// # Errors
/// The rows are more than a sheet holds.
pub fn workbook(sheets: &[(&str, Vec<Vec<String>>)]) -> Result<Vec<u8>, SheetError> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let bold = rust_xlsxwriter::Format::new().set_bold();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet().set_name(*name)?;
        for (row, at) in rows.iter().zip(0_u32..) {
            for (cell, column) in row.iter().zip(0_u16..) {
                match at {
                    0 => sheet.write_string_with_format(at, column, cell, &bold)?,
                    _ => sheet.write_string(at, column, cell)?,
                };
            }
        }
        sheet.set_freeze_panes(1, 0)?;
    }
    Ok(book.save_to_buffer()?)
}

/// A cell that starts as a formula gets an apostrophe before it (OWASP, CSV injection); a plain number
/// with a sign is none.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula && cell.parse::<f64>().is_err() { format!("'{cell}") } else { cell.to_owned() }
}

fn quoted(cell: &str) -> String {
    let plain = !cell.contains(['"', ',', '\n', '\r', ';', '\t']) && cell.trim() == cell;
    if plain { cell.to_owned() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: &str = "姓名,房号,电话\r\n王建国,101,13800000000\r\n";

    fn expected() -> Vec<Vec<String>> {
        vec![
            vec!["姓名".into(), "房号".into(), "电话".into()],
            vec!["王建国".into(), "101".into(), "13800000000".into()],
        ]
    }

    #[test]
    fn one_table_is_read_in_every_encoding_of_the_office() {
        let gbk = encoding_rs::GBK.encode(TABLE).0.into_owned();
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(TABLE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let marked = format!("\u{feff}{TABLE}").into_bytes();
        let tabs = TABLE.replace(',', "\t").into_bytes();
        for bytes in [TABLE.as_bytes().to_vec(), marked, gbk, utf16, tabs, xlsx("表", &expected()).unwrap()]
        {
            assert_eq!(read(&bytes).unwrap(), expected());
        }
        assert!(matches!(read(&[0x80, 0xff, 0xff, b'\n']), Err(SheetError::Encoding)));
        assert!(matches!(read(&[0xd0, 0xcf, 0x11, 0xe0, 0]), Err(SheetError::Unusable(_))));
        assert!(matches!(read(b"PK\x03\x04 and no zip"), Err(SheetError::Xlsx(_))));
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        let rows = read("姓名,房号\n\n\"王\n建国\",101\n李,102".as_bytes()).unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1], Vec::<String>::new());
        assert_eq!(rows[3][0], "李");
    }

    #[test]
    fn a_number_that_excel_took_for_one_has_no_decimals() {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.add_worksheet().write_number(1, 1, 13_800_000_000.0).unwrap();
        let rows = read(&book.save_to_buffer().unwrap()).unwrap();
        assert_eq!(rows, [vec![], vec![String::new(), "13800000000".into()]]);
    }

    #[test]
    fn no_cell_is_a_formula() {
        let row = ["=1+1", "+8613800000000", "-2", "@SUM(A1)", "a=b", "-rm"].map(str::to_owned);
        let text = String::from_utf8(csv(&[row.to_vec()])).unwrap();
        assert_eq!(text, "\u{feff}'=1+1,+8613800000000,-2,'@SUM(A1),a=b,'-rm\r\n");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[b"PK\x03\x04".as_slice(), &bytes].concat());
        }

        #[test]
        fn what_is_written_is_read(cells in prop::collection::vec("[a-z,;\"\\n =\\u{4e00}-\\u{4e20}]{0,6}x", 1..5)) {
            prop_assume!(!cells.iter().any(|cell| cell.starts_with('=')));
            let rows = vec![vec!["heading".to_owned(); cells.len()], cells];
            prop_assert_eq!(read(&csv(&rows)).unwrap(), rows.clone());
            prop_assert_eq!(read(&xlsx("x", &rows).unwrap()).unwrap(), rows);
        }
    }
}
