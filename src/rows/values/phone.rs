//! Phone numbers: from what people and spreadsheets write to E.164, or why not.
//!
//! A number is taken when there is one thing only that it can be. What is written with `+` is
//! what it says; anything else needs the stated region, and all its readings there are tried: a
//! number that could be two is refused with both. No country is ever guessed.

mod number;
mod scan;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{CountryCodeSource, PHONE_NUMBER_UTIL, PhoneNumber, Region as Known};

use super::cleaned::{BAD_VALUE, refuse};
use super::repairs::{RepairKind, RepairKinds};
use crate::issue::Issue;
use number::{Number, Standing, WRITE_IT};
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

/// A region whose numbering plan holds, by its two letters of ISO 3166.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(Known);

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

const NOT_IN_USE: &str = "no such number is in use in its country";

/// A number that a text was found to be.
struct Standings {
    e164: String,
    repairs: RepairKinds,
    in_use: bool,
}

/// What a cell came to: the number as E.164, what was repaired, and what may be wrong.
pub(super) type Read<'a> = (Cow<'a, str>, RepairKinds, Option<Box<Issue>>);

/// Reads a text without blanks around it.
pub(super) fn read(
    text: Cow<'_, str>,
    phones: Phones,
    region: StatedRegion,
) -> Result<Read<'_>, Issue> {
    if phones == Phones::AsIs {
        return Ok((text, RepairKinds::default(), None));
    }
    if is_canonical(&text)
        && let Some(number) = Number::of(&text[1..])
    {
        // A zero behind the country code is looked at below, where the number is not in use.
        match number.standing() {
            Standing::Valid => return Ok((text, RepairKinds::default(), None)),
            _ if number.national().starts_with('0') => {}
            Standing::Possible => {
                return Ok((text, RepairKinds::default(), not_in_use(phones)?));
            }
            Standing::Impossible(why) => return refuse(why, WRITE_IT),
        }
    }
    super::text::refuse_placeholder(&text)?;
    let written = scan(&text)?;
    let found = if written.plus {
        international(&written.digits, written.bracketed_zero)?
    } else {
        match region {
            StatedRegion::As(region) => national(&written, region)?,
            StatedRegion::Nowhere => return Err(without_region(&written)),
            StatedRegion::Wrongly => {
                return refuse(
                    "the number has no +, and the row's region is not a known one",
                    "write the region as two letters of ISO 3166, such as GB or US",
                );
            }
        }
    };
    let warning = if found.in_use { None } else { not_in_use(phones)? };
    Ok((found.e164.into(), found.repairs.and(written.repairs), warning))
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

