//! The inbox: a folder whose files are taken when they are complete, one run each, and put away.
//!
//! ```text
//! DIR/users.csv                                    left there by others
//! DIR/working/users-20261127T020000Z/users.csv     taken: by one rename, so by one process
//! DIR/done/users-20261127T020000Z/users.csv        worked on, moved with its folder by one rename
//! ```
//!
//! Which run belongs to a file is written beside it before it is taken, so that whoever comes after a
//! crash resumes that run, or finds it finished. What is taken when (`sightings`), what becomes of it
//! (`ending`) and how late it is (`deadline`) are decided without I/O.

pub(crate) mod claim;
pub(crate) mod deadline;
pub(crate) mod ending;
pub(crate) mod folders;
pub(crate) mod sightings;
pub(crate) mod whole;
pub(crate) mod writers;
