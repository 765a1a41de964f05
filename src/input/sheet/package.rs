//! Excel workbooks whose parts do not lie where Excel puts them.
//!
//! A workbook is a zip archive of parts that name each other by relationships. Some programs put
//! them elsewhere, separate folders with `\`, or write UTF-16. The parts that rows need are found
//! through the relationships and packed again under the names that the parser expects.

use std::collections::HashMap;
use std::io::{Cursor, Read, Write};

use quick_xml::events::Event;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::facts::{attribute, each, opened};
use crate::input::decode;

/// Where Excel has the workbook itself.
pub(super) const BOOK: &str = "xl/workbook.xml";

/// Where Excel has the parts of these kinds, the worksheets apart.
const PLACES: [(&str, &str); 2] =
    [("sharedStrings", "xl/sharedStrings.xml"), ("styles", "xl/styles.xml")];

/// How much is read of a part that says where others are; of a workbook's own, to its first element.
const MAX_RELATIONS: u64 = 16 * 1024 * 1024;

/// The most bytes that a part in UTF-16 may have, which is held to be decoded.
const MAX_DECODED: u64 = 256 * 1024 * 1024;

/// The parts of an archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// By their names in lower case with `/`, as relationships are read.
    indices: HashMap<String, usize>,
}

/// A relationship of a part: an ID, what kind the other part is, where it lies.
#[derive(Clone, Debug, Default)]
struct Relation {
    id: String,
    kind: String,
    part: String,
    /// Whether it is found by putting the target behind the folder.
    simple: bool,
}

impl<'a> Package<'a> {
    pub(super) fn new(archive: ZipArchive<Cursor<&'a [u8]>>) -> Self {
        let names = archive.file_names().map(|name| lookup(&name.unwrap_or_default()));
        let indices = names.enumerate().map(|(index, name)| (name, index)).collect();
        Self { archive, indices }
    }

    pub(super) fn has(&self, part: &str) -> bool {
        self.indices.contains_key(&lookup(part))
    }

    /// Where the workbook lies, if there is one.
    pub(super) fn book(&mut self) -> Result<Option<String>, String> {
        let relations = self.relations("", "_rels/.rels")?;
        let named = relations.into_iter().find(|relation| relation.kind == "officeDocument");
        let book = named.map_or_else(|| BOOK.to_owned(), |relation| relation.part);
        let Some(bytes) = self.part(&book, MAX_RELATIONS)? else { return Ok(None) };
        let mut root = None;
        each(&*bytes, |event| {
            root = opened(event).map(|element| element.local_name().as_ref().to_owned());
            root.is_none()
        })?;
        Ok((root.as_deref() == Some("workbook")).then_some(book))
    }

