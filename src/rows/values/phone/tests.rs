//! Phone numbers: a table of expected results, the examples of every country's plan, and
//! properties of any text.

use std::sync::LazyLock;

use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::*;
use crate::issue::Issue;

/// As in a column of which nothing is known.
fn reading(phones: Phones, region: Option<&str>) -> PhoneReading {
    let region =
        region.map_or(StatedRegion::Nowhere, |region| StatedRegion::As(region.parse().unwrap()));
    PhoneReading { phones, region, ..PhoneReading::default() }
}

/// The number, the repairs and the warning, in a column that lost its zeros; or the beginning of the refusal.
fn of(text: &str, region: Option<&str>) -> Result<(String, Vec<&'static str>, bool), Issue> {
    let zeros_lost =
        PhoneReading { evidence: Evidence::ZerosLost, ..reading(Phones::Check, region) };
    let (number, repairs, warning) = read(text.into(), zeros_lost)?;
    Ok((number.into_owned(), repairs.iter().map(RepairKind::word).collect(), warning.is_some()))
}

#[track_caller]
fn gives(text: &str, region: Option<&str>, number: &str, repairs: &[&str]) {
    match of(text, region) {
        Ok((found, made, warned)) => {
            assert_eq!((found.as_str(), &made[..]), (number, repairs), "{text:?} {region:?}");
            assert!(!warned, "{text:?}");
        }
        Err(complaint) => panic!("{text:?} {region:?}: {complaint:?}"),
    }
}

#[track_caller]
fn refuses(text: &str, region: Option<&str>, why: &str) {
    match of(text, region) {
        Ok(found) => panic!("{text:?} {region:?}: {found:?}"),
        Err(complaint) => {
            let said = format!("{}; {}", complaint.message, complaint.hint.unwrap());
            assert!(said.contains(why), "{text:?} {region:?}: {said}");
        }
    }
}

#[test]
fn separators_are_formatting() {
    for text in [
        "+442079460018",
        "+44 20 7946 0018",
        "+44 (20) 7946-0018",
        "+44.20.7946.0018",
        "+44\u{a0}20\u{2009}7946\u{202f}0018",
        "+44\u{2011}20\u{2013}7946\u{2212}0018",
        "(+44) 20 7946 0018",
        "+44/20/79460018",
    ] {
        gives(text, None, "+442079460018", &[]);
        gives(text, Some("US"), "+442079460018", &[]);
    }
}

#[test]
fn damage_is_mended_where_there_is_one_number_only() {
    for (text, region, number, repairs) in [
        ("447911123456", "GB", "+447911123456", &["plus_restored"][..]),
        ("07911 123456", "GB", "+447911123456", &["country_code_added"]),
        ("(020) 7946 0018", "GB", "+442079460018", &["country_code_added"]),
        ("(415) 555-2671", "US", "+14155552671", &["country_code_added"]),
        ("1-415-555-2671", "US", "+14155552671", &["plus_restored"]),
        ("06 12 34 56 78", "FR", "+33612345678", &["country_code_added"]),
        ("02 1234 5678", "IT", "+390212345678", &["country_code_added"]),
        ("011 15-2345-6789", "AR", "+5491123456789", &["country_code_added"]),
        ("00 44 7911 123456", "DE", "+447911123456", &["prefix_replaced"]),
        ("00447911123456", "GB", "+447911123456", &["prefix_replaced"]),
        ("011 44 7911 123456", "US", "+447911123456", &["prefix_replaced"]),
        ("0044 (0)7911 123456", "GB", "+447911123456", &["prefix_replaced", "trunk_zero_removed"]),
        ("44 (0)20 7946 0018", "GB", "+442079460018", &["plus_restored", "trunk_zero_removed"]),
        ("447911123456.0", "GB", "+447911123456", &["float_suffix_removed", "plus_restored"]),
    ] {
        gives(text, Some(region), number, repairs);
    }
    for (text, number, repairs) in [
        ("'+447911123456", "+447911123456", &["apostrophe_removed"][..]),
        ("\u{2019}+44 7911 123456", "+447911123456", &["apostrophe_removed"]),
        ("tel:+44-7911-123456", "+447911123456", &["scheme_removed"]),
        ("\u{ff0b}\u{ff14}\u{ff14}7911123456", "+447911123456", &["digits_converted"]),
        ("+\u{664}\u{664}7911123456", "+447911123456", &["digits_converted"]),
        ("+\u{96a}\u{96a}7911123456", "+447911123456", &["digits_converted"]),
        ("+44\u{200b}7911\u{202c}123456", "+447911123456", &["invisible_removed"]),
        ("+44 (0) 20 7946 0018", "+442079460018", &["trunk_zero_removed"]),
        ("+44 020 7946 0018", "+442079460018", &["trunk_zero_removed"]),
        ("+49 (0)151 23456789", "+4915123456789", &["trunk_zero_removed"]),
        ("+39 (0)6 1234 5678", "+390612345678", &[]),
        ("+52 1 55 1234 5678", "+525512345678", &["trunk_prefix_removed"]),
        ("+5215512345678", "+525512345678", &["trunk_prefix_removed"]),
        ("+54 11 15 2345 6789", "+5491123456789", &["trunk_prefix_removed"]),
        ("+54 9 11 2345 6789", "+5491123456789", &[]),
        ("+36 06 20 123 4567", "+36201234567", &["trunk_prefix_removed"]),
        ("+370 8 612 34567", "+37061234567", &["trunk_prefix_removed"]),
        ("+7 8 916 123 45 67", "+79161234567", &["trunk_prefix_removed"]),
    ] {
        gives(text, None, number, repairs);
    }
}

