//! The demo catalogue, built in: with it a cart can be filled before a shop has said what it sells.

use domain::Product;

use crate::product_fields::{UnknownMembers, product_of_json};

/// One product a line, as `vestibule products import` reads them.
const LINES: &str = include_str!("demo.ndjson");

/// All of them.
pub(super) fn products() -> Vec<Product> {
    let read = |line: &str| product_of_json(line.as_bytes(), UnknownMembers::Told);
    LINES.lines().filter_map(|line| read(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Currency, Locale, PriceMode, UnitPrice};

    use super::*;

    #[test]
    fn every_line_is_a_product_of_its_own_that_has_a_name_in_both_languages() {
        let (german, english) = (Locale::parse("de_DE").unwrap(), Locale::parse("en_US").unwrap());
        let products = products();
        assert_eq!(products.len(), LINES.lines().count());
        for product in &products {
            assert!(product.names.contains_key(&german) && product.names.contains_key(&english), "{product:?}");
        }
        let skus: BTreeSet<_> = products.iter().map(|product| &product.offer.sku).collect();
        assert_eq!(skus.len(), products.len());
    }

    #[test]
    fn there_is_one_of_each_kind() {
        let (euro, franc) = (Currency::parse("EUR").unwrap(), Currency::parse("CHF").unwrap());
        for (sku, abstract_sku, gross, net, francs, tax, stock) in [
            ("001_25904006", "001", 9999, 8403, Some((11_499, 9663)), 1900, None),
            ("002_25904004", "002", 4550, 3824, Some((5233, 4397)), 1900, Some(10)),
            ("003_26138343", "003", 2500, 2336, None, 700, None),
            ("004_30663301", "004", 1995, 1676, Some((2294, 1928)), 1900, Some(0)),
            ("005_30663302", "005", 1, 1, Some((1, 1)), 0, None),
            ("006_27538823", "006", 123_456, 103_745, Some((141_974, 119_306)), 1900, Some(3)),
        ] {
            let product = products().into_iter().find(|product| product.offer.sku.as_str() == sku).unwrap();
            let offer = product.offer;
            assert_eq!(
                (offer.abstract_sku.as_str(), offer.tax_rate.hundredths(), offer.stock),
                (abstract_sku, tax, stock)
            );
            let price = |currency, mode| offer.price_in(currency, mode).map(|UnitPrice(cents)| cents);
            assert_eq!((price(euro, PriceMode::Gross), price(euro, PriceMode::Net)), (Some(gross), Some(net)), "{sku}");
            let found = price(franc, PriceMode::Gross).zip(price(franc, PriceMode::Net));
            assert_eq!(found, francs, "{sku}");
        }
    }
}
