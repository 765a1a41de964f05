//! Files of age.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use age::x25519::Recipient;
use age::{Decryptor, Encryptor, IdentityFile};

/// Those who can read what is encrypted.
#[derive(Clone)]
pub struct Recipients(Arc<Vec<Recipient>>);

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} recipients", self.0.len())
    }
}

impl Recipients {
    /// Those that are named: `age1…`, or files with one on each line.
    ///
    /// # Errors
    ///
    /// What is none, in words.
    pub fn named(names: &[String]) -> Result<Self, String> {
        let mut recipients = Vec::new();
        for name in names {
            refuse_secret(name)?;
            if name.starts_with("age1") {
                recipients.push(recipient(name)?);
                continue;
            }
            let text = fs::read_to_string(name).map_err(|error| {
                format!("{name} is neither a recipient (age1…) nor a file of recipients: {error}")
            })?;
            let lines = text.lines().map(str::trim);
            for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                recipients.push(recipient(line).map_err(|why| format!("{name}: {why}"))?);
            }
        }
        if recipients.is_empty() {
            Err("there is no recipient".to_owned())
        } else {
            Ok(Self(Arc::new(recipients)))
        }
    }

    pub(super) fn encrypt(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let recipients = self.0.iter().map(|own| own as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let mut sealed = Vec::with_capacity(bytes.len() + 512);
        let mut writer = encryptor.wrap_output(&mut sealed)?;
        writer.write_all(bytes)?;
        writer.finish()?;
        Ok(sealed)
    }
}

/// Refuses the wrong half of a key, which nobody is to read in a log: so it is not quoted.
fn refuse_secret(text: &str) -> Result<(), String> {
    const SECRET: &str = "AGE-SECRET-KEY-";
    let start = text.trim_start().get(..SECRET.len());
    if start.is_some_and(|start| start.eq_ignore_ascii_case(SECRET)) {
        return Err("expected a recipient (age1…), not a secret key".to_owned());
    }
    Ok(())
}

fn recipient(text: &str) -> Result<Recipient, String> {
    refuse_secret(text)?;
    let shown: String = text.chars().take(12).collect();
    text.parse().map_err(|error| format!("{shown}… is not an age recipient: {error}"))
}

/// The secret keys that open what was encrypted.
pub(crate) struct Identities(Vec<Box<dyn age::Identity + Send + Sync>>);

impl Identities {
    /// Those in a file, as `age-keygen` writes it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or holds none, in words.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let told = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
        let file = fs::File::open(path).map_err(|error| told(&error))?;
        let identities = IdentityFile::from_buffer(io::BufReader::new(file))
            .map_err(|error| told(&error))?
            .into_identities()
            .map_err(|error| told(&error))?;
        if identities.is_empty() {
            Err(told(&"it holds no identity (AGE-SECRET-KEY-1…)"))
        } else {
            Ok(Self(identities))
        }
    }

    pub(super) fn decrypt(&self, sealed: &[u8]) -> io::Result<Vec<u8>> {
        let other = |error: age::DecryptError| {
            io::Error::new(io::ErrorKind::InvalidData, error.to_string())
        };
        let decryptor = Decryptor::new_buffered(sealed).map_err(other)?;
        let identities = self.0.iter().map(|own| &**own as &dyn age::Identity);
        let mut bytes = Vec::new();
        decryptor.decrypt(identities).map_err(other)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{seal, unseal, whole_frames};
    use super::*;

    #[test]
    fn frames_open_for_each_recipient_and_for_nobody_else() {
        let keys = [(); 3].map(|()| age::x25519::Identity::generate());
        let names: Vec<String> = keys[..2].iter().map(|key| key.to_public().to_string()).collect();
        let recipients = Recipients::named(&names).unwrap();
        let mut file = seal(&recipients, b"first\n").unwrap();
        file.extend(seal(&recipients, b"second\n").unwrap());
        assert_eq!(whole_frames(&file[..]).unwrap(), file.len() as u64);
        for (index, key) in keys.into_iter().enumerate() {
            let identities = Identities(vec![Box::new(key)]);
            let mut text = Vec::new();
            let opened = unseal(&identities, &file[..], &mut text);
            assert_eq!(opened.is_ok(), index < 2);
            assert_eq!(text == b"first\nsecond\n", index < 2);
        }
    }
}
