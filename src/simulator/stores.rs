//! The users of each project. All projects begin with the same ones, and none sees another's.

use std::collections::HashMap;

use super::store::Store;

/// A store for each project that was heard of.
pub(super) struct Stores {
    /// What each begins with.
    seed: Store,
    by_project: HashMap<String, Store>,
}

impl Stores {
    /// Stores that begin with these users.
    pub(super) fn new(seed: Store) -> Self {
        Self { seed, by_project: HashMap::new() }
    }

    /// The store of a project.
    pub(super) fn of(&mut self, project: &str) -> &mut Store {
        if !self.by_project.contains_key(project) {
            self.by_project.insert(project.to_owned(), self.seed.clone());
        }
        self.by_project.get_mut(project).unwrap_or(&mut self.seed)
    }
}
