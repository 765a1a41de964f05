//! A part: stretches of files, under a line that says which they are. Pure.

use serde::{Deserialize, Serialize};

/// The version of the form of parts.
const PART_VERSION: u32 = 1;

/// Bytes of a file from a place on, and nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileStretch {
    pub(super) file: String,
    pub(super) from: u64,
    pub(super) bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    stretches: Vec<StretchHead>,
}

#[derive(Serialize, Deserialize)]
struct StretchHead {
    file: String,
    from: u64,
    bytes: usize,
}

/// Stretches as one part.
pub(super) fn pack(stretches: &[FileStretch]) -> Vec<u8> {
    let heads = stretches.iter().map(|own| StretchHead {
        file: own.file.clone(),
        from: own.from,
        bytes: own.bytes.len(),
    });
    let head = Head { version: PART_VERSION, stretches: heads.collect() };
    let mut part = serde_json::to_vec(&head).unwrap_or_default();
    part.push(b'\n');
    for own in stretches {
        part.extend_from_slice(&own.bytes);
    }
    part
}

/// The stretches of a part; what is wrong with it otherwise.
pub(super) fn unpack(part: &[u8]) -> Result<Vec<FileStretch>, &'static str> {
    let end = part.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let (head, mut rest) = (&part[..end], &part[end + 1..]);
    let head: Head = serde_json::from_slice(head).map_err(|_| "its first line makes no sense")?;
    if head.version > PART_VERSION {
        return Err("it is of a later version");
    }
    let mut stretches = Vec::new();
    for StretchHead { file, from, bytes } in head.stretches {
        let (own, behind) = rest.split_at_checked(bytes).ok_or("it is cut off")?;
        stretches.push(FileStretch { file, from, bytes: own.to_vec() });
        rest = behind;
    }
    if rest.is_empty() { Ok(stretches) } else { Err("there is more in it than it says") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_and_what_is_damaged_does_not() {
        let stretch = |file: &str, from, bytes: &[u8]| FileStretch {
            file: file.to_owned(),
            from,
            bytes: bytes.to_vec(),
        };
        let all =
            [stretch("journal", 7, b"a\nb\n"), stretch("r", 0, b""), stretch("r", 0, b"\0\n")];
        let part = pack(&all);
        assert_eq!(unpack(&part).unwrap(), all);
        for cut in 0..part.len() {
            assert!(unpack(&part[..cut]).is_err(), "{cut}");
        }
        assert!(unpack(&[&part[..], b"x"].concat()).is_err());
    }
}