#[test]
fn a_zero_is_restored_where_the_column_shows_that_it_was_lost() {
    for (text, region, number, repairs) in [
        ("7911123456", "GB", "+447911123456", &["zero_restored"][..]),
        ("7911123456,0", "GB", "+447911123456", &["float_suffix_removed", "zero_restored"]),
        ("20 7946 0018", "GB", "+442079460018", &["zero_restored"]),
        ("612345678", "IT", "+390612345678", &["zero_restored"]),
    ] {
        let found = of(text, Some(region)).unwrap();
        assert_eq!(found, (number.to_owned(), repairs.to_vec(), true), "{text} {region}");
        let unknown = reading(Phones::Check, Some(region));
        let complaint = read(text.into(), unknown).unwrap_err();
        assert_eq!(complaint.candidates, [number], "{text} {region}");
        let strict =
            PhoneReading { phones: Phones::Strict, evidence: Evidence::ZerosLost, ..unknown };
        assert!(read(text.into(), strict).is_err(), "{text} {region}");
        let allowed = PhoneReading { phones: Phones::Strict, zeros_allowed: true, ..unknown };
        assert_eq!(read(text.into(), allowed).unwrap().0, number);
    }
    // People write these without a zero, or there is none to lose.
    for (text, region, number) in [
        ("9876543210", "IN", "+919876543210"),
        ("3311234567", "IT", "+393311234567"),
        ("40123", "AC", "+24740123"),
        ("5512345678", "MX", "+525512345678"),
        ("4155552671", "US", "+14155552671"),
    ] {
        let (found, repairs, warning) =
            read(text.into(), reading(Phones::Strict, Some(region))).unwrap();
        assert_eq!((&*found, warning), (number, None), "{text} {region}");
        assert_eq!(repairs, RepairKinds::default().with(RepairKind::CountryCodeAdded));
    }
}

/// What numbers show together of a region.
fn shown(numbers: &[&str], region: &str) -> Evidence {
    let mut fits = Fits::default();
    for number in numbers {
        fits.count(number, region.parse().unwrap());
    }
    fits.evidence()
}

#[test]
fn a_column_shows_whether_its_numbers_are_of_the_region() {
    let lost = ["7911123456", "7400123456", "2079460018", "7911 123457"];
    assert_eq!(shown(&lost, "GB"), Evidence::ZerosLost);
    assert_eq!(shown(&lost[..2], "GB"), Evidence::None, "two are too few");
    assert_eq!(shown(&["07911 123456", "020 7946 0018", "7911123457"], "GB"), Evidence::ZerosLost);
    let mixed = [&lost[..], &["6175550123", "5125550123"]].concat();
    assert_eq!(shown(&mixed, "GB"), Evidence::Mismatch { misfits: 2, of: 6 });
    // A number with its +, and what is no phone number, is no evidence of either.
    assert_eq!(
        shown(&["+14155552671", "n/a", "ext 12", "", "0014155552671"], "GB"),
        Evidence::None
    );
    // Ten digits that are numbers of North America as they stand have lost nothing.
    assert_eq!(shown(&["3012345678", "3023456789", "3034567890"], "DE"), Evidence::None);
    assert_eq!(shown(&["15123456789", "15123456780", "3012345678"], "DE"), Evidence::ZerosLost);
}

proptest! {
    #[test]
    fn a_column_of_american_numbers_is_of_no_other_region(
        seeds in prop::collection::vec((0..400u32, 2_000_000..10_000_000u32), 40..80),
        region in prop::sample::select(&["GB", "DE", "IN", "MX", "FR", "IT", "AU"][..]),
    ) {
        const AREAS: [u32; 12] = [201, 212, 305, 312, 404, 415, 512, 617, 702, 713, 818, 917];
        let numbers: Vec<String> = seeds
            .iter()
            .map(|(area, rest)| format!("{}{rest}", AREAS[*area as usize % AREAS.len()]))
            .collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        prop_assert_ne!(shown(&numbers, region), Evidence::ZerosLost);
    }
}

