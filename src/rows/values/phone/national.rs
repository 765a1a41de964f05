//! Numbers without `+`: all that they can be in the stated region.

use std::sync::LazyLock;

use rlibphonenumber::phonenumber_matcher::{Leniency, PhoneNumberMatcherFactory};
use rlibphonenumber::{
    CountryCodeSource, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberUtil, Region as Known,
};

use super::international::{FoundNumber, ambiguous, dialled_with_zero, international};
use super::number::{Number, Standing, WRITE_IT};
use super::region::Region;
use super::scan::Written;
use crate::issue::Issue;
use crate::rows::values::cleaned::refuse;
use crate::rows::values::repairs::{RepairKind, RepairKinds};

/// A reading of a number without `+`.
struct Candidate {
    e164: String,
    repairs: RepairKinds,
    standing: Standing,
    /// Whether the number is written as people of the region do, so that nothing was lost.
    whole: bool,
}

/// The one number that digits without `+` can be in a region.
pub(super) fn national(written: &Written, Region(region): Region) -> Result<FoundNumber, Issue> {
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

/// How a national number came to be one: written as people of the region do, with its prefix or,
/// where there is none or few write it, without; else it has lost its zero.
fn kind_of(written: &Written, region: Known, number: &str) -> RepairKind {
    let lost = number == written.digits
        && dialled_with_zero(region, number)
        && !is_written_in_full(number, region);
    if lost { RepairKind::ZeroRestored } else { RepairKind::CountryCodeAdded }
}

type Matcher = PhoneNumberMatcherFactory<PhoneNumberUtil, &'static PhoneNumberUtil>;

/// Whether people of a region write a number so: with its prefix, unless they mostly leave it out.
fn is_written_in_full(number: &str, region: Known) -> bool {
    static MATCHER: LazyLock<Matcher> = LazyLock::new(Matcher::new);
    MATCHER.create_matcher(number, Leniency::Valid, 1, Some(region)).next().is_some()
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
fn behind_prefix(written: &Written, parsed: &PhoneNumber) -> Result<FoundNumber, Issue> {
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
    Ok(FoundNumber { repairs: found.repairs.with(RepairKind::PrefixReplaced), ..found })
}

/// What is repaired in a number without `+` that is in use in a region: nothing if it could be two
/// numbers, and an error if it is none.
pub(super) fn repairs_of(written: &Written, region: Region) -> Option<Result<RepairKinds, ()>> {
    match national(written, region) {
        Ok(found) if found.in_use => Some(Ok(found.repairs)),
        Err(issue) if !issue.candidates.is_empty() => None,
        // Numbers of films and examples are written as people of the region write theirs.
        Ok(_) if written.digits.starts_with('0') => None,
        _ => Some(Err(())),
    }
}

/// The one reading that is in use; without any, the one that is possible, whole, and written as
/// people write numbers: nothing is made of bare digits that are no number in use.
fn choose(mut readings: Vec<Candidate>, written: &Written) -> Result<FoundNumber, Issue> {
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
    // A number that is one as it stands has lost no zero.
    if wanted == Standing::Valid && distinct.iter().any(|reading| reading.whole) {
        distinct.retain(|reading| !reading.repairs.contains(RepairKind::ZeroRestored));
    }
    match &mut distinct[..] {
        [] => refuse("not a phone number of the stated region", WRITE_IT),
        [one] if wanted == Standing::Valid || (one.whole && by_hand) => Ok(FoundNumber {
            e164: std::mem::take(&mut one.e164),
            repairs: one.repairs,
            in_use: wanted == Standing::Valid,
        }),
        _ if wanted == Standing::Possible => {
            refuse("no such number is in use in the stated region", WRITE_IT)
        }
        _ => Err(ambiguous(distinct.into_iter().map(|reading| reading.e164).collect())),
    }
}
