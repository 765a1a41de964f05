//! Compression and encodings: the same rows as from the plain file, or a clear end.

use std::fmt::Write as _;
use std::io::Write as _;

use encoding_rs::WINDOWS_1252;

use super::*;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

pub(super) fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn said(encoding: Encoding) -> Stated {
    Stated { encoding: Some(encoding), ..Stated::default() }
}

/// All that bytes with something stated say, the same in pieces of one and of many bytes.
#[track_caller]
fn read_as(stated: &Stated, bytes: &[u8]) -> Result<Said, String> {
    let read = |piece| {
        let bytes = io::Cursor::new(bytes.to_vec());
        input_of("u.csv", stated.clone(), Trickle { bytes, piece }).map(drain)
    };
    let whole = read(usize::MAX);
    assert_eq!(read(1), whole);
    whole
}

#[test]
fn packed_files_are_read_like_plain_ones() {
    let (one, two) = (&b"x,y\n1,2\n"[..], &b"3,4\n5,6\n"[..]);
    let plain = rows("u.csv", [one, two].concat());
    let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
    for packed in [
        gzip(&[one, two].concat()),
        [gzip(one), gzip(two)].concat(),
        [gzip(b""), gzip(one), gzip(two)].concat(),
        zstd(&[one, two].concat()),
        [zstd(one), zstd(two)].concat(),
        [skipped.to_vec(), zstd(one), skipped.to_vec(), zstd(two)].concat(),
    ] {
        for name in ["u", "u.csv", "u.csv.gz", "u.csv.zst"] {
            assert_eq!(rows(name, &packed), plain);
        }
    }
    let json = gzip(b"[{\"a\":1}]");
    assert_eq!(rows("u", json)[0].2, Is::Object("{\"a\":1}".to_owned()));
    assert!(read("u", gzip(&zstd(one))).unwrap_err().contains("compressed twice"));
    assert!(read("u.csv", gzip(b"")).unwrap_err().contains("no header row"));
}

#[test]
fn progress_counts_the_bytes_of_the_packed_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u.csv.gz");
    let packed = gzip("x,y\n1,2\n".repeat(10_000).as_bytes());
    std::fs::write(&path, &packed).unwrap();
    let request = InputRequest { path, stated: Stated::default(), known_as: None, promise: None };
    let mut input = open(&[request]).unwrap();
    let size = packed.len() as u64;
    assert_eq!(input.total_bytes(), Some(size));
    for record in input.by_ref() {
        record.unwrap();
    }
    assert_eq!(input.bytes_read(), size);
}