#[test]
fn what_could_be_another_number_is_refused_for_its_reason() {
    for (text, region, why) in [
        ("447911123456", None, "--region"),
        ("07911123456", None, "--region"),
        ("00447911123456", None, "00"),
        ("4.47911E+11", Some("GB"), "rounded"),
        ("4,47911E+11", Some("GB"), "rounded"),
        ("4.47911123456e11", Some("GB"), "rounded"),
        ("00447911123456", Some("US"), "not a phone number of the stated region"),
        ("4915112345678", Some("GB"), "not a phone number of the stated region"),
        ("+44 20 7946 0018 ext 12", None, "extension"),
        ("+44 20 7946 0018 x12", None, "extension"),
        ("+44 20 7946 0018;ext=12", None, "extension"),
        ("+44 20 7946 0018 #12", None, "extension"),
        ("1-800-FLOWERS", Some("US"), "letters"),
        ("+1415555CALL", None, "letters"),
        ("+442079460018 / +442079460019", None, "more than one"),
        ("020 7946 0018 / 020 7946 0019", Some("GB"), "more than one"),
        ("+442079460018; +442079460019", None, "more than one"),
        ("+49 30 1234567/68", None, "more than one"),
        ("030/12345678/9", Some("DE"), "more than one"),
        ("+1234567", None, "too short"),
        ("+1234567890", None, "too short"),
        ("+5550123", None, "too short"),
        ("+15550123", None, "area code"),
        ("+12345678901234567", None, "too long"),
        ("+9991234567", None, "country code"),
        ("+0441234567", None, "country code"),
        ("+", None, "placeholder"),
        ("+ ( ) -", None, "no digits"),
        ("'", None, "placeholder"),
        ("n/a", None, "placeholder"),
        ("unknown", None, "letters"),
        ("447911123456.5", Some("GB"), "fraction"),
        // Behind a plus a point separates, as it always does: the zero is not dropped.
        ("+447911123456.0", None, "too long"),
        (&"+44 7911 123456 ".repeat(20), None, "far too long"),
        ("+44*7911123456", None, "not allowed"),
        ("+52 1 55 1234 56789", None, "too long"),
    ] {
        refuses(text, region, why);
    }
}

#[test]
fn a_number_that_can_be_two_is_refused_with_both() {
    // A mobile number that lost its plus, or a landline that lost its zero.
    let complaint = of("4915123456789", Some("DE")).unwrap_err();
    assert_eq!(complaint.candidates, ["+494915123456789", "+4915123456789"]);
    assert!(!complaint.message.contains(char::is_numeric), "messages hold no numbers");
}

#[test]
fn a_number_not_in_use_is_sent_with_a_warning_unless_that_is_refused() {
    for text in ["+15555550123", "+1 555 555 0123"] {
        assert_eq!(of(text, None).unwrap(), ("+15555550123".into(), vec![], true));
    }
    assert!(of("+14155550123", None).is_ok());
    assert!(of("(555) 555-0123", Some("US")).unwrap().2);
    let strict = |text: &'static str| read(text.into(), reading(Phones::Strict, None));
    assert!(strict("+15555550123").is_err());
    assert!(strict("+447911123456").is_ok());
    for text in ["07911", "+1 (0) x", "n/a"] {
        let read = read(text.into(), reading(Phones::AsIs, None)).unwrap();
        assert_eq!(read, (text.into(), RepairKinds::default(), None));
    }
}

#[test]
fn regions_are_two_letters_of_iso_3166() {
    for (text, region) in [("GB", "GB"), (" us ", "US"), ("de", "DE"), ("JE", "JE")] {
        assert_eq!(text.parse::<Region>().unwrap().to_string(), region);
    }
    for bad in ["", "UK", "001", "XX", "GBR", "Germany", "44", "\u{fc}"] {
        assert!(bad.parse::<Region>().is_err(), "{bad}");
    }
    assert!("uk".parse::<Region>().unwrap_err().contains("GB"));
}

const TYPES: [PhoneNumberType; 10] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// The example numbers of every region and type, with the region.
fn examples() -> Vec<(String, PhoneNumber)> {
    let mut examples = Vec::new();
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        for kind in TYPES {
            if let Ok(number) =
                PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind)
            {
                examples.push((region.to_string(), number));
            }
        }
    }
    assert!(examples.len() > 1000, "{}", examples.len());
    examples
}

