//! A product as a file or another service tells it: named texts in, a [`Product`] out, or everything that is wrong with it.

use std::collections::BTreeMap;
use std::fmt;

use domain::{Currency, ImageUrl, Locale, Offer, Price, PriceMode, Product, ProductName, Sku, TaxRate, UnitPrice};
use serde_json::{Map, Value};

/// The longest JSON object that is read, in bytes: more than the largest product takes, each character as an escape.
pub const MAX_PRODUCT_BYTES: u64 = 262_144;

/// A field of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductField {
    /// The identity. It must be there.
    Sku,
    /// The product of which it is a variant. Empty: itself.
    AbstractSku,
    /// What it is called in a language.
    Name(Locale),
    /// What a piece costs, in cents.
    Price(PriceMode, Currency),
    /// How it is taxed, in percent. It must be there.
    TaxRate,
    /// Pieces that can be sold. Empty: as many as anybody wants.
    Stock,
    /// Where a picture is.
    Image,
}

impl ProductField {
    /// What columns of a CSV file are called, for whoever called one otherwise.
    pub const COLUMNS: [&str; 8] = [
        "concrete_sku",
        "abstract_sku",
        "name.de_DE",
        "price_gross.EUR",
        "price_net.EUR",
        "tax_rate",
        "stock",
        "image",
    ];
    /// The columns that must be there.
    pub const REQUIRED_COLUMNS: [&str; 2] = ["concrete_sku", "tax_rate"];

    /// The field that a column of a CSV file holds.
    pub fn of_column(column: &str) -> Option<Self> {
        match column.split_once('.') {
            None => match column {
                "concrete_sku" => Some(Self::Sku),
                "abstract_sku" => Some(Self::AbstractSku),
                "tax_rate" => Some(Self::TaxRate),
                "stock" => Some(Self::Stock),
                "image" => Some(Self::Image),
                _ => None,
            },
            Some(("name", locale)) => Locale::parse(locale).map(Self::Name),
            Some(("price_gross", currency)) => Currency::parse(currency).map(|it| Self::Price(PriceMode::Gross, it)),
            Some(("price_net", currency)) => Currency::parse(currency).map(|it| Self::Price(PriceMode::Net, it)),
            Some(_) => None,
        }
    }

    /// What its text must be.
    const fn rule(&self) -> &'static str {
        match self {
            Self::Sku | Self::AbstractSku => "must be 1 to 255 characters, on one line, without blanks around them",
            Self::Name(_) => "must be 1 to 255 characters, on one line",
            Self::Price(..) => "must be a whole number of cents, 0 to 4294967295",
            Self::TaxRate => "must be percent with two decimals at most, 0 to 100, such as 19 or 7.7",
            Self::Stock => "must be a whole number, 0 to 4294967295",
            Self::Image => "must begin with http:// or https:// and be 2000 ASCII characters at most, without blanks",
        }
    }

    fn write(&self, notation: Notation, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (notation, self) {
            (Notation::Columns, Self::Sku) => to.write_str("concrete_sku"),
            (Notation::Columns, Self::AbstractSku) => to.write_str("abstract_sku"),
            (Notation::Columns, Self::Name(locale)) => write!(to, "name.{locale}"),
            (Notation::Columns, Self::Price(PriceMode::Gross, currency)) => write!(to, "price_gross.{currency}"),
            (Notation::Columns, Self::Price(PriceMode::Net, currency)) => write!(to, "price_net.{currency}"),
            (Notation::Columns, Self::TaxRate) => to.write_str("tax_rate"),
            (Notation::Members, Self::Sku) => to.write_str("sku"),
            (Notation::Members, Self::AbstractSku) => to.write_str("abstractSku"),
            (Notation::Members, Self::Name(locale)) => write!(to, "names.{locale}"),
            (Notation::Members, Self::Price(PriceMode::Gross, currency)) => write!(to, "prices.{currency}.gross"),
            (Notation::Members, Self::Price(PriceMode::Net, currency)) => write!(to, "prices.{currency}.net"),
            (Notation::Members, Self::TaxRate) => to.write_str("taxRate"),
            (_, Self::Stock) => to.write_str("stock"),
            (_, Self::Image) => to.write_str("image"),
        }
    }
}

/// How fields are called where a product comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// Columns of a CSV file.
    Columns,
    /// Members of a JSON object.
    Members,
}

