//! Spreadsheets: cells as people see them, sheets, bounds, damage.

use std::fmt::Write as _;
use std::io::Write as _;

use rust_xlsxwriter::{ExcelDateTime, Format as Look, Formula, Workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::*;

/// What fills a sheet.
type Fill<'a> = &'a dyn Fn(&mut rust_xlsxwriter::Worksheet);

/// A workbook of sheets that are filled one by one.
pub(super) fn xlsx(sheets: &[(&str, Fill<'_>)]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, fill) in sheets {
        fill(book.add_worksheet().set_name(*name).unwrap());
    }
    book.save_to_buffer().unwrap()
}

/// An archive of named parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A spreadsheet of tables, given as XML.
pub(super) fn ods(tables: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content>\
         <style:style style:name=\"ta2\"><style:table-properties table:display=\"false\"/>\
         </style:style><office:body><office:spreadsheet>{tables}</office:spreadsheet>\
         </office:body></office:document-content>"
    );
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", b"<manifest:manifest/>"),
    ])
}

/// A table of rows of XML.
fn table(name: &str, rows: &str) -> String {
    format!("<table:table table:name=\"{name}\">{rows}</table:table>")
}

/// A row of text cells.
fn texts(cells: &[&str]) -> String {
    let mut row = String::from("<table:table-row>");
    for cell in cells {
        let value = if cell.is_empty() { "" } else { " office:value-type=\"string\"" };
        write!(row, "<table:table-cell{value}><text:p>{cell}</text:p></table:table-cell>").unwrap();
    }
    row + "</table:table-row>"
}

fn stated(sheet: &str) -> Stated {
    Stated { sheet: Some(sheet.to_owned()), ..Stated::default() }
}

fn open_sheet(bytes: &[u8], sheet: &str) -> Result<Input, String> {
    input_of("u", stated(sheet), io::Cursor::new(bytes.to_vec()))
}

/// The code and message of rows that cannot be read.
fn problems(rows: &[Placed]) -> Vec<String> {
    let of = |(_, _, is): &Placed| match is {
        Is::Broken(_, problem) => {
            let column = problem.place.as_deref().unwrap_or("-");
            Some(format!("{} {column} {}", problem.code, problem.message))
        }
        _ => None,
    };
    rows.iter().filter_map(of).collect()
}

#[test]
fn cells_of_workbooks_are_what_people_see() {
    let date = Look::new().set_num_format("yyyy-mm-dd");
    let time = Look::new().set_num_format("yyyy-mm-dd hh:mm");
    let book = xlsx(&[("Users", &|sheet| {
        for (column, name) in
            ["text", " number ", "boolean", "date", "time", "sum"].iter().enumerate()
        {
            sheet.write(2, u16::try_from(column).unwrap() + 1, *name).unwrap();
        }
        sheet.write(3, 1, " ada ").unwrap();
        sheet.write(3, 2, 447_911_123_456_u64).unwrap();
        sheet.write(3, 3, true).unwrap();
        let day = ExcelDateTime::from_ymd(2026, 11, 24).unwrap();
        sheet.write_with_format(3, 4, &day, &date).unwrap();
        let day = ExcelDateTime::from_ymd(2026, 11, 24).unwrap().and_hms(10, 30, 0).unwrap();
        sheet.write_with_format(3, 5, &day, &time).unwrap();
        sheet.write(3, 6, Formula::new("=1+1").set_result("2")).unwrap();
        sheet.write(5, 1, "  ").unwrap();
        sheet.write(6, 2, 0.5).unwrap();
        sheet.write_blank(6, 9, &Look::new().set_bold()).unwrap();
    })]);
    let first = ["ada", "447911123456", "true", "2026-11-24", "2026-11-24T10:30:00", "2"];
    let mut first = first;
    first[0] = " ada ";
    assert_eq!(
        rows("u.xlsx", &book),
        [(4, 0, cells(&first)), (7, 0, cells(&["", "0.5", "", "", "", ""]))]
    );
    let input = input("u", io::Cursor::new(book)).unwrap();
    let source = &input.sources()[0];
    assert_eq!(source.columns, ["text", "number", "boolean", "date", "time", "sum"]);
    assert_eq!((source.format, source.delimiter), (Format::Xlsx, None));
}