#[test]
fn a_packed_file_that_is_cut_off_keeps_the_rows_before() {
    let noise = |n: u64| {
        (0..20).map(move |k| format!("{:x}", (n * 31 + k).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    };
    let mut text = String::from("x,y\n");
    for row in 0..3000 {
        writeln!(text, "{row},{}", noise(row).collect::<String>()).unwrap();
    }
    let plain = read_in("u.csv", text.as_bytes(), usize::MAX).unwrap().rows;
    for (packed, name) in [(gzip(text.as_bytes()), "gzip"), (zstd(text.as_bytes()), "zstd")] {
        let mut kept = Vec::new();
        for cut in (0..packed.len()).step_by(packed.len() / 60) {
            let Ok(said) = read_in("u", &packed[..cut], usize::MAX) else { continue };
            let Some(unreadable) = said.unreadable else { panic!("cut at {cut}") };
            let ends_early = format!("its {name} data ends too early");
            assert!(unreadable.contains(&ends_early), "{unreadable}");
            assert!(plain.starts_with(&said.rows), "cut at {cut}");
            kept.push(said.rows.len());
        }
        assert!(kept.is_sorted() && *kept.last().unwrap() > 1000, "{kept:?}");
    }
}

#[test]
fn a_damaged_packed_file_ends_reading() {
    let text = "x,y\n1,2\n".repeat(1000);
    for (mut packed, name) in [(gzip(text.as_bytes()), "gzip"), (zstd(text.as_bytes()), "zstd")] {
        let at = packed.len() - 6;
        packed[at] ^= 0xff;
        let said = match read_in("u", &packed, usize::MAX) {
            Ok(said) => said.unreadable.unwrap(),
            Err(refusal) => refusal,
        };
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn files_that_unpack_beyond_reason_are_given_up() {
    // A decoder whose packed bytes are so many, once it has given out so much.
    let table = [(1, 0, true), (1, unpack::FREE_BYTES, false), (1 << 20, unpack::FREE_BYTES, true)];
    for (packed, written, fine) in table {
        let read = unpack::Bounded::over(b"x", packed, written).read(&mut [0; 8]);
        assert_eq!(read.is_ok(), fine, "{packed} {written}");
    }
    let first = io::Cursor::new(b"{\"a\":1}\n");
    let zeros = io::repeat(b'1').take(unpack::FREE_BYTES + 1024 * 1024);
    let zst = ::zstd::stream::read::Encoder::new(first.chain(zeros), 1).unwrap();
    let said = drain(input("u.jsonl", zst).unwrap());
    // The first row, and the beginning of the one that never ends.
    assert_eq!(said.rows.len(), 2);
    let unreadable = said.unreadable.expect("given up");
    assert!(unreadable.contains("zstd data unpacks to more than 1000 times"), "{unreadable}");
}

#[test]
fn a_zstd_window_beyond_bounds_is_refused() {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(b"x,y\n1,2\n").unwrap();
    let packed = encoder.finish().unwrap();
    assert!(read("u", packed).unwrap_err().contains("zstd data is damaged"));
}

#[test]
fn utf_16_is_told_by_its_mark_or_stated() {
    let text = "x,y\r\nÄda,\"😀\n\"\n";
    let plain = rows("u.csv", text);
    let (le, be) = (u16::to_le_bytes as fn(u16) -> _, u16::to_be_bytes as fn(u16) -> _);
    let marked = format!("\u{feff}{text}");
    for order in [le, be] {
        assert_eq!(rows("u.csv", utf16(&marked, order)), plain);
        assert_eq!(rows("u.csv", gzip(&utf16(&marked, order))), plain);
    }
    for (encoding, order) in [(Encoding::Utf16Le, le), (Encoding::Utf16Be, be)] {
        for text in [text, &marked] {
            let read = read_as(&said(encoding), &utf16(text, order)).unwrap();
            assert_eq!(read.rows.len(), plain.len());
            assert_eq!(read.rows[0].1, plain[0].2);
        }
    }
    let wrong = read_as(&said(Encoding::Utf16Be), &utf16(&marked, le)).unwrap_err();
    assert!(
        wrong.contains("begins with a byte order mark of utf-16le, but --encoding is utf-16be")
    );
    let wrong = read_as(&said(Encoding::Windows1252), marked.as_bytes()).unwrap_err();
    assert!(wrong.contains("begins with a byte order mark of utf-8"));
}

#[test]
fn what_an_encoding_cannot_mean_is_a_bad_row() {
    let mut lone = utf16("\u{feff}x\na", u16::to_le_bytes);
    lone.extend(0xd800_u16.to_le_bytes());
    lone.extend(utf16("b\nc\n", u16::to_le_bytes));
    let mut odd = utf16("\u{feff}x\nc\na", u16::to_le_bytes);
    odd.push(b'b');
    for (bytes, bad, good) in [(lone, 0, 1), (odd, 1, 0)] {
        let said = read("u.csv", bytes).unwrap();
        let Is::Broken(_, problem) = &said.rows[bad].1 else { panic!("{said:?}") };
        assert_eq!(problem.code, "invalid_utf8");
        assert_eq!(said.rows[good].1, cells(&["c"]));
    }
    let (bytes, _, _) = WINDOWS_1252.encode("x\nMünchen €\n");
    let read = |bytes: &[u8]| read_as(&said(Encoding::Windows1252), bytes).unwrap().rows;
    assert_eq!(read(&bytes)[0].1, cells(&["München €"]));
    assert!(matches!(read(b"x\na\x81b\n")[0].1, Is::Broken(..)));
}

#[test]
fn bytes_that_are_no_text_are_bad_rows_that_name_the_flag() {
    for (name, bytes) in
        [("u.csv", &b"x\nM\xfcnchen\n"[..]), ("u.jsonl", b"{\"x\":\"M\xfcnchen\"}")]
    {
        let said = rows(name, bytes);
        let Is::Broken(_, problem) = &said[0].2 else { panic!("{said:?}") };
        assert!(problem.hint.as_deref().unwrap().contains("--encoding windows-1252"));
    }
}