#[test]
fn every_example_is_itself_in_every_format_and_never_another_number() {
    let (mut national, mut zeroless, mut plusless) = ([0; 2], [0; 2], [0; 2]);
    let mut others = Vec::new();
    for (region, number) in examples() {
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        let own = Some(region.as_str());
        gives(&e164, None, &e164, &[]);
        let international = number.format_as(PhoneNumberFormat::International);
        gives(&international, None, &e164, &[]);
        let written = number.format_as(PhoneNumberFormat::National);
        let mut damaged = |text: &str, counts: &mut [usize; 2], what: &str| match of(text, own) {
            // What is a number as it stands is taken for it, without its zero or not.
            Ok((found, repairs, _)) if found != e164 => {
                assert_eq!(repairs, ["country_code_added"], "{what}: {text} in {region}");
                assert!(found.ends_with(text), "{what}: {text} in {region}: {found}");
                others.push((region.clone(), text.to_owned()));
            }
            Ok(_) => counts[0] += 1,
            Err(_) => counts[1] += 1,
        };
        damaged(&written, &mut national, "national");
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        damaged(digits.trim_start_matches('0'), &mut zeroless, "without zero");
        damaged(&e164[1..], &mut plusless, "without plus");
    }
    assert!(others.len() < 10, "{others:?}");
    // What is refused could be two numbers, or is dialled in ways that nobody stores.
    for (what, [repaired, refused]) in
        [("national", national), ("without zero", zeroless), ("without plus", plusless)]
    {
        println!("{what}: {repaired} right, {refused} refused");
        assert!(repaired > 9 * refused, "{what}: {repaired} right, {refused} refused");
    }
}

/// Text with separators and what nobody sees behind some of its characters.
fn noisy(text: &str, noise: &[usize]) -> String {
    const NOISE: [&str; 8] = ["", "", " ", "-", ".", "\u{a0}", "\u{200b}", "\u{2011}"];
    let pieces = text.chars().zip(noise).map(|(c, noise)| format!("{c}{}", NOISE[*noise]));
    pieces.collect()
}

static EXAMPLES: LazyLock<Vec<(String, PhoneNumber)>> = LazyLock::new(examples);

proptest! {
    #[test]
    fn noise_makes_no_other_number(
        index in any::<prop::sample::Index>(),
        noise in prop::collection::vec(0..8usize, 24),
        plus_only in any::<bool>(),
    ) {
        let (region, number) = &EXAMPLES[index.index(EXAMPLES.len())];
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        let (found, repairs, _) = of(&noisy(&e164, &noise), None).unwrap();
        prop_assert_eq!(&found, &e164);
        prop_assert!(repairs.iter().all(|repair| *repair == "invisible_removed"));
        // Without its plus, or without all of its country code, it is that number or none, or what
        // is a number as it stands.
        let code = number.country_code.to_string().len();
        let (_, tail) = e164.split_at(if plus_only { 1 } else { 1 + code });
        if let Ok((found, repairs, _)) = of(&noisy(tail, &noise), Some(region)) {
            let as_it_stands = repairs.contains(&"country_code_added") && found.ends_with(tail);
            prop_assert!(found == e164 || as_it_stands, "{} for {}", found, e164);
        }
    }

    #[test]
    fn a_number_that_was_read_is_read_as_itself(
        text in r"[+'0-9０-９٠-٩ ()./xe;\-\u{200b}\u{a0}]{0,24}",
        region in prop::sample::select(vec![None, Some("GB"), Some("US"), Some("IT"), Some("AR"), Some("DE")]),
    ) {
        if let Ok((number, repairs, warned)) = of(&text, region) {
            let not_in_use = warned && !repairs.contains(&"zero_restored");
            prop_assert_eq!(of(&number, None), Ok((number.clone(), vec![], not_in_use)));
            prop_assert!(is_canonical(&number) && number.len() <= 16, "{}", number);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = of(&text, Some("GB"));
        let _ = of(&text, None);
    }
}

/// Numbers that could be taken for others, and were once.
#[test]
fn what_could_be_another_country_is_refused() {
    for (region, text) in [
        // Behind 00 stands a carrier's code in these regions.
        ("BR", "005534984567890"),
        ("BR", "00 55 34 98456 7890"),
        ("CO", "00573211234567"),
        ("KH", "0085591234567"),
        ("TH", "006621234567"),
        // 00 is no international prefix here.
        ("AU", "0061412345678"),
        ("WS", "0068522123"),
    ] {
        let found = read(text.into(), reading(Phones::Check, Some(region)));
        assert!(found.is_err(), "{text}: {:?}", found.map(|found| found.0));
    }
    for text in ["+247 (0)40123", "+56 (0)000000000"] {
        let found = read(text.into(), reading(Phones::Check, None));
        assert!(found.is_err(), "{text}: {:?}", found.map(|found| found.0));
    }
    for (text, sent) in
        [("+39 (0) 333 1234567", "+393331234567"), ("+39 (0)6 1234 5678", "+390612345678")]
    {
        let (found, ..) = read(text.into(), reading(Phones::Check, None)).unwrap();
        assert_eq!(found, sent);
    }
}