#[test]
fn cells_that_cannot_be_used_are_bad_rows() {
    let book = xlsx(&[("Users", &|sheet| {
        sheet.write(0, 1, "id").unwrap();
        sheet.write(0, 2, "phone").unwrap();
        sheet.write(1, 1, "a").unwrap();
        sheet.write(1, 2, 9_007_199_254_740_993_u64).unwrap();
        sheet.write(2, 1, "b").unwrap();
        sheet.write(2, 2, Formula::new("=NA()").set_result("#N/A")).unwrap();
        sheet.write(3, 1, "c").unwrap();
        sheet.write(3, 3, "beyond").unwrap();
        sheet.write(4, 0, "before").unwrap();
        sheet.write(5, 1, "x".repeat(32_000)).unwrap();
    })]);
    let rows = rows("u", book);
    assert_eq!(
        problems(&rows),
        [
            "rounded_number phone the cell of \"phone\" holds a number so long that the \
             spreadsheet has rounded it",
            "cell_error phone the cell of \"phone\" holds #N/A, the error of a formula",
            "wrong_field_count - column D holds something, but the header has no name for it",
            "wrong_field_count - column A holds something, but the header has no name for it",
        ]
    );
    assert!(matches!(&rows[4].2, Is::Cells(cells) if cells[0].len() == 32_000));
    let Is::Broken(raw, _) = &rows[2].2 else { panic!() };
    assert_eq!(raw, &[b"c".to_vec(), b"".to_vec(), b"beyond".to_vec()]);
}

#[test]
fn the_sheet_is_the_only_one_with_rows_or_stated() {
    let header = |sheet: &mut rust_xlsxwriter::Worksheet| {
        sheet.write(0, 0, "x").unwrap();
        sheet.write(1, 0, sheet.name()).unwrap();
    };
    let nothing = |sheet: &mut rust_xlsxwriter::Worksheet| {
        sheet.write(5, 5, " ").unwrap();
    };
    let hidden = |sheet: &mut rust_xlsxwriter::Worksheet| {
        header(sheet);
        sheet.set_hidden(true);
    };
    let one = xlsx(&[("Empty", &nothing), ("Users", &header), ("Lists", &hidden)]);
    assert_eq!(rows("u", &one)[0].2, cells(&["Users"]));
    assert_eq!(drain(open_sheet(&one, "Lists").unwrap()).rows[0].1, cells(&["Lists"]));
    let two = xlsx(&[("A", &header), ("B", &nothing), ("C", &header)]);
    let refusal = read("u", &two).unwrap_err();
    assert!(refusal.contains("several sheets with rows: \"A\", \"C\"; choose"), "{refusal}");
    assert_eq!(drain(open_sheet(&two, "C").unwrap()).rows[0].1, cells(&["C"]));
    let refusal = open_sheet(&two, "D").err().unwrap();
    assert!(refusal.contains("no sheet \"D\"; there are \"A\", \"B\", \"C\""), "{refusal}");
    let refusal = open_sheet(&two, "B").err().unwrap();
    assert!(refusal.contains("sheet \"B\":1: there is no header row"), "{refusal}");
    let refusal = read("u", xlsx(&[("Empty", &nothing)])).unwrap_err();
    assert!(refusal.contains("its only sheet, \"Empty\", is empty"), "{refusal}");
    let csv = Stated { format: Some(Format::Csv), ..Stated::default() };
    assert!(input_of("u", csv, io::Cursor::new(one)).err().unwrap().contains("--format is csv"));
}

#[test]
fn headers_of_sheets_are_checked_like_others() {
    let header = |names: &'static [&'static str]| {
        xlsx(&[("S", &|sheet| {
            for (column, name) in names.iter().enumerate() {
                sheet.write(0, u16::try_from(column).unwrap(), *name).unwrap();
            }
        })])
    };
    for names in [&["a", "", "b"][..], &["a", "a"], &["", "a", "b", ""]] {
        assert_eq!(rows("u", header(names)), []);
    }
}