    /// So many bytes of a part at most, in UTF-8.
    fn part(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, String> {
        let Some(index) = self.indices.get(&lookup(name)) else { return Ok(None) };
        let mut bytes = Vec::new();
        let part = self.archive.by_index(*index).map_err(damaged)?;
        part.take(most).read_to_end(&mut bytes).map_err(damaged)?;
        Ok(Some(decode::marked_utf16(&bytes).map_or(bytes, String::into_bytes)))
    }

    /// Writes a part in UTF-8. It may be large, so it is only held where it has to be decoded.
    fn copy(&mut self, name: &str, out: &mut impl Write) -> Result<(), String> {
        let index = *self.indices.get(&lookup(name)).ok_or_else(|| damaged("a part is missing"))?;
        let mut mark = [0; 2];
        let mut part = self.archive.by_index(index).map_err(damaged)?;
        let read = part.read(&mut mark).map_err(damaged)?;
        if read == 2 && is_utf16(mark) {
            drop(part);
            let whole = self.part(name, MAX_DECODED + 1)?.unwrap_or_default();
            if whole.len() as u64 > MAX_DECODED {
                return Err(
                    "is a workbook in UTF-16 that is too large; open and save it again".to_owned()
                );
            }
            return out.write_all(&whole).map_err(damaged);
        }
        out.write_all(&mark[..read]).map_err(damaged)?;
        std::io::copy(&mut part, out).map(drop).map_err(damaged)
    }

    /// Whether a part is there under this very name, and in UTF-8.
    fn is_plain(&mut self, name: &str) -> bool {
        let mut mark = [0; 2];
        let Ok(mut part) = self.archive.by_name(name) else { return false };
        part.read_exact(&mut mark).is_err() || !is_utf16(mark)
    }

    /// What a part in a folder says of others in this part.
    fn relations(&mut self, folder: &str, name: &str) -> Result<Vec<Relation>, String> {
        let Some(bytes) = self.part(name, MAX_RELATIONS)? else { return Ok(Vec::new()) };
        let mut relations = Vec::new();
        each(&*bytes, |event| {
            relations.extend(relation(event, folder));
            true
        })?;
        Ok(relations)
    }
}

fn relation(event: &Event<'_>, folder: &str) -> Option<Relation> {
    let element =
        opened(event).filter(|element| element.local_name().as_ref() == "Relationship")?;
    let kind = attribute(element, "Type")?;
    let target = attribute(element, "Target")?;
    let part = resolved(folder, &target);
    let simple = target
        .strip_prefix('/')
        .map_or_else(|| format!("{folder}/{target}") == part, |whole| whole == part);
    Some(Relation {
        id: attribute(element, "Id").unwrap_or_default(),
        kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
        part,
        simple,
    })
}

fn is_utf16(mark: [u8; 2]) -> bool {
    matches!(mark, [0xff, 0xfe] | [0xfe, 0xff])
}

/// The name of a part for looking it up.
fn lookup(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

/// Where a target lies that a part in a folder names.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|name| !name.is_empty()).collect(),
    };
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

/// The same workbook with its parts where Excel has them; the error is what to say.
pub(super) fn tidied(file: Vec<u8>) -> Result<Vec<u8>, String> {
    let archive = ZipArchive::new(Cursor::new(&*file)).map_err(damaged)?;
    let mut package = Package::new(archive);
    let Some(book) = package.book()? else { return Ok(file) };
    let (folder, name) = book.rsplit_once('/').unwrap_or(("", &book));
    let relations = package.relations(folder, &resolved(folder, &format!("_rels/{name}.rels")))?;
    let wanted: Vec<(Relation, String)> =
        relations.into_iter().filter_map(|relation| placed(relation, &package)).collect();
    let plain = book == BOOK
        && package.is_plain(BOOK)
        && package.is_plain("xl/_rels/workbook.xml.rels")
        && wanted.iter().all(|(relation, place)| {
            let own = relation.kind.ends_with("sheet") || relation.part == *place;
            own && relation.simple && package.is_plain(&relation.part)
        });
    if plain {
        return Ok(file);
    }
    packed(&mut package, &book, &wanted)
}

/// Where a part goes that rows need.
fn placed(relation: Relation, package: &Package<'_>) -> Option<(Relation, String)> {
    if !package.has(&relation.part) {
        return None;
    }
    let place = match PLACES.iter().find(|(kind, _)| *kind == relation.kind) {
        Some((_, place)) => (*place).to_owned(),
        None if relation.kind == "worksheet" => {
            let index = package.indices.get(&lookup(&relation.part))?;
            format!("xl/worksheets/sheet{index}.xml")
        }
        None if relation.kind.ends_with("sheet") => relation.part.clone(),
        None => return None,
    };
    Some((relation, place))
}

fn packed(
    package: &mut Package<'_>,
    book: &str,
    wanted: &[(Relation, String)],
) -> Result<Vec<u8>, String> {
    const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let list = |relations: Vec<(&str, &str, &str)>| {
        let each = relations.into_iter().map(|(id, kind, target)| {
            let id = quick_xml::escape::escape(id);
            format!("<Relationship Id=\"{id}\" Type=\"{TYPES}/{kind}\" Target=\"/{target}\"/>")
        });
        format!("<Relationships>{}</Relationships>", each.collect::<String>()).into_bytes()
    };
    let own = wanted.iter().map(|(relation, place)| (&*relation.id, &*relation.kind, &**place));
    let relations = [
        ("_rels/.rels", list(vec![("book", "officeDocument", BOOK)])),
        ("xl/_rels/workbook.xml.rels", list(own.collect())),
    ];
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in relations {
        out.start_file(name, packed).map_err(damaged)?;
        out.write_all(&bytes).map_err(damaged)?;
    }
    let moved = wanted.iter().map(|(relation, place)| (&*relation.part, &**place));
    for (from, to) in std::iter::once((book, BOOK)).chain(moved) {
        out.start_file(to, packed).map_err(damaged)?;
        package.copy(from, &mut out)?;
    }
    Ok(out.finish().map_err(damaged)?.into_inner())
}

/// What is to be said of an archive that cannot be read.
pub(super) fn damaged(error: impl std::fmt::Display) -> String {
    format!("is a workbook or zip archive that is damaged or cut off ({error}); get it again")
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn targets_are_told_from_the_part_that_names_them() {
        for (folder, target, at) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "./../sheet.xml", "sheet.xml"),
            ("xl", "..\\..\\sheet.xml", "sheet.xml"),
            ("", "book.xml", "book.xml"),
            ("a/b", "c\\d.xml", "a/b/c/d.xml"),
        ] {
            assert_eq!(resolved(folder, target), at, "{folder} {target}");
        }
    }
}