/// A field under the name that it has where the product comes from.
struct Named<'a>(Notation, &'a ProductField);

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.write(self.0, formatter)
    }
}

/// What becomes of members that a product does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    /// They are told: somebody has mistyped one.
    Told,
    /// They are passed over: a service may know more than is needed here.
    PassedOver,
}

/// A product of a row of a CSV file, whose columns hold these fields. An empty text is not given.
///
/// # Errors
///
/// Everything that is wrong, each with the name of its column. The texts quote nothing of the row.
pub fn product_of_row<'a>(
    columns: impl IntoIterator<Item = &'a ProductField>,
    texts: impl IntoIterator<Item = &'a str>,
) -> Result<Product, Vec<String>> {
    let mut reader = Reader::new(Notation::Columns);
    for (field, text) in columns.into_iter().zip(texts) {
        reader.read(field, text.trim());
    }
    reader.finish()
}

/// A product of a JSON object. What is `null` or an empty text is not given.
///
/// # Errors
///
/// Everything that is wrong, each with the name of its member. The texts quote no value.
pub fn product_of_json(json: &[u8], unknown: UnknownMembers) -> Result<Product, Vec<String>> {
    if u64::try_from(json.len()).is_ok_and(|length| length > MAX_PRODUCT_BYTES) {
        return Err(vec![format!("this is longer than {MAX_PRODUCT_BYTES} bytes")]);
    }
    let object = match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(vec!["this is not a JSON object".to_owned()]),
        Err(error) => return Err(vec![format!("this is not JSON, from column {} on", error.column())]),
    };
    let mut members = Members { reader: Reader::new(Notation::Members), unknown };
    members.read_product(&object);
    members.reader.finish()
}

/// Takes a JSON object apart.
struct Members {
    reader: Reader,
    unknown: UnknownMembers,
}

impl Members {
    fn read_product(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            match name.as_str() {
                "sku" => self.read_text(&ProductField::Sku, value),
                "abstractSku" => self.read_text(&ProductField::AbstractSku, value),
                "names" => self.read_object("names", value, Self::read_name),
                "prices" => self.read_object("prices", value, Self::read_price),
                "taxRate" => self.read_number(&ProductField::TaxRate, value),
                "stock" => self.read_number(&ProductField::Stock, value),
                "image" => self.read_text(&ProductField::Image, value),
                _ => self.pass(name, "sku, abstractSku, names, prices, taxRate, stock and image"),
            }
        }
    }

    fn read_name(&mut self, locale: &str, value: &Value) {
        match Locale::parse(locale) {
            Some(locale) => self.read_text(&ProductField::Name(locale), value),
            None => self.reader.refuse("the members of names must be locales such as de_DE".to_owned()),
        }
    }

    fn read_price(&mut self, currency: &str, value: &Value) {
        let Some(currency) = Currency::parse(currency) else {
            return self.reader.refuse("the members of prices must be currencies such as EUR".to_owned());
        };
        self.read_object(&format!("prices.{currency}"), value, |members, name, value| match name {
            "gross" => members.read_number(&ProductField::Price(PriceMode::Gross, currency), value),
            "net" => members.read_number(&ProductField::Price(PriceMode::Net, currency), value),
            _ => members.pass(name, "gross and net"),
        });
    }

    fn read_object(&mut self, name: &str, value: &Value, mut each: impl FnMut(&mut Self, &str, &Value)) {
        match value {
            Value::Null => {}
            Value::Object(object) => object.iter().for_each(|(name, value)| each(self, name, value)),
            _ => self.reader.refuse(format!("{name} must be an object")),
        }
    }

    fn read_text(&mut self, field: &ProductField, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.reader.read(field, text),
            _ => self.reader.refuse(format!("{} must be a text", Named(Notation::Members, field))),
        }
    }

    fn read_number(&mut self, field: &ProductField, value: &Value) {
        match value {
            Value::Null => {}
            Value::Number(number) => self.reader.read(field, &number.to_string()),
            _ => self.reader.refuse(format!("{} must be a number", Named(Notation::Members, field))),
        }
    }

    fn pass(&mut self, name: &str, known: &str) {
        if self.unknown == UnknownMembers::Told {
            // A long one is no name, but a value in the wrong place.
            let name = if name.len() <= 40 { format!(" `{}`", name.escape_debug()) } else { String::new() };
            self.reader.refuse(format!("unknown member{name}; known are {known}"));
        }
    }
}

