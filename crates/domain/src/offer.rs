//! What can be bought, as far as a cart must know it: who it is, what it costs, how it is taxed, how many there are.

use std::fmt;

/// The identity of a product that can be put into a cart (Spryker: concrete SKU): 1 to 255 characters, none of them a
/// control character, without blanks around. Compared in exact case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sku(String);

impl Sku {
    /// Reads one. `None` for what no product is called.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.chars().count()) && !text.contains(char::is_control) && text.trim() == text;
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A currency by its three upper-case letters (ISO 4217). Its smallest unit is what all amounts count, as cents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads three upper-case ASCII letters; whether there is such a currency is for the shop's settings to say.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        // They are ASCII: nothing else gets in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether the prices of a cart hold their tax, or it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriceMode {
    /// Tax is part of the price.
    Gross,
    /// Tax is added to the price.
    Net,
}

impl PriceMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gross, Self::Net];

    /// Reads `GROSS_MODE` or `NET_MODE`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gross => "GROSS_MODE",
            Self::Net => "NET_MODE",
        }
    }
}

/// The price of one piece, in cents: at most 4 294 967 295, so that with [`Quantity`](crate::Quantity) and
/// [`MAX_ITEMS`](crate::MAX_ITEMS) no sum in a cart can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrice(pub u32);

/// A tax rate in hundredths of a percent: 1900 is 19 %. At most 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxRate(u16);

impl TaxRate {
    /// All of it goes to the state.
    const MAX: u16 = 10_000;

    /// Reads hundredths of a percent, 0 to 10 000.
    pub fn from_hundredths(hundredths: u16) -> Option<Self> {
        (hundredths <= Self::MAX).then_some(Self(hundredths))
    }

    /// Hundredths of a percent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// The tax within `cents` (gross) or on top of them (net), in cents, rounded half up.
    pub fn tax_on(self, cents: u64, mode: PriceMode) -> u64 {
        let whole = u128::from(Self::MAX);
        let rate = u128::from(self.0);
        let divisor = match mode {
            PriceMode::Gross => whole + rate,
            PriceMode::Net => whole,
        };
        let tax = (u128::from(cents) * rate * 2 + divisor) / (divisor * 2);
        // No more than `cents`, as the rate is no more than 100 %.
        u64::try_from(tax).unwrap_or(u64::MAX)
    }
}

/// What one piece costs in a currency; in a price mode for which there is no price it cannot be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The currency.
    pub currency: Currency,
    /// The price that holds its tax.
    pub gross: Option<UnitPrice>,
    /// The price to which tax is added.
    pub net: Option<UnitPrice>,
}

/// A product as a cart must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub sku: Sku,
    /// The product of which it is a variant (Spryker: abstract SKU).
    pub abstract_sku: Sku,
    /// How it is taxed.
    pub tax_rate: TaxRate,
    /// Pieces that can be sold; `None`: as many as anybody wants.
    pub stock: Option<u32>,
    /// At most one for each currency.
    pub prices: Vec<Price>,
}

impl Offer {
    /// What one piece costs in a cart of that currency and price mode.
    pub fn price_in(&self, currency: Currency, mode: PriceMode) -> Option<UnitPrice> {
        let price = self.prices.iter().find(|price| price.currency == currency)?;
        match mode {
            PriceMode::Gross => price.gross,
            PriceMode::Net => price.net,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_is_part_of_a_gross_price_and_comes_on_top_of_a_net_price() {
        let rate = |hundredths| TaxRate::from_hundredths(hundredths).unwrap();
        for (cents, hundredths, mode, tax) in [
            (9_999, 1900, PriceMode::Gross, 1_596),
            (9_999, 1900, PriceMode::Net, 1_900),
            (119, 1900, PriceMode::Gross, 19),
            (1, 1900, PriceMode::Gross, 0),
            (50, 100, PriceMode::Net, 1),
            (49, 100, PriceMode::Net, 0),
            (12_345, 0, PriceMode::Gross, 0),
            (u64::MAX, 10_000, PriceMode::Net, u64::MAX),
        ] {
            assert_eq!(rate(hundredths).tax_on(cents, mode), tax, "{cents} at {hundredths} {mode:?}");
        }
        assert_eq!(TaxRate::from_hundredths(10_001), None);
    }

    #[test]
    fn identities_have_bounds() {
        assert_eq!(Sku::parse("a b/ü").unwrap().as_str(), "a b/ü");
        assert!(Sku::parse(&"ü".repeat(255)).is_some());
        for text in ["", " a", "a ", "a\nb", &"a".repeat(256)] {
            assert_eq!(Sku::parse(text), None, "{text:?}");
        }
        assert_eq!(Currency::parse("EUR").unwrap().as_str(), "EUR");
        for text in ["", "EU", "EURO", "eur", "E R", "ÄU"] {
            assert_eq!(Currency::parse(text), None, "{text:?}");
        }
        assert_eq!(PriceMode::parse("NET_MODE"), Some(PriceMode::Net));
        assert_eq!(PriceMode::parse("net_mode"), None);
    }
}
