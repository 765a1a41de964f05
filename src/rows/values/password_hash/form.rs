//! The forms of a hashed password and their parts.

use super::shape::Shape;

/// A form of a hashed password, as section 3.5 of the API reference lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashForm {
    /// bcrypt, whole.
    Bcrypt,
    /// A hash of Django, whole.
    Django,
    /// Firebase's scrypt, with the parameters of the project.
    Firebase,
    /// PBKDF2 by its parts.
    Pbkdf2,
    /// phpass, as of older versions of `WordPress` and `phpBB`, by its parts.
    Phpass,
    /// MD5 in hexadecimal.
    Md5,
    /// SHA-1 or SHA-2 in hexadecimal.
    Sha,
    /// Argon2 by its parts.
    Argon2,
    /// The API's `bach`: a hash and a key.
    Bach,
    /// A hash of buddy-hashers, whole.
    Buddyauth,
}

/// A part of a form.
#[derive(Debug)]
pub(super) struct HashPart {
    /// The API's name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
}

const fn part(name: &'static str, shape: Shape) -> HashPart {
    HashPart { name, shape, required: true }
}

const fn optional(name: &'static str, shape: Shape) -> HashPart {
    HashPart { name, shape, required: false }
}

impl HashForm {
    /// All of them, in the order of messages.
    pub(crate) const ALL: [Self; 10] = [
        Self::Bcrypt,
        Self::Django,
        Self::Firebase,
        Self::Pbkdf2,
        Self::Phpass,
        Self::Md5,
        Self::Sha,
        Self::Argon2,
        Self::Bach,
        Self::Buddyauth,
    ];

    /// The API's name.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bcrypt => "bcrypt",
            Self::Django => "django",
            Self::Firebase => "firebase",
            Self::Pbkdf2 => "pbkdf2",
            Self::Phpass => "phpass",
            Self::Md5 => "md5",
            Self::Sha => "sha",
            Self::Argon2 => "argon2",
            Self::Bach => "bach",
            Self::Buddyauth => "buddyauth",
        }
    }

    /// The parts, in the order in which they are sent: those of section 3.5 of the API reference,
    /// with the types of the schema `PasswordImport`.
    ///
    /// The schema requires none of them. All are required here but what the hash tells by itself
    /// (the type of a SHA hash) and what a hash need not have (its salt): what the server takes for
    /// a part that is not there is not documented, and a wrong guess would lock the user out.
    pub(super) const fn parts(self) -> &'static [HashPart] {
        match self {
            Self::Bcrypt => const { &[part("hash", Shape::Bcrypt)] },
            Self::Django => const { &[part("hash", Shape::Django)] },
            Self::Firebase => {
                const {
                    &[
                        part("hash", Shape::Bytes),
                        part("salt", Shape::Bytes),
                        part("saltSeparator", Shape::Bytes),
                        part("signerKey", Shape::Bytes),
                        part("memory", Shape::Count),
                        part("rounds", Shape::Count),
                    ]
                }
            }
            Self::Pbkdf2 => {
                const {
                    &[
                        part("hash", Shape::Bytes),
                        part("salt", Shape::Bytes),
                        part("iterations", Shape::Count),
                        part("type", Shape::ShaType),
                    ]
                }
            }
            Self::Phpass => {
                const {
                    &[
                        part("hash", Shape::PhpassHash),
                        part("salt", Shape::PhpassSalt),
                        part("iterations", Shape::PhpassIterations),
                        part("type", Shape::PhpassType),
                    ]
                }
            }
            Self::Md5 => const { &[part("hash", Shape::Md5)] },
            Self::Sha => {
                const {
                    &[
                        part("hash", Shape::Sha),
                        optional("salt", Shape::Text),
                        optional("type", Shape::ShaType),
                    ]
                }
            }
            Self::Argon2 => {
                const {
                    &[
                        part("hash", Shape::Bytes),
                        part("salt", Shape::Bytes),
                        part("iterations", Shape::Count),
                        part("memory", Shape::Count),
                        part("threads", Shape::Count),
                        part("type", Shape::Text),
                    ]
                }
            }
            Self::Bach => const { &[part("hash", Shape::Text), part("key", Shape::Text)] },
            Self::Buddyauth => const { &[part("hash", Shape::Buddyauth)] },
        }
    }
}
