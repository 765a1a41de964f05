//! What can be repaired in a value: a closed list, and sets of it.

/// A way in which a value was repaired before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairKind {
    /// Blanks at the ends were dropped.
    BlanksTrimmed,
    /// Characters that nobody sees were dropped.
    InvisibleRemoved,
    /// An apostrophe that told a spreadsheet to keep a text was dropped.
    ApostropheRemoved,
    /// The `tel:` before a phone number was dropped.
    SchemeRemoved,
    /// The `.0` that comes of a number taken for a float was dropped.
    FloatSuffixRemoved,
    /// Digits or a plus of another script were written as ASCII.
    DigitsConverted,
    /// A national number was completed by the country code of the stated region.
    CountryCodeAdded,
    /// A national number that had lost its leading zero was completed.
    ZeroRestored,
    /// A number that had lost its `+` got it back.
    PlusRestored,
    /// The stated region's international prefix, such as `00`, gave way to `+`.
    PrefixReplaced,
    /// The zero that is dialled within a country only was dropped behind the country code.
    TrunkZeroRemoved,
    /// What else is dialled within a country only was dropped: `06` in Hungary, `15` in Argentina.
    TrunkPrefixRemoved,
    /// `="007"`, a formula that only says that it is text, gave way to the text.
    FormulaUnwrapped,
    /// Quotes that stood behind a blank, and so did not count as quotes, were dropped.
    QuotesRemoved,
}

impl RepairKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::BlanksTrimmed,
        Self::InvisibleRemoved,
        Self::ApostropheRemoved,
        Self::SchemeRemoved,
        Self::FloatSuffixRemoved,
        Self::DigitsConverted,
        Self::CountryCodeAdded,
        Self::ZeroRestored,
        Self::PlusRestored,
        Self::PrefixReplaced,
        Self::TrunkZeroRemoved,
        Self::TrunkPrefixRemoved,
        Self::FormulaUnwrapped,
        Self::QuotesRemoved,
    ];

    /// The word in files and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BlanksTrimmed => "blanks_trimmed",
            Self::InvisibleRemoved => "invisible_removed",
            Self::ApostropheRemoved => "apostrophe_removed",
            Self::SchemeRemoved => "scheme_removed",
            Self::FloatSuffixRemoved => "float_suffix_removed",
            Self::DigitsConverted => "digits_converted",
            Self::CountryCodeAdded => "country_code_added",
            Self::ZeroRestored => "zero_restored",
            Self::PlusRestored => "plus_restored",
            Self::PrefixReplaced => "prefix_replaced",
            Self::TrunkZeroRemoved => "trunk_zero_removed",
            Self::TrunkPrefixRemoved => "trunk_prefix_removed",
            Self::FormulaUnwrapped => "formula_unwrapped",
            Self::QuotesRemoved => "quotes_removed",
        }
    }
}

/// What was repaired in one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepairKinds(u16);

impl RepairKinds {
    /// Adds a kind.
    pub fn add(&mut self, repair: RepairKind) {
        self.0 |= 1 << repair as u16;
    }

    /// The same with a kind more.
    #[must_use]
    pub fn with(mut self, repair: RepairKind) -> Self {
        self.add(repair);
        self
    }

    /// What is in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing was repaired.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a kind is among them.
    #[must_use]
    pub fn contains(self, repair: RepairKind) -> bool {
        self.0 & (1 << repair as u16) != 0
    }

    /// The kinds, in the order of [`RepairKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = RepairKind> {
        RepairKind::ALL.into_iter().filter(move |repair| self.contains(*repair))
    }
}
