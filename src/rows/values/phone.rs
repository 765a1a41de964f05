//! Phone numbers: from what people and spreadsheets write to E.164, or why not.
//!
//! A number is taken when there is one thing only that it can be. What is written with `+` is
//! what it says; anything else needs the stated region, and all its readings there are tried: a
//! number that could be two is refused with both. No country is ever guessed, and a zero is
//! restored only where the column shows that it was lost.

mod evidence;
mod international;
mod national;
mod number;
mod region;
mod scan;

use std::borrow::Cow;

use super::cleaned::{BAD_VALUE, refuse};
use super::repairs::{RepairKind, RepairKinds};
use crate::issue::Issue;
pub use evidence::{Evidence, Fits};
use international::{FoundNumber, international};
use national::national;
use number::{Number, Standing, WRITE_IT};
pub use region::{Region, StatedRegion};
use scan::{Written, scan};

/// What is done about phone numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Phones {
    /// They are written as E.164; one that is not in use is sent with a warning.
    #[default]
    Check,
    /// The same, but one that is not in use is refused.
    Strict,
    /// They are sent as they stand, unchecked.
    AsIs,
}

const NOT_IN_USE: &str = "no such number is in use in its country";

/// How phone numbers of a column are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhoneReading {
    /// What is done about them.
    pub phones: Phones,
    /// The region that is stated for those without `+`.
    pub region: StatedRegion,
    /// What the column shows of that region.
    pub evidence: Evidence,
    /// Whether a leading zero may be restored whatever the column shows.
    pub zeros_allowed: bool,
    /// Whether numbers are read even if their column does not fit the region.
    pub mismatch_allowed: bool,
}

/// The code of the warning that a leading zero was restored.
pub const ZERO_RESTORED: &str = "zero_restored";

/// The code of numbers whose column does not fit their region.
pub const REGION_MISMATCH: &str = "region_mismatch";

/// The code of a stated region that there is not.
pub const UNKNOWN_REGION: &str = "unknown_region";

/// What a cell came to: the number as E.164, what was repaired, and what may be wrong.
pub(super) type Read<'a> = (Cow<'a, str>, RepairKinds, Option<Box<Issue>>);

/// Reads a text without blanks around it.
pub(super) fn read(text: Cow<'_, str>, reading: PhoneReading) -> Result<Read<'_>, Issue> {
    if reading.phones == Phones::AsIs {
        return Ok((text, RepairKinds::default(), None));
    }
    if is_canonical(&text)
        && let Some(number) = Number::of(&text[1..])
        && number.standing() == Standing::Valid
    {
        return Ok((text, RepairKinds::default(), None));
    }
    super::text::refuse_placeholder(&text)?;
    let written = scan(&text)?;
    let found = if written.plus {
        international(&written.digits, written.bracketed_zero)?
    } else {
        match reading.region {
            StatedRegion::As(region) => believed(national(&written, region), region, reading)?,
            StatedRegion::Nowhere => return Err(without_region(&written)),
            StatedRegion::Wrongly => {
                let message = "the region is not a known one, and the phone number needs it";
                return Err(Issue::error(UNKNOWN_REGION, message)
                    .hint("write the region as two letters of ISO 3166, such as GB or US"));
            }
        }
    };
    let warning = match found.in_use {
        true if found.repairs.contains(RepairKind::ZeroRestored) => {
            zero_restored(reading, &found.e164)?
        }
        true => None,
        false => not_in_use(reading.phones)?,
    };
    Ok((found.e164.into(), found.repairs.and(written.repairs), warning))
}

/// What a number without `+` was found to be, unless its column speaks against it.
fn believed(
    found: Result<FoundNumber, Issue>,
    region: Region,
    reading: PhoneReading,
) -> Result<FoundNumber, Issue> {
    // What was said of a number alone may come of the wrong region.
    if let Evidence::Mismatch { misfits, of } = reading.evidence {
        let message = format!(
            "{misfits} of the {of} numbers without + in this column are not numbers of {region}: the region is wrong, or the column mixes countries"
        );
        return Err(Issue::error(REGION_MISMATCH, message).hint(format!(
            "correct the region, state it by row in a column region, or write numbers with +; to read those that fit as numbers of {region}, use --allow {REGION_MISMATCH}"
        )));
    }
    let found = found?;
    let zero = found.repairs.contains(RepairKind::ZeroRestored);
    if !zero || reading.zeros_allowed || reading.evidence == Evidence::ZerosLost {
        return Ok(found);
    }
    let issue = Issue::error(
        BAD_VALUE,
        format!(
            "a number of {region} begins with 0; nothing shows that this one lost it, and not that it is of another country"
        ),
    );
    let candidates = vec![found.e164];
    Err(Issue { candidates, ..issue }.hint(format!(
        "write the number with + and country code; if leading zeros were lost in this column, use --allow {ZERO_RESTORED}"
    )))
}

/// What is said of a zero that was restored.
fn zero_restored(reading: PhoneReading, e164: &str) -> Result<Option<Box<Issue>>, Issue> {
    if reading.phones == Phones::Strict && !reading.zeros_allowed {
        return Err(Issue::error(BAD_VALUE, "the number has lost its leading 0").hint(format!(
            "write it with + and country code; --allow {ZERO_RESTORED} restores the zero"
        )));
    }
    let message = "the number has lost its leading 0, which is restored";
    let warning = Issue::warning(ZERO_RESTORED, message).hint(format!(
        "compare a few numbers with the source; to allow it, use --allow {ZERO_RESTORED}; it is sent as"
    ));
    Ok(Some(Box::new(Issue { candidates: vec![e164.to_owned()], ..warning })))
}

/// What is said of a number that is possible and not in use.
fn not_in_use(phones: Phones) -> Result<Option<Box<Issue>>, Issue> {
    if phones == Phones::Strict {
        return refuse(
            NOT_IN_USE,
            "check for a wrong digit; --phones check sends such numbers anyway",
        );
    }
    let warning = Issue::warning("phone_not_in_use", NOT_IN_USE)
        .hint("check for a wrong digit; --phones strict refuses such numbers");
    Ok(Some(Box::new(warning)))
}

/// Whether it is `+` and ASCII digits.
fn is_canonical(text: &str) -> bool {
    let digits = text.as_bytes().strip_prefix(b"+");
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

fn without_region(written: &Written) -> Issue {
    let message = if written.digits.starts_with("00") {
        "the phone number begins with 00 instead of +"
    } else {
        "the phone number does not begin with +"
    };
    Issue::error(BAD_VALUE, message).hint(format!(
        "{WRITE_IT}; or state the region of such numbers: --region, or a column region"
    ))
}

#[cfg(test)]
mod tests;
