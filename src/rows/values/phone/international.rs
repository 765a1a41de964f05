//! Numbers with their country code, which say themselves what they are.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region as Known};

use super::number::{Number, Standing, WRITE_IT};
use crate::issue::Issue;
use crate::rows::values::cleaned::{BAD_VALUE, refuse};
use crate::rows::values::repairs::{RepairKind, RepairKinds};

/// A number that a text was found to be.
pub(super) struct FoundNumber {
    pub(super) e164: String,
    pub(super) repairs: RepairKinds,
    pub(super) in_use: bool,
}

/// The number of digits behind a `+`.
pub(super) fn international(digits: &str, bracketed: Option<usize>) -> Result<FoundNumber, Issue> {
    let Some(number) = Number::of(digits) else {
        return refuse("no country has this country code", WRITE_IT);
    };
    let standing = number.standing();
    let found = |e164: String, repairs, standing| {
        Ok(FoundNumber { e164, repairs, in_use: standing == Standing::Valid })
    };
    let as_it_stands = || format!("+{digits}");
    let bracketed = bracketed == Some(number.code_length());
    let region = PHONE_NUMBER_UTIL.get_region_for_country_code(number.code());
    let behind_zero = number.national().strip_prefix('0').filter(|rest| {
        // Brackets say that it may not belong to the number.
        bracketed || region.is_some_and(|region| dialled_with_zero(region, rest))
    });
    let Some(behind_zero) = behind_zero else {
        if standing != Standing::Valid
            && let Some(e164) = region.and_then(|region| without_prefix(&number, region))
        {
            let repairs = RepairKinds::default().with(RepairKind::TrunkPrefixRemoved);
            return found(e164, repairs, Standing::Valid);
        }
        return match standing {
            Standing::Impossible(why) => refuse(why, WRITE_IT),
            _ => found(as_it_stands(), RepairKinds::default(), standing),
        };
    };
    let without = format!("+{}{behind_zero}", number.code());
    let in_use = Number::of(&without[1..]).is_some_and(|n| n.standing() == Standing::Valid);
    match (standing, in_use) {
        (Standing::Valid, true) if bracketed => Err(ambiguous(vec![as_it_stands(), without])),
        (Standing::Valid, _) => found(as_it_stands(), RepairKinds::default(), standing),
        (_, true) => found(
            without,
            RepairKinds::default().with(RepairKind::TrunkZeroRemoved),
            Standing::Valid,
        ),
        (Standing::Possible, false) if !bracketed => {
            found(as_it_stands(), RepairKinds::default(), standing)
        }
        _ => refuse(
            "no such number is in use, with or without the 0 after the country code",
            WRITE_IT,
        ),
    }
}

/// The number without what is dialled before it, or within it, in its own country only: `06` of
/// Hungary, `8` of Lithuania, `15` of Argentina, and the `1` of Mexican mobile numbers, which is
/// no longer in use.
fn without_prefix(number: &Number<'_>, region: Known) -> Option<String> {
    const MEXICO: i32 = 52;
    let national = match number.national().strip_prefix('1') {
        Some(rest) if number.code() == MEXICO => rest.to_owned(),
        _ => {
            let parsed = PHONE_NUMBER_UTIL.parse(number.national(), Some(region)).ok()?;
            (parsed.country_code == number.code())
                .then(|| parsed.get_national_significant_number())?
        }
    };
    let e164 = format!("+{}{national}", number.code());
    let in_use = Number::of(&e164[1..]).is_some_and(|n| n.standing() == Standing::Valid);
    (in_use && national != number.national()).then_some(e164)
}

/// Whether a number is dialled with a zero in front within its region, which is no part of it.
pub(super) fn dialled_with_zero(region: Known, national: &str) -> bool {
    let dialled = PHONE_NUMBER_UTIL.parse(format!("0{national}"), Some(region));
    dialled.is_ok_and(|number| number.get_national_significant_number() == national)
}

/// The refusal of a number that could be more than one.
pub(super) fn ambiguous(candidates: Vec<String>) -> Issue {
    let issue = Issue::error(BAD_VALUE, "the number is ambiguous")
        .hint("write the intended number, with its +");
    Issue { candidates, ..issue }
}
