//! What an input file held when it was first looked at, and whether it still does.
//!
//! A run is about the file that it has fingerprinted. Each piece that is read is held against
//! what the system says of the file, and the whole against the fingerprint, so that no row is
//! taken from a file that was written to, cut, appended to or replaced meanwhile. Of an object, each
//! piece is asked for by the tag of that content, so the storage itself keeps watch.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use xxhash_rust::xxh3::Xxh3;

use crate::objects::{ObjectContent, PinnedObject, is_object_url};

/// What a file held when it was first looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Its size.
    pub bytes: u64,
    /// The XXH3 of its content, in hexadecimal.
    pub fingerprint: String,
    origin: PromisedOrigin,
}

/// By what a change is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PromisedOrigin {
    File(Stamp),
    Object(Box<PinnedObject>),
}

/// What the system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Promise {
    /// Reads a file, or an object, to its end. The error is one of reading, or that it is being written
    /// to.
    pub fn of(path: &Path) -> io::Result<Self> {
        if is_object_url(path) {
            let object = PinnedObject::pin(&path.to_string_lossy()).map_err(io::Error::other)?;
            let (bytes, fingerprint) = fingerprint(object.content())?;
            return Ok(Self {
                bytes,
                fingerprint,
                origin: PromisedOrigin::Object(Box::new(object)),
            });
        }
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let (bytes, fingerprint) = fingerprint(file)?;
        if stamp != Stamp::of(&fs::metadata(path)?) {
            return Err(io::Error::other("it is being written to; wait until it is complete"));
        }
        Ok(Self { bytes, fingerprint, origin: PromisedOrigin::File(stamp) })
    }

    /// The object that it is of, if it is one.
    pub(super) fn object(&self) -> Option<&PinnedObject> {
        match &self.origin {
            PromisedOrigin::Object(object) => Some(object),
            PromisedOrigin::File(_) => None,
        }
    }

    /// How a file differs from what it was, if the system says so. Of an object it is known when the
    /// next piece is asked for.
    fn difference(&self, path: &Path) -> Option<&'static str> {
        let PromisedOrigin::File(was) = self.origin else { return None };
        let Ok(now) = fs::metadata(path).map(|metadata| Stamp::of(&metadata)) else {
            return Some("it is gone");
        };
        if (now.device, now.inode) != (was.device, was.inode) {
            Some("another file has taken its place")
        } else if now.bytes < was.bytes {
            Some("it was cut")
        } else if now.bytes > was.bytes {
            Some("it has grown")
        } else if now.modified != was.modified {
            Some("it was written to")
        } else {
            None
        }
    }
}

/// How many bytes there are, and the fingerprint of all.
fn fingerprint(mut reader: impl Read) -> io::Result<(u64, String)> {
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok((bytes, in_hexadecimal(&hash))),
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

fn in_hexadecimal(hash: &Xxh3) -> String {
    format!("{:032x}", hash.digest128())
}

/// Watches whether a file is read as it was promised.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    path: PathBuf,
    promise: Arc<Promise>,
    /// Whether all of it was read, and was what it was promised to be.
    kept: Arc<AtomicBool>,
    /// What the storage of an object has said of it.
    told: Arc<OnceLock<&'static str>>,
}

impl Watch {
    pub(super) fn new(path: &Path, promise: &Arc<Promise>) -> Self {
        let (kept, told) = Default::default();
        Self { path: path.to_owned(), promise: Arc::clone(promise), kept, told }
    }

    /// How the file differs by now from what it was; known for certain only at the end.
    pub(super) fn difference(&self) -> Option<&'static str> {
        self.told.get().copied().or_else(|| self.promise.difference(&self.path))
    }

    /// The same, once its last row is read: what was not read to its end, such as a workbook, is
    /// read again.
    pub(super) fn difference_at_end(&self) -> Option<&'static str> {
        const WRITTEN: &str = "it was written to";
        if let Some(difference) = self.difference() {
            return Some(difference);
        }
        if let Some(difference) = self.promise.object().and_then(PinnedObject::difference) {
            return Some(difference);
        }
        if self.kept.load(Ordering::Acquire) {
            return None;
        }
        let now = Promise::of(&self.path).ok();
        (now.as_ref() != Some(&*self.promise)).then_some(WRITTEN)
    }

    /// Reads the file, or the object, and watches.
    pub(super) fn reader<R: Read + Send>(&self, bytes: R) -> impl Read + Send + use<R> {
        Watched { bytes, watch: self.clone(), hash: Xxh3::new() }
    }
}

/// Bytes that are watched while they are read.
struct Watched<R> {
    bytes: R,
    watch: Watch,
    hash: Xxh3,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer).inspect_err(|error| {
            if let Some(difference) = ObjectContent::difference(error) {
                // The first word on it counts.
                let _ = self.watch.told.set(difference);
            }
        })?;
        self.hash.update(&buffer[..read]);
        // What was read before the file was written to is what it was.
        if let Some(difference) = self.watch.difference() {
            return Err(io::Error::other(difference));
        }
        let promise = &self.watch.promise;
        if read == 0 && !buffer.is_empty() && in_hexadecimal(&self.hash) == promise.fingerprint {
            self.watch.kept.store(true, Ordering::Release);
        }
        Ok(read)
    }
}