/// Gathers the fields of one product and what is wrong with them.
struct Reader {
    notation: Notation,
    /// The fields that were given, right or wrong.
    given: Vec<ProductField>,
    problems: Vec<String>,
    sku: Option<Sku>,
    abstract_sku: Option<Sku>,
    names: BTreeMap<Locale, ProductName>,
    prices: BTreeMap<Currency, Price>,
    tax_rate: Option<TaxRate>,
    stock: Option<u32>,
    image: Option<ImageUrl>,
}

impl Reader {
    const fn new(notation: Notation) -> Self {
        Self {
            notation,
            given: Vec::new(),
            problems: Vec::new(),
            sku: None,
            abstract_sku: None,
            names: BTreeMap::new(),
            prices: BTreeMap::new(),
            tax_rate: None,
            stock: None,
            image: None,
        }
    }

    fn refuse(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn read(&mut self, field: &ProductField, text: &str) {
        if text.is_empty() {
            return;
        }
        let fits = match field {
            ProductField::Sku => keep(&mut self.sku, Sku::parse(text)),
            ProductField::AbstractSku => keep(&mut self.abstract_sku, Sku::parse(text)),
            ProductField::Name(locale) => {
                let name = ProductName::parse(text);
                name.map(|name| self.names.insert(locale.clone(), name)).is_some()
            }
            ProductField::Price(mode, currency) => {
                let price =
                    self.prices.entry(*currency).or_insert(Price { currency: *currency, gross: None, net: None });
                let slot = match mode {
                    PriceMode::Gross => &mut price.gross,
                    PriceMode::Net => &mut price.net,
                };
                keep(slot, parse_whole(text).map(UnitPrice))
            }
            ProductField::TaxRate => keep(&mut self.tax_rate, parse_percent(text)),
            ProductField::Stock => keep(&mut self.stock, parse_whole(text)),
            ProductField::Image => keep(&mut self.image, ImageUrl::parse(text)),
        };
        if !fits {
            self.refuse(format!("{} {}", Named(self.notation, field), field.rule()));
        }
        self.given.push(field.clone());
    }

    fn finish(mut self) -> Result<Product, Vec<String>> {
        for field in [ProductField::Sku, ProductField::TaxRate] {
            if !self.given.contains(&field) {
                self.refuse(format!("{} is missing", Named(self.notation, &field)));
            }
        }
        if !self.given.iter().any(|field| matches!(field, ProductField::Price(..))) {
            self.refuse("there must be a price, gross or net, in at least one currency".to_owned());
        }
        if self.prices.len() > Product::MAX_CURRENCIES {
            self.refuse(format!("there must be prices in {} currencies at most", Product::MAX_CURRENCIES));
        }
        if self.names.len() > Product::MAX_NAMES {
            self.refuse(format!("there must be names in {} locales at most", Product::MAX_NAMES));
        }
        match (self.sku, self.tax_rate) {
            (Some(sku), Some(tax_rate)) if self.problems.is_empty() => Ok(Product {
                offer: Offer {
                    abstract_sku: self.abstract_sku.unwrap_or_else(|| sku.clone()),
                    sku,
                    tax_rate,
                    stock: self.stock,
                    prices: self.prices.into_values().collect(),
                },
                names: self.names,
                image: self.image,
            }),
            _ => Err(self.problems),
        }
    }
}

/// Whether there was a value to keep.
fn keep<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn parse_whole(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Reads `19`, `7.7` or `7.75`.
fn parse_percent(text: &str) -> Option<TaxRate> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !(1..=3).contains(&whole.len()) || !(1..=2).contains(&part.len()) {
        return None;
    }
    let tenths = if part.len() == 1 { 10 } else { 1 };
    let hundredths = parse_whole(whole)? * 100 + parse_whole(part)? * tenths;
    TaxRate::from_hundredths(u16::try_from(hundredths).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const COLUMNS: [&str; 11] = [
        "concrete_sku",
        "abstract_sku",
        "name.de_DE",
        "name.en_US",
        "price_gross.EUR",
        "price_net.EUR",
        "price_gross.CHF",
        "price_net.CHF",
        "tax_rate",
        "stock",
        "image",
    ];

    fn of_row(row: [&str; 11]) -> Result<Product, Vec<String>> {
        let fields = COLUMNS.map(|column| ProductField::of_column(column).unwrap());
        product_of_row(&fields, row)
    }

    fn of_json(json: &Value) -> Result<Product, Vec<String>> {
        product_of_json(json.to_string().as_bytes(), UnknownMembers::Told)
    }

    /// A product as one object, in which a test changes something.
    fn camera() -> Value {
        json!({
            "sku": "001_25904006",
            "abstractSku": "001",
            "names": { "de_DE": "Kamera", "en_US": "Camera" },
            "prices": { "EUR": { "gross": 9999, "net": 8403 }, "CHF": { "gross": 11_499 } },
            "taxRate": 7.7,
            "stock": 10,
            "image": "https://cdn.example/001.png",
        })
    }

    #[test]
    fn a_row_and_an_object_tell_the_same_product() {
        let image = "https://cdn.example/001.png";
        let row = ["001_25904006", "001", "Kamera", "Camera", "9999", "8403", "11499", "", "7.7", "10", image];
        let product = of_row(row).unwrap();
        assert_eq!(Ok(&product), of_json(&camera()).as_ref());
        assert_eq!((product.offer.sku.as_str(), product.offer.abstract_sku.as_str()), ("001_25904006", "001"));
        assert_eq!((product.offer.tax_rate.hundredths(), product.offer.stock), (770, Some(10)));
        let [franc, euro] = *product.offer.prices else { panic!("{product:?}") };
        assert_eq!((franc.gross, franc.net), (Some(UnitPrice(11_499)), None));
        assert_eq!((euro.gross, euro.net), (Some(UnitPrice(9999)), Some(UnitPrice(8403))));
        let names: Vec<_> = product.names.iter().map(|(locale, name)| (locale.as_str(), name.as_str())).collect();
        assert_eq!(names, [("de_DE", "Kamera"), ("en_US", "Camera")]);
        assert_eq!(product.image.unwrap().as_str(), image);
    }

    #[test]
    fn little_is_enough() {
        let bare = of_row([" a ", "", " ", "", "", "", "", "1", "0", "", ""]).unwrap();
        assert_eq!((bare.offer.sku.as_str(), bare.offer.abstract_sku.as_str()), ("a", "a"));
        assert_eq!((bare.offer.stock, bare.names.len(), bare.image.is_some()), (None, 0, false));
        let same = [
            json!({ "sku": "a", "prices": { "CHF": { "net": 1 } }, "taxRate": 0 }),
            json!({ "sku": "a", "abstractSku": null, "names": null, "prices": { "EUR": null, "CHF": { "gross": null, "net": 1 } },
                "taxRate": 0.0, "stock": null, "image": null }),
            json!({ "sku": "a", "abstractSku": "", "names": { "de_DE": "" }, "prices": { "EUR": {}, "CHF": { "net": 1 } },
                "taxRate": 0, "image": "" }),
        ];
        for json in same {
            assert_eq!(of_json(&json).as_ref(), Ok(&bare), "{json}");
        }
    }

    #[test]
    fn each_column_has_its_rule() {
        let right = ["a", "b", "Kamera", "Camera", "1", "2", "3", "4", "19", "5", "https://a/b"];
        let long = "ü".repeat(256);
        let wrong: [(&str, &[&str]); 11] = [
            ("concrete_sku", &["", "a\u{7}b", &long]),
            ("abstract_sku", &["a\nb", &long]),
            ("name.de_DE", &["two\nlines", &long]),
            ("name.en_US", &["\u{0}", &long]),
            ("price_gross.EUR", &["99.99", "99,99", "-1", "+1", "1e3", "4294967296", "€ 5", "٣"]),
            ("price_net.EUR", &["x", "99999999999999999999999"]),
            ("price_gross.CHF", &["0x10"]),
            ("price_net.CHF", &["1 000"]),
            ("tax_rate", &["", "19%", "7,7", "100.01", "101", "-1", "+7", "7.", ".7", "7.777", "1e1", "0019", "7.7.7"]),
            ("stock", &["-1", "1.5", "many", "4294967296"]),
            ("image", &["a.png", "//a/b", "javascript:alert(1)", "https://a/b c", "ftp://a/b"]),
        ];
        for ((column, texts), index) in wrong.into_iter().zip(0..) {
            assert_eq!(COLUMNS[index], column);
            for text in texts {
                let mut row = right;
                row[index] = text;
                let found = of_row(row).unwrap_err();
                assert!(matches!(&*found, [one] if one.starts_with(column)), "{column} {text:?}: {found:?}");
                assert!(text.len() < 8 || !found.concat().contains(text), "the value is quoted: {found:?}");
            }
        }
        for (tax_rate, hundredths) in [("0", 0), ("19", 1900), ("7.7", 770), ("7.07", 707), ("100.00", 10_000)] {
            let mut row = right;
            row[8] = tax_rate;
            assert_eq!(of_row(row).unwrap().offer.tax_rate.hundredths(), hundredths, "{tax_rate}");
        }
        let mut row = right;
        row[4..8].fill("");
        assert_eq!(of_row(row).unwrap_err(), ["there must be a price, gross or net, in at least one currency"]);
    }

    #[test]
    fn each_member_has_its_rule() {
        let cases: [(&str, &[Value]); 8] = [
            ("/sku", &[json!(null), json!(""), json!(7), json!(" a"), json!("a\n"), json!(["a"])]),
            ("/abstractSku", &[json!(7), json!(true)]),
            ("/names", &[json!([]), json!("Kamera"), json!({ "de": "Kamera" }), json!({ "de_DE": 7 })]),
            ("/prices", &[json!([]), json!(null), json!({}), json!({ "eur": { "gross": 1 } }), json!({ "EUR": 1 })]),
            ("/prices/EUR", &[json!({ "brutto": 1 }), json!(9999), json!({ "gross": "1" }), json!({ "net": 0.5 })]),
            ("/taxRate", &[json!(null), json!("19"), json!(19.555), json!(-1), json!(1e9), json!(1e-9)]),
            ("/stock", &[json!("10"), json!(-1), json!(1.5), json!(4_294_967_296_u64), json!(true)]),
            ("/image", &[json!("a.png"), json!({}), json!(1)]),
        ];
        for (pointer, values) in cases {
            for value in values {
                let mut json = camera();
                *json.pointer_mut(pointer).unwrap() = value.clone();
                let found = of_json(&json).unwrap_err();
                let name = pointer[1..].replace('/', ".");
                let named = |problem: &String| {
                    problem.contains(&name)
                        || name.starts_with("prices") && problem.contains("price")
                        || name.starts_with("prices") && problem.contains("known are gross and net")
                };
                assert!(found.iter().all(named), "{pointer} {value}: {found:?}");
            }
        }
        for (json, problem) in [
            (&b"{oh"[..], "this is not JSON"),
            (b"", "this is not JSON"),
            (b"[]", "this is not a JSON object"),
            (b"{\"sku\":\"\xff\"}", "this is not JSON"),
        ] {
            let found = product_of_json(json, UnknownMembers::PassedOver).unwrap_err();
            assert!(found.concat().starts_with(problem), "{found:?}");
        }
        let found = product_of_json(&vec![b' '; 262_145], UnknownMembers::PassedOver).unwrap_err();
        assert_eq!(found, ["this is longer than 262144 bytes"]);
    }

    #[test]
    fn unknown_members_are_told_or_passed_over() {
        let mut json = camera();
        json["stok"] = json!(3);
        json["prices"]["EUR"]["list"] = json!(3);
        let found = of_json(&json).unwrap_err();
        assert!(matches!(&*found, [one, two] if one.contains("`list`") && two.contains("`stok`")), "{found:?}");
        let passed = product_of_json(json.to_string().as_bytes(), UnknownMembers::PassedOver);
        assert_eq!(passed, of_json(&camera()));
        json["x".repeat(41)] = json!(3);
        assert!(of_json(&json).unwrap_err().concat().contains("unknown member;"));
    }

    #[test]
    fn a_product_has_so_many_names_and_prices_at_most() {
        let letter = |index: usize| char::from(b'A' + u8::try_from(index % 26).unwrap());
        let code = |index: usize| format!("{}{}", letter(index / 26), letter(index));
        for (names, currencies, problems) in [(50, 20, 0), (51, 20, 1), (50, 21, 1), (51, 21, 2)] {
            let mut json = camera();
            json["names"] = (0..names).map(|index| (format!("de_{}", code(index)), json!("Kamera"))).collect();
            json["prices"] = (0..currencies).map(|index| (format!("E{}", code(index)), json!({ "net": 1 }))).collect();
            assert_eq!(of_json(&json).err().unwrap_or_default().len(), problems, "{names} {currencies}");
        }
    }

    #[test]
    fn the_longest_product_fits() {
        let letter = |index: usize| char::from(b'A' + u8::try_from(index % 26).unwrap());
        let escapes = |count: usize| "\\ud83d\\ude00".repeat(count);
        let names: Vec<_> = (0..50)
            .map(|index| format!("\"de_{}{}\":\"{}\"", letter(index / 26), letter(index), escapes(255)))
            .collect();
        let prices: Vec<_> = (0..20)
            .map(|index| format!("\"EU{}\":{{\"gross\":4294967295,\"net\":4294967295}}", letter(index)))
            .collect();
        let json = format!(
            "{{\"sku\":\"{}\",\"abstractSku\":\"{}\",\"names\":{{{}}},\"prices\":{{{}}},\"taxRate\":99.99,\"stock\":4294967295}}",
            escapes(255),
            escapes(255),
            names.join(","),
            prices.join(","),
        );
        let product = product_of_json(json.as_bytes(), UnknownMembers::Told).unwrap();
        assert_eq!((product.names.len(), product.offer.prices.len()), (50, 20));
    }

    #[test]
    fn the_names_of_columns_are_those_that_are_read() {
        for column in ProductField::COLUMNS.into_iter().chain(COLUMNS) {
            let field = ProductField::of_column(column).unwrap();
            assert_eq!(Named(Notation::Columns, &field).to_string(), column);
        }
        for required in ProductField::REQUIRED_COLUMNS {
            assert!(ProductField::COLUMNS.contains(&required), "{required}");
        }
        for wrong in
            ["", "sku", "name", "name.", "name.de", "price", "price.EUR", "price_net.eur", "stock.EUR", "Image"]
        {
            assert_eq!(ProductField::of_column(wrong), None, "{wrong}");
        }
    }

    prop_compose! {
        fn any_price()(gross in option::of(any::<u32>()), net in any::<u32>(), has_net in any::<bool>()) -> (Option<u32>, Option<u32>) {
            (gross, (has_net || gross.is_none()).then_some(net))
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            sku in "[!-~]([ -~\u{e4}\u{4e16}]{0,40}[!-~])?",
            names in btree_map("[a-z]{2}_[A-Z]{2}", "[!-~][ -~]{0,50}[!-~]", 0..5),
            prices in btree_map("[A-Z]{3}", any_price(), 1..5),
            tax in 0_u16..=10_000,
            stock in option::of(any::<u32>()),
        ) {
            let percent = format!("{}.{:02}", tax / 100, tax % 100);
            let mut columns = vec![ProductField::Sku, ProductField::TaxRate, ProductField::Stock];
            let mut texts = vec![sku.clone(), percent, stock.map(|stock| stock.to_string()).unwrap_or_default()];
            for (locale, name) in &names {
                columns.push(ProductField::of_column(&format!("name.{locale}")).unwrap());
                texts.push(name.clone());
            }
            for (currency, (gross, net)) in &prices {
                for (column, cents) in [("gross", gross), ("net", net)] {
                    columns.push(ProductField::of_column(&format!("price_{column}.{currency}")).unwrap());
                    texts.push(cents.map(|cents| cents.to_string()).unwrap_or_default());
                }
            }
            let of_row = product_of_row(&columns, texts.iter().map(String::as_str)).unwrap();
            prop_assert_eq!((of_row.offer.sku.as_str(), of_row.offer.tax_rate.hundredths()), (sku.as_str(), tax));
            let prices: Map<String, Value> = prices
                .iter()
                .map(|(currency, (gross, net))| (currency.clone(), json!({ "gross": gross, "net": net })))
                .collect();
            let json = json!({
                "sku": sku, "names": names, "prices": prices, "taxRate": f64::from(tax) / 100.0, "stock": stock,
            });
            prop_assert_eq!(of_json(&json).unwrap(), of_row);
        }

        #[test]
        fn nothing_that_is_read_panics(bytes in vec(any::<u8>(), 0..200), texts in vec(".{0,12}", 11)) {
            let _ = product_of_json(&bytes, UnknownMembers::Told);
            let fields = COLUMNS.map(|column| ProductField::of_column(column).unwrap());
            let _ = product_of_row(&fields, texts.iter().map(String::as_str));
        }
    }
}
