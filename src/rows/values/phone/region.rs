//! Regions whose numbering plan is known.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region as Known};

/// A region whose numbering plan holds, by its two letters of ISO 3166.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region(pub(super) Known);

impl Region {
    /// All of them, by their letters.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut regions: Vec<Known> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
        regions.sort_unstable_by_key(ToString::to_string);
        regions.into_iter().map(Self)
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.trim().to_ascii_uppercase();
        let known = match letters.as_str() {
            "001" => None,
            letters => Known::try_from(letters).ok(),
        };
        match known {
            Some(region) if PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some() => {
                Ok(Self(region))
            }
            _ if letters == "UK" => Err("write GB for the United Kingdom".to_owned()),
            _ => Err("write a region as two letters of ISO 3166, such as GB or US".to_owned()),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What is known of the region of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatedRegion {
    /// Nothing.
    #[default]
    Nowhere,
    /// This one.
    As(Region),
    /// The row states one that there is not.
    Wrongly,
}
