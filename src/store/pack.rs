//! Packing what is appended to a file: a frame of zstd each time, so that the file ends at a whole
//! frame whenever it is cut back to a commit. Frames that follow each other are one file of zstd.

use std::io;

use ruzstd::decoding::FrameDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// What the name of a packed file ends in.
pub(super) const EXTENSION: &str = ".zst";

/// Makes frames.
pub(super) struct Packer {
    decoder: FrameDecoder,
    unpacked: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self { decoder: FrameDecoder::new(), unpacked: Vec::new() }
    }
}

impl Packer {
    /// The bytes as a frame, which was unpacked again to see that nothing is lost: the encoder is
    /// young, and these files are the only record of a run.
    pub(super) fn pack(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let frame = compress_to_vec(bytes, CompressionLevel::Fastest);
        if self.unpacks_to(&frame, bytes) {
            return Ok(frame);
        }
        let plain = compress_to_vec(bytes, CompressionLevel::Uncompressed);
        if self.unpacks_to(&plain, bytes) {
            return Ok(plain);
        }
        Err(io::Error::other("what is to be written cannot be compressed: omit --compress-results"))
    }

    fn unpacks_to(&mut self, frame: &[u8], bytes: &[u8]) -> bool {
        self.unpacked.clear();
        // The decoder fills what there is room for.
        self.unpacked.reserve(bytes.len() + 1);
        self.decoder.decode_all_to_vec(frame, &mut self.unpacked).is_ok() && self.unpacked == bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_that_follow_each_other_are_one_file(
            texts in prop::collection::vec("[a-d{}\",:]{0,400}|(?s).{0,40}", 1..6),
            many in 1..2000_usize,
        ) {
            let (mut packer, mut file, mut whole) = (Packer::default(), Vec::new(), Vec::new());
            for text in texts {
                let text = text.repeat(many);
                let text = &text.as_bytes()[..text.len().min(200_000)];
                file.extend(packer.pack(text).unwrap());
                whole.extend_from_slice(text);
            }
            // The library of zstd reads them, too.
            prop_assert_eq!(zstd::stream::decode_all(file.as_slice()).unwrap(), whole);
        }
    }
}
