//! Numbers: country code and national digits, against the plans of all countries.
//!
//! Built from the digits as they stand: the library's own parser strips prefixes, and by that
//! may turn one number into another.

use std::sync::LazyLock;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, ValidationError};

/// What to do about most that is wrong with a number.
pub(super) const WRITE_IT: &str = "write it with + and country code, such as +14155550123";

/// The most digits of an international number (E.164).
const MAX_DIGITS: usize = 15;

/// Country codes, by their value.
static CODES: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut codes = vec![false; 1000];
    for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        if let Some(known) = usize::try_from(code).ok().and_then(|code| codes.get_mut(code)) {
            *known = true;
        }
    }
    codes
});

/// How a number stands in its country's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In use.
    Valid,
    /// Of a length that there is, but not in use.
    Possible,
    /// Too short, too long, or of no known country.
    Impossible(&'static str),
}

/// A number as its digits say, country code first.
pub(super) struct Number<'a> {
    digits: &'a str,
    code: i32,
    code_length: usize,
}

impl<'a> Number<'a> {
    /// The number of ASCII digits that begin with a country code.
    pub(super) fn of(digits: &'a str) -> Option<Self> {
        let mut code = 0;
        for (length, byte) in digits.bytes().enumerate().take(3) {
            code = code * 10 + usize::from(byte.checked_sub(b'0')?);
            if code == 0 {
                return None;
            }
            if CODES.get(code) == Some(&true) {
                return Some(Self {
                    digits,
                    code: i32::try_from(code).ok()?,
                    code_length: length + 1,
                });
            }
        }
        None
    }

    pub(super) fn code(&self) -> i32 {
        self.code
    }

    pub(super) fn code_length(&self) -> usize {
        self.code_length
    }

    /// The digits behind the country code.
    pub(super) fn national(&self) -> &'a str {
        &self.digits[self.code_length..]
    }

    pub(super) fn standing(&self) -> Standing {
        const SHORT: &str = "the number is too short";
        const LONG: &str = "the number is too long";
        if self.digits.len() > MAX_DIGITS {
            return Standing::Impossible(LONG);
        }
        let Some(number) = self.parts() else { return Standing::Impossible(SHORT) };
        if PHONE_NUMBER_UTIL.is_valid_number(&number) {
            return Standing::Valid;
        }
        match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
            Ok(NumberLengthType::IsPossible) => Standing::Possible,
            Ok(NumberLengthType::IsPossibleLocalOnly) => {
                Standing::Impossible("the number lacks its area code")
            }
            Err(ValidationError::TooShort) => Standing::Impossible(SHORT),
            Err(ValidationError::TooLong) => Standing::Impossible(LONG),
            Err(ValidationError::InvalidLength) => {
                Standing::Impossible("no number of its country has that many digits")
            }
            Err(ValidationError::InvalidCountryCode) => {
                Standing::Impossible("no country has this country code")
            }
        }
    }

    fn parts(&self) -> Option<PhoneNumber> {
        let national = self.national();
        let zeros = national.bytes().take_while(|byte| *byte == b'0').count();
        // The last digit is never a leading one.
        let zeros = i32::try_from(zeros.min(national.len().saturating_sub(1))).ok()?;
        Some(PhoneNumber {
            country_code: self.code,
            national_number: national.parse().ok()?,
            italian_leading_zero: (zeros > 0).then_some(true),
            number_of_leading_zeros: (zeros > 1).then_some(zeros),
            ..PhoneNumber::default()
        })
    }
}
