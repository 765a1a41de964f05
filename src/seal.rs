//! Encryption of what is written piece by piece: each piece is a file of age of its own, in a frame that
//! says how long it is. So a file can be cut back to any of them, and nobody needs a secret to write.
//!
//! age itself is there in builds with the feature `encryption`. Frames are told apart without it.

#[cfg_attr(not(feature = "encryption"), path = "seal/without.rs")]
mod age_files;

use std::io::{self, BufRead, Read, Write};

pub(crate) use age_files::Identities;
pub(crate) use age_files::Recipients;

/// What the name of an encrypted file ends in.
pub(crate) const EXTENSION: &str = ".age";

/// What a frame begins with; the length of the age file behind it follows, and a line break.
const FRAME: &str = "descope-bulk-frame ";

/// The longest first line of a frame.
const LONGEST: u64 = 64;

/// Bytes as a frame that only the recipients can read.
///
/// # Errors
///
/// What age says.
pub(crate) fn seal(recipients: &Recipients, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let sealed = recipients.encrypt(bytes)?;
    let mut frame = format!("{FRAME}{}\n", sealed.len()).into_bytes();
    frame.extend_from_slice(&sealed);
    Ok(frame)
}

/// Writes what is in the frames of a file; how many there were. A frame that is cut off is none: its
/// process was killed while it wrote it.
///
/// # Errors
///
/// A frame that these identities do not open, one that was changed, and what cannot be read or written.
pub(crate) fn unseal(
    identities: &Identities,
    mut from: impl BufRead,
    to: &mut impl Write,
) -> io::Result<u64> {
    let mut frames = 0;
    while let Some(sealed) = next_frame(&mut from)? {
        to.write_all(&identities.decrypt(&sealed)?)?;
        frames += 1;
    }
    Ok(frames)
}

/// The bytes of a file up to the end of its last whole frame.
///
/// # Errors
///
/// A file that cannot be read, or holds something else.
pub(crate) fn whole_frames(mut from: impl BufRead) -> io::Result<u64> {
    let mut whole = 0;
    while let Some(sealed) = next_frame(&mut from)? {
        let length = sealed.len() as u64;
        whole += (FRAME.len() + length.to_string().len() + 1) as u64 + length;
    }
    Ok(whole)
}

/// The next age file; nothing at the end, or where the file is cut off.
fn next_frame(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    from.by_ref().take(LONGEST).read_until(b'\n', &mut head)?;
    let Some(line) = head.strip_suffix(b"\n") else {
        // Cut off, unless it is something else altogether.
        let fits = head.iter().zip(FRAME.as_bytes()).all(|(a, b)| a == b);
        return if fits && (head.len() as u64) < LONGEST { Ok(None) } else { Err(no_frame()) };
    };
    let length = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(FRAME));
    let length: u64 = length.and_then(|digits| digits.parse().ok()).ok_or_else(no_frame)?;
    let mut sealed = Vec::new();
    let read = from.by_ref().take(length).read_to_end(&mut sealed)?;
    Ok((read as u64 == length).then_some(sealed))
}

fn no_frame() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "it is not an encrypted file of a run, or is damaged",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_up_to_the_frame_that_is_cut_off() {
        let file = b"descope-bulk-frame 3\nabcdescope-bulk-frame 2\nxydescope-bulk-frame 10\n1234";
        let second = b"descope-bulk-frame 3\nabcdescope-bulk-frame 2\nxy".len() as u64;
        assert_eq!(whole_frames(&file[..]).unwrap(), second);
        for cut in 0..file.len() as u64 {
            let whole = whole_frames(&file[..usize::try_from(cut).unwrap()]).unwrap();
            assert!(whole <= cut && [0, 24, second].contains(&whole), "{cut}: {whole}");
        }
    }

    #[test]
    fn something_else_is_told() {
        for other in [
            &b"{\"row\":1}\n"[..],
            b"descope-bulk-frame x\n",
            b"age-encryption.org/v1\n",
            &[0; 100],
        ] {
            let error = whole_frames(other).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        assert_eq!(whole_frames(&b""[..]).unwrap(), 0);
    }
}