/// The number of digits behind a `+`.
fn international(digits: &str, bracketed: Option<usize>) -> Result<Standings, Issue> {
    let Some(number) = Number::of(digits) else {
        return refuse("no country has this country code", WRITE_IT);
    };
    let standing = number.standing();
    let found = |e164: String, repairs, standing| {
        Ok(Standings { e164, repairs, in_use: standing == Standing::Valid })
    };
    let as_it_stands = || format!("+{digits}");
    let bracketed = bracketed == Some(number.code_length());
    let behind_zero = number.national().strip_prefix('0').filter(|rest| {
        if bracketed {
            // Brackets say that it may not belong to the number.
            return true;
        }
        let region = PHONE_NUMBER_UTIL.get_region_for_country_code(number.code());
        region.is_some_and(|region| dialled_with_zero(region, rest))
    });
    let Some(behind_zero) = behind_zero else {
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

/// Whether a number is dialled with a zero in front within its region, which is no part of it.
fn dialled_with_zero(region: Known, national: &str) -> bool {
    let dialled = PHONE_NUMBER_UTIL.parse(format!("0{national}"), Some(region));
    dialled.is_ok_and(|number| number.get_national_significant_number() == national)
}

/// A reading of a number without `+`.
struct Candidate {
    e164: String,
    repairs: RepairKinds,
    standing: Standing,
    /// Whether the number is written as people of the region do, so that nothing was lost.
    whole: bool,
}

/// The one number that digits without `+` can be in a region.
fn national(written: &Written, Region(region): Region) -> Result<Standings, Issue> {
    let Some(code) = PHONE_NUMBER_UTIL.get_country_code_for_region(region) else {
        return refuse("the region has no phone numbers of its own", WRITE_IT);
    };
    let mut readings = Vec::new();
    match PHONE_NUMBER_UTIL.parse_and_keep_raw_input(&written.digits, Some(region)) {
        Ok(parsed) if parsed.country_code_source() == CountryCodeSource::FromNumberWithIdd => {
            return behind_prefix(written, &parsed);
        }
        Ok(parsed)
            if parsed.country_code_source() == CountryCodeSource::FromDefaultCountry
                && parsed.country_code == code =>
        {
            let number = parsed.get_national_significant_number();
            let kind = kind_of(written, region, &number);
            readings.extend(reading(code, &number, kind));
        }
        _ => {}
    }
    let kind = kind_of(written, region, &written.digits);
    readings.extend(reading(code, &written.digits, kind));
    readings.extend(with_lost_zero(written, region, code));
    readings.extend(with_lost_plus(written, code));
    choose(readings, written)
}

/// How a national number came to be one: written with its prefix, or without, as people do
/// where there is none; bare digits without the prefix may have lost it.
fn kind_of(written: &Written, region: Known, number: &str) -> RepairKind {
    let lost = written.bare && number == written.digits && dialled_with_zero(region, number);
    if lost { RepairKind::ZeroRestored } else { RepairKind::CountryCodeAdded }
}

fn reading(code: i32, national: &str, kind: RepairKind) -> Option<Candidate> {
    let e164 = format!("+{code}{national}");
    let standing = Number::of(&e164[1..]).filter(|number| number.code() == code)?.standing();
    let repairs = RepairKinds::default().with(kind);
    Some(Candidate { e164, repairs, standing, whole: kind == RepairKind::CountryCodeAdded })
}

/// What a spreadsheet may have made bare digits of: a number whose leading zero is part of it.
fn with_lost_zero(written: &Written, region: Known, code: i32) -> Vec<Candidate> {
    if !written.bare || written.digits.starts_with('0') {
        return Vec::new();
    }
    let with_zero = format!("0{}", written.digits);
    let parsed = PHONE_NUMBER_UTIL.parse_and_keep_raw_input(&with_zero, Some(region)).ok();
    let parsed = parsed.filter(|parsed| {
        parsed.country_code_source() == CountryCodeSource::FromDefaultCountry
            && parsed.country_code == code
    });
    let national = parsed.map(|parsed| parsed.get_national_significant_number());
    [national, Some(with_zero)]
        .into_iter()
        .flatten()
        .filter_map(|national| reading(code, &national, RepairKind::ZeroRestored))
        .collect()
}

/// The number that lacks nothing but its `+`.
fn with_lost_plus(written: &Written, code: i32) -> Option<Candidate> {
    Number::of(&written.digits).filter(|number| number.code() == code)?;
    let found = international(&written.digits, written.bracketed_zero).ok()?;
    let standing = if found.in_use { Standing::Valid } else { Standing::Possible };
    let repairs = found.repairs.with(RepairKind::PlusRestored);
    Some(Candidate { e164: found.e164, repairs, standing, whole: false })
}

/// International prefixes that hold no carrier's code.
const PREFIXES: [&str; 8] = ["00", "000", "001", "0011", "010", "011", "119", "810"];

/// The number behind the region's international prefix, which is known from what the library
/// makes of the whole.
fn behind_prefix(written: &Written, parsed: &PhoneNumber) -> Result<Standings, Issue> {
    let (code, national) = (parsed.country_code, parsed.get_national_significant_number());
    let starts = [format!("{code}{national}"), format!("{code}0{national}")]
        .map(|tail| written.digits.strip_suffix(&tail).map(str::len));
    // In some regions a carrier's code follows, which cannot be told from a country code.
    let is_plain = |start: &usize| PREFIXES.contains(&&written.digits[..*start]);
    let Some(start) = starts.into_iter().flatten().find(is_plain) else {
        return refuse("what follows the international prefix is ambiguous", WRITE_IT);
    };
    let bracketed = written.bracketed_zero.and_then(|zero| zero.checked_sub(start));
    let found = international(&written.digits[start..], bracketed)?;
    Ok(Standings { repairs: found.repairs.with(RepairKind::PrefixReplaced), ..found })
}

/// The one reading that is in use; without any, the one that is possible, whole, and written as
/// people write numbers: nothing is made of bare digits that are no number in use.
fn choose(mut readings: Vec<Candidate>, written: &Written) -> Result<Standings, Issue> {
    let by_hand = !written.bare && !written.digits.starts_with("00");
    readings.retain(|reading| !matches!(reading.standing, Standing::Impossible(_)));
    // Of equals the one that needs to assume least comes first, and stays.
    let mut distinct: Vec<Candidate> = Vec::new();
    for reading in readings {
        if !distinct.iter().any(|known| known.e164 == reading.e164) {
            distinct.push(reading);
        }
    }
    let in_use = distinct.iter().filter(|reading| reading.standing == Standing::Valid).count();
    let wanted = if in_use > 0 { Standing::Valid } else { Standing::Possible };
    distinct.retain(|reading| reading.standing == wanted);
    match &mut distinct[..] {
        [] => refuse("not a phone number of the stated region", WRITE_IT),
        [one] if wanted == Standing::Valid || (one.whole && by_hand) => Ok(Standings {
            e164: std::mem::take(&mut one.e164),
            repairs: one.repairs,
            in_use: wanted == Standing::Valid,
        }),
        [one] if one.whole => refuse("no such number is in use in the stated region", WRITE_IT),
        _ => Err(ambiguous(distinct.into_iter().map(|reading| reading.e164).collect())),
    }
}

fn ambiguous(candidates: Vec<String>) -> Issue {
    let issue = Issue::error(BAD_VALUE, "the number is ambiguous")
        .hint("write the intended number, with its +");
    Issue { candidates, ..issue }
}

#[cfg(test)]
mod tests;
