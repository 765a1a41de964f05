//! A folder of a bucket, by `object_store`.

mod turns;
mod words;

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;

use super::address::{ObjectUrl, Scheme};
use super::facts::{ObjectFacts, ObjectTag, PutWhen};
use super::fault::{FaultKind, StorageFault};
use turns::Turns;

/// How long something that is asked of a storage may take, attempts and all.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most that is read of an object as a whole.
const MOST: u64 = 64 << 20;

/// A folder of a bucket.
#[derive(Clone)]
pub(crate) struct ObjectFolder {
    store: Arc<dyn ObjectStore>,
    folder: ObjectUrl,
    turns: Turns,
    patience: Duration,
}

impl fmt::Debug for ObjectFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in the store may be secret.
        f.debug_tuple("ObjectFolder").field(&self.folder.to_string()).finish_non_exhaustive()
    }
}

impl ObjectFolder {
    /// Opens a folder, by the credentials that the environment or the machine has. Nothing is asked yet.
    pub(crate) fn open(folder: &ObjectUrl) -> Result<Self, StorageFault> {
        // Whoever else has installed one is heeded: any provider will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = store(folder).map_err(|error| StorageFault {
            scheme: folder.scheme,
            kind: words::of_settings(&error),
        })?;
        let turns = Turns::of(folder.scheme);
        Ok(Self { store, folder: folder.clone(), turns, patience: PATIENCE })
    }

    /// The same, of which nothing may take longer.
    pub(crate) fn within(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// What there is to know of an object, or of one of its versions.
    pub(crate) fn facts(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<ObjectFacts, StorageFault> {
        let (store, key) = (Arc::clone(&self.store), self.key(name)?);
        let options =
            GetOptions { head: true, version: version.map(str::to_owned), ..GetOptions::default() };
        let found = self.wait(async move { store.get_opts(&key, options).await })?;
        facts(&found.meta).map_err(|why| self.fault(why))
    }

    /// A range of an object that is still the one of this tag.
    pub(crate) fn range(
        &self,
        name: &str,
        range: Range<u64>,
        tag: &ObjectTag,
    ) -> Result<Bytes, StorageFault> {
        let (store, key) = (Arc::clone(&self.store), self.key(name)?);
        let expected = range.end - range.start;
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            if_match: tag.etag.clone(),
            version: tag.version.clone(),
            ..GetOptions::default()
        };
        let bytes = self.wait(async move {
            let mut tries = 0;
            loop {
                let got = async { store.get_opts(&key, options.clone()).await?.bytes().await };
                match got.await {
                    Err(error) if tries < 3 && words::may_pass(&error) => tries += 1,
                    got => return got,
                }
                tokio::time::sleep(Duration::from_secs(1 << tries)).await;
            }
        })?;
        if bytes.len() as u64 == expected {
            return Ok(bytes);
        }
        Err(self.fault(format!("{} of {expected} bytes came", bytes.len())))
    }

    /// A small object; nothing where there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<(Bytes, ObjectFacts)>, StorageFault> {
        let (store, key) = (Arc::clone(&self.store), self.key(name)?);
        let got = self.wait(async move {
            let got = store.get_opts(&key, GetOptions::default()).await?;
            let meta = got.meta.clone();
            let bytes = if meta.size > MOST { None } else { Some(got.bytes().await?) };
            Ok((bytes, meta))
        });
        let (bytes, meta) = match got {
            Err(StorageFault { kind: FaultKind::Missing, .. }) => return Ok(None),
            got => got?,
        };
        let Some(bytes) = bytes else {
            return Err(self.fault(format!("{name} is far too large")));
        };
        let facts = facts(&meta).map_err(|why| self.fault(why))?;
        Ok(Some((bytes, facts)))
    }

    /// Writes an object. One that is not there under its condition is [`FaultKind::Changed`]; so may be
    /// one that was written, whose answer was lost.
    pub(crate) fn put(
        &self,
        name: &str,
        bytes: Vec<u8>,
        when: &PutWhen,
    ) -> Result<ObjectTag, StorageFault> {
        let (store, key) = (Arc::clone(&self.store), self.key(name)?);
        let mode = match when {
            PutWhen::Always => PutMode::Overwrite,
            PutWhen::New => PutMode::Create,
            PutWhen::Unchanged(tag) => PutMode::Update(UpdateVersion {
                e_tag: tag.etag.clone(),
                version: tag.version.clone(),
            }),
        };
        let options = PutOptions { mode, ..PutOptions::default() };
        let (turns, is_new) = (self.turns.clone(), matches!(when, PutWhen::New));
        let put = self.wait(async move {
            let turn = if is_new { turns.take(&key) } else { turns.wait(&key).await };
            let put = store.put_opts(&key, bytes.into(), options).await;
            turn.ended(&put);
            put
        })?;
        Ok(ObjectTag { etag: put.e_tag, version: put.version })
    }

    /// Removes an object.
    pub(crate) fn delete(&self, name: &str) -> Result<(), StorageFault> {
        let (store, key) = (Arc::clone(&self.store), self.key(name)?);
        let turns = self.turns.clone();
        self.wait(async move {
            let turn = turns.wait(&key).await;
            let removed = store.delete(&key).await;
            turn.ended(&removed);
            removed
        })
    }

    fn key(&self, name: &str) -> Result<Key, StorageFault> {
        let url = if name.is_empty() { self.folder.clone() } else { self.folder.join(name) };
        Key::parse(&url.key).map_err(|_| self.fault("the key has an empty part, or one of dots"))
    }

    /// A fault of this storage, in words.
    pub(crate) fn fault(&self, why: impl Into<String>) -> StorageFault {
        StorageFault { scheme: self.folder.scheme, kind: FaultKind::Failed(why.into()) }
    }

    /// Has something done on the runtime of storages, and waits for it, wherever this thread is.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, StorageFault> {
        let (tell, told) = mpsc::sync_channel(1);
        let patience = self.patience;
        runtime().map_err(|why| self.fault(why))?.spawn(async move {
            // Whoever has asked waits for it.
            let _ = tell.send(tokio::time::timeout(patience, work).await);
        });
        match told.recv() {
            Ok(Ok(done)) => done.map_err(|error| StorageFault {
                scheme: self.folder.scheme,
                kind: words::kind(&error),
            }),
            Ok(Err(_)) => Err(self.fault("no answer in time")),
            Err(_) => Err(self.fault("it broke off")),
        }
    }
}

