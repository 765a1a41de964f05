//! What a file declares, beside what the project does. Pure.

use super::definition::AttributeDefinition;

/// A definition of a file, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct FileDefinition {
    /// `file:line`.
    pub(crate) place: String,
    pub(crate) definition: AttributeDefinition,
}

/// What a file declares, beside what the project does.
#[derive(Debug, Default)]
pub(crate) struct Comparison<'a> {
    /// What is there already.
    pub(crate) existing: Vec<&'a AttributeDefinition>,
    /// What is to be created.
    pub(crate) new: Vec<&'a AttributeDefinition>,
    /// What is there as something else: where, what and what to do.
    pub(crate) problems: Vec<String>,
}

impl<'a> Comparison<'a> {
    /// Compares the definitions of a file with those of the project.
    #[must_use]
    pub(crate) fn of(file: &'a [FileDefinition], project: &[AttributeDefinition]) -> Self {
        let mut comparison = Self::default();
        for FileDefinition { place, definition } in file {
            match project.iter().find(|own| own.name == definition.name) {
                None => comparison.new.push(definition),
                Some(own) if own.kind == definition.kind => comparison.existing.push(definition),
                Some(own) => comparison.problems.push(format!(
                    "{place}: type: {} is {} in the file, and the project has it as {}; an attribute's type cannot be changed: write {}, or choose another name",
                    definition.name,
                    definition.kind_word(),
                    own.kind_word(),
                    own.kind_word()
                )),
            }
        }
        comparison
    }
}

/// The names of definitions that are not there as they should be.
pub(super) fn missing(
    wanted: &[&AttributeDefinition],
    there: &[AttributeDefinition],
) -> Vec<String> {
    let is_there = |wanted: &&&AttributeDefinition| {
        there.iter().any(|own| own.name == wanted.name && own.kind == wanted.kind)
    };
    let missing = wanted.iter().filter(|wanted| !is_there(wanted));
    missing.map(|wanted| wanted.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::values::AttributeType;

    fn definition(name: &str, kind: AttributeType) -> AttributeDefinition {
        AttributeDefinition {
            name: name.into(),
            kind: Ok(kind),
            display_name: String::new(),
            options: Vec::new(),
        }
    }

    #[test]
    fn what_is_there_is_not_created_and_what_differs_is_refused() {
        let project =
            [definition("tier", AttributeType::Text), definition("vip", AttributeType::Boolean)];
        let file: Vec<_> = [
            definition("tier", AttributeType::Text),
            definition("vip", AttributeType::Number),
            definition("Tier", AttributeType::Text),
        ]
        .into_iter()
        .map(|definition| FileDefinition { place: "a.csv:2".into(), definition })
        .collect();
        let comparison = Comparison::of(&file, &project);
        let names = |list: &[&AttributeDefinition]| {
            list.iter().map(|own| own.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&comparison.existing), ["tier"]);
        assert_eq!(names(&comparison.new), ["Tier"], "names are told apart by their case");
        assert_eq!(comparison.problems.len(), 1);
        assert!(
            comparison.problems[0].starts_with(
                "a.csv:2: type: vip is number in the file, and the project has it as boolean"
            ),
            "{}",
            comparison.problems[0]
        );
    }

    #[test]
    fn what_is_there_as_something_else_is_missing() {
        let there = [definition("a", AttributeType::Text), definition("b", AttributeType::Date)];
        let wanted = [
            definition("a", AttributeType::Text),
            definition("b", AttributeType::Text),
            definition("c", AttributeType::Text),
        ];
        assert_eq!(missing(&wanted.iter().collect::<Vec<_>>(), &there), ["b", "c"]);
    }
}