const VALUES: &str = concat!(
    "<table:table-row>",
    r#"<table:table-cell office:value-type="float" office:value="447911123456.0"/>"#,
    r#"<table:table-cell office:value-type="boolean" office:boolean-value="true"/>"#,
    r#"<table:table-cell office:value-type="date" office:date-value="2026-11-24"/>"#,
    r#"<table:table-cell office:value-type="string"><office:annotation><text:p>no</text:p>"#,
    r#"</office:annotation><text:p> a  b<text:s text:c="2"/>c</text:p><text:p>&lt;d&#x20AC;</text:p>"#,
    r#"</table:table-cell><table:table-cell table:number-columns-repeated="16000"/>"#,
    "</table:table-row>",
);

#[test]
fn open_documents_are_read_alike() {
    let header = texts(&["n", "b", "d", "t"]);
    let far =
        "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell/></table:table-row>";
    let repeated = texts(&["1", "2"]).replacen(
        "<table:table-row>",
        "<table:table-row table:number-rows-repeated=\"2\">",
        1,
    );
    let end = far.replace('3', "1048000");
    let error = "<table:table-row><table:table-cell/><table:table-cell office:value-type=\"string\" \
                 office:string-value=\"\" calcext:value-type=\"error\"><text:p>#N/A</text:p>\
                 </table:table-cell></table:table-row>";
    let rows_of = format!("{header}{VALUES}{far}{repeated}{error}{end}");
    let hidden =
        table("Lists", &header).replace("<table:table ", "<table:table table:style-name=\"ta2\" ");
    let file = ods(&format!("{}{hidden}", table("Users", &rows_of)));
    let rows = rows("u.ods", &file);
    let values = cells(&["447911123456", "true", "2026-11-24", "a b  c\n<d€"]);
    assert_eq!(rows[0], (2, 0, values));
    assert_eq!(
        rows[1..3],
        [(6, 0, cells(&["1", "2", "", ""])), (7, 0, cells(&["1", "2", "", ""]))]
    );
    assert_eq!(
        problems(&rows),
        ["cell_error b the cell of \"b\" holds #N/A, the error of a formula"]
    );
    let input = input("u", io::Cursor::new(file)).unwrap();
    assert_eq!(input.sources()[0].format, Format::Ods);
    let two = ods(&format!("{}{}", table("A", &header), table("B", &header)));
    assert!(read("u", &two).unwrap_err().contains("several sheets with rows: \"A\", \"B\""));
}