/// One thread for all storages of the process: it waits for the network, and no more.
fn runtime() -> Result<&'static Runtime, String> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build()
            .map_err(|error| format!("cannot start a thread: {error}"))
    });
    runtime.as_ref().map_err(Clone::clone)
}

fn store(folder: &ObjectUrl) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        // All tries together take more than a second: Google Cloud Storage refuses to write what another
        // host has written within one.
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(300),
            max_backoff: Duration::from_secs(4),
            ..BackoffConfig::default()
        },
        max_retries: 4,
        retry_timeout: Duration::from_secs(60),
    };
    let name = folder.bucket.as_str();
    Ok(match folder.scheme {
        Scheme::S3 => Arc::new(
            AmazonS3Builder::from_env()
                .with_bucket_name(name)
                .with_retry(retry)
                // Only one is removed at a time, and not all look-alikes can remove many.
                .with_disable_bulk_delete(true)
                .build()?,
        ),
        Scheme::Gs => Arc::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(name)
                .with_retry(retry)
                .build()?,
        ),
        Scheme::Az => Arc::new(
            MicrosoftAzureBuilder::from_env()
                .with_container_name(name)
                .with_retry(retry)
                .build()?,
        ),
    })
}

fn facts(meta: &ObjectMeta) -> Result<ObjectFacts, String> {
    let seconds = meta.last_modified.timestamp();
    let written_at = Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
    let tag = ObjectTag { etag: meta.e_tag.clone(), version: meta.version.clone() };
    Ok(ObjectFacts { bytes: meta.size, tag, written_at })
}