#[test]
fn protected_and_foreign_documents_are_refused_by_name() {
    let protected = archive(&[
        ("mimetype", b"x"),
        ("content.xml", b"garbage"),
        (
            "META-INF/manifest.xml",
            b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>",
        ),
    ]);
    for (bytes, expected) in [
        (protected, "protected by a password"),
        (archive(&[("xl/workbook.bin", b"")]), "binary Excel workbook"),
        (archive(&[("a.csv", b"x\n"), ("b.csv", b"x\n")]), "is a zip archive of 2 files"),
        (archive(&[("xl/workbook.xml", b"<x>")]), "damaged Excel workbook"),
    ] {
        let refusal = read("u", bytes).unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

/// Spreadsheets that would fill the memory or never end.
#[test]
fn bombs_are_refused() {
    let header = texts(&["x"]);
    let cell = |repeated: u64, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated=\"{repeated}\" \
             office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |repeated: u64, cells: &str| {
        format!(
            "<table:table-row table:number-rows-repeated=\"{repeated}\">{cells}</table:table-row>"
        )
    };
    let wide: String = (0..16_000).fold(String::new(), |mut names, n| {
        write!(names, "{}", cell(1, &format!("c{n}"))).unwrap();
        names
    });
    let spaces = "<text:s text:c=\"4000000000\"/>";
    for (rows, expected) in [
        (row(u64::from(u32::MAX), &cell(1, "a")), "repeats a row too often"),
        (row(1_048_576, &cell(1, "a")), ""),
        (row(1, &cell(16_385, "a")), "more than 16384 cells"),
        (row(u64::MAX, &cell(1, "a")), "damaged spreadsheet (a number of repetitions)"),
        (texts(&[spaces]), ""),
    ] {
        let file = ods(&table("T", &format!("{header}{rows}")));
        match input("u", io::Cursor::new(file)) {
            Ok(input) => assert!(expected.is_empty() && input.count() > 0),
            Err(refusal) => {
                assert!(!expected.is_empty() && refusal.contains(expected), "{refusal}");
            }
        }
    }
    let file = ods(&table("T", &format!("{}{}", row(1, &wide), row(1_048_576, &cell(1, "a")))));
    assert!(read_in("u", &file, usize::MAX).unwrap_err().contains("is too large at row"));
    let long = "b".repeat(1024 * 1024);
    let file = ods(&table("T", &format!("{}{}", row(1, &wide), row(1, &cell(16_000, &long)))));
    let said = read_in("u", &file, usize::MAX).unwrap();
    assert!(matches!(&said.rows[0].1, Is::Broken(_, problem) if problem.code == "record_too_long"));
}

#[test]
fn documents_that_are_cut_off_or_changed_come_to_an_end() {
    let book = xlsx(&[("S", &|sheet| {
        for row in 0..20 {
            sheet.write(row, 0, format!("x{row}")).unwrap();
            sheet.write(row, 1, format!("y{}", row * 7)).unwrap();
        }
    })]);
    let document =
        ods(&table("S", &(0..20).map(|n| texts(&["x", &n.to_string()])).collect::<String>()));
    for file in [book, document] {
        for cut in (0..file.len()).step_by(file.len() / 80) {
            let refusal = read_in("u.ods", &file[..cut], usize::MAX);
            assert!(refusal.is_err(), "cut at {cut}");
        }
        // The archive is whole, a part is not.
        let mut parts = ZipArchive::new(io::Cursor::new(&file)).unwrap();
        let names: Vec<String> = parts.file_names().map(|name| name.unwrap().to_string()).collect();
        let texts: Vec<Vec<u8>> = names
            .iter()
            .map(|name| {
                let mut text = Vec::new();
                parts.by_name(name).unwrap().read_to_end(&mut text).unwrap();
                text
            })
            .collect();
        for (index, text) in texts.iter().enumerate() {
            for cut in (0..text.len()).step_by(1 + text.len() / 40) {
                let of = |(at, name): (usize, &String)| {
                    let end = if at == index { cut } else { texts[at].len() };
                    (name.clone(), texts[at][..end].to_vec())
                };
                let parts: Vec<(String, Vec<u8>)> = names.iter().enumerate().map(of).collect();
                let parts: Vec<_> = parts.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
                // Whatever it says, it says it.
                let _ = read_in("u", &archive(&parts), usize::MAX);
            }
        }
    }
}

#[test]
fn rows_that_are_filtered_out_are_told() {
    let row = |attributes: &str, text: &str| {
        format!(
            "<table:table-row{attributes}><table:table-cell office:value-type=\"string\">\
             <text:p>{text}</text:p></table:table-cell></table:table-row>"
        )
    };
    let file = ods(&format!(
        "<table:table table:name=\"S\">{}{}{}</table:table>",
        row("", "x"),
        row(" table:visibility=\"filter\"", "a"),
        row("", "b")
    ));
    let refusal = read("u", file.clone()).unwrap_err();
    assert!(refusal.contains("1 of its rows are hidden or filtered out"), "{refusal}");
    let hidden = |hidden_rows| {
        let stated = Stated { hidden_rows: Some(hidden_rows), ..Stated::default() };
        let input = input_of("u", stated, io::Cursor::new(file.clone())).unwrap();
        let skipped = input.skipped();
        (drain(input).rows.len(), skipped.hidden_rows())
    };
    assert_eq!(hidden(HiddenRows::Skip), (1, 1));
    assert_eq!(hidden(HiddenRows::Send), (2, 0));
}
