//! What can be bought, and how it comes in.

use std::sync::{Arc, Mutex};

use crate::common::{START, TestStore, after, at_once, on_both_engines};
use domain::{Currency, ImageUrl, Locale, Offer, Price, Product, ProductName, Sku, TaxRate, UnitPrice};
use store::{Absent, ProductChanges};

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn price(currency: &str, gross: Option<u32>, net: Option<u32>) -> Price {
    Price { currency: Currency::parse(currency).unwrap(), gross: gross.map(UnitPrice), net: net.map(UnitPrice) }
}

/// A product with a price, a name and nothing else.
fn product(text: &str) -> Product {
    Product {
        offer: Offer {
            sku: sku(text),
            abstract_sku: sku(text),
            tax_rate: TaxRate::from_hundredths(1900).unwrap(),
            stock: None,
            prices: vec![price("EUR", Some(119), Some(100))],
        },
        names: [(Locale::parse("de_DE").unwrap(), ProductName::parse("Kamera").unwrap())].into(),
        image: None,
    }
}

/// A product with all that one can have, at the bounds.
fn full(text: &str) -> Product {
    let name = |locale: &str, name: &str| (Locale::parse(locale).unwrap(), ProductName::parse(name).unwrap());
    Product {
        offer: Offer {
            sku: sku(text),
            abstract_sku: sku("abstract"),
            tax_rate: TaxRate::from_hundredths(10_000).unwrap(),
            stock: Some(u32::MAX),
            prices: vec![
                price("CHF", None, Some(u32::MAX)),
                price("EUR", Some(u32::MAX), Some(0)),
                price("USD", Some(0), None),
            ],
        },
        names: [name("de_DE", "Kamera, „groß“"), name("en_US", &"ü".repeat(255))].into(),
        image: ImageUrl::parse("https://cdn.example/a.png?x=1"),
    }
}

async fn import(store: &TestStore, products: Vec<Product>, absent: Absent) -> ProductChanges {
    store.import_products(products, absent, after(5), |_, _| ()).await.unwrap()
}

async fn compare(store: &TestStore, products: Vec<Product>, absent: Absent) -> ProductChanges {
    store.compare_products(products, absent, |_, _| ()).await.unwrap()
}

const fn changes(added: usize, changed: usize, unchanged: usize, removed: usize) -> ProductChanges {
    ProductChanges { added, changed, unchanged, removed }
}

/// Everything that is stored of products, but for their numbers.
fn stored(store: &TestStore) -> Vec<String> {
    let number = |column: &str| format!("coalesce(CAST({column} AS TEXT), '-')");
    let product = format!(
        "SELECT products.sku || ' ' || abstract_sku || ' ' || {} || ' ' || {} || ' ' || coalesce(image, '-') || ' ' || \
         CASE WHEN is_demo THEN 'demo' ELSE 'real' END AS value FROM products ORDER BY sku",
        number("tax_rate"),
        number("stock"),
    );
    let prices = format!(
        "SELECT sku || ' ' || currency || ' ' || {} || ' ' || {} AS value \
         FROM product_prices JOIN products ON products.id = product_id ORDER BY sku, currency",
        number("gross"),
        number("net"),
    );
    let names = "SELECT sku || ' ' || locale || ' ' || name AS value \
                 FROM product_names JOIN products ON products.id = product_id ORDER BY sku, locale";
    [product.as_str(), &prices, names].into_iter().flat_map(|sql| store.texts(sql)).collect()
}

fn skus(store: &TestStore) -> Vec<String> {
    store.texts("SELECT sku AS value FROM products ORDER BY sku")
}

on_both_engines! {
    async fn an_offer_is_found_as_it_was_imported(store: &TestStore) {
        let products = [full("full \u{fc}/1"), product("plain")];
        assert_eq!(import(store, products.to_vec(), Absent::Kept).await, changes(2, 0, 0, 0));
        for product in &products {
            let mut found = store.find_offer(&product.offer.sku).await.unwrap().unwrap();
            found.prices.sort_by_key(|price| price.currency);
            assert_eq!(found, product.offer);
        }
        for unknown in ["PLAIN", "plain1", "plai"] {
            assert_eq!(store.find_offer(&sku(unknown)).await.unwrap(), None, "{unknown}");
        }
    }

    async fn many_offers_are_found_at_once(store: &TestStore) {
        assert_eq!(store.find_offers(Vec::new()).await.unwrap(), []);
        let products: Vec<_> = (0..1200).map(|number| full(&format!("p{number}"))).collect();
        import(store, products.clone(), Absent::Kept).await;
        let wanted: Vec<_> = (0..1000).rev().map(|number| sku(&format!("p{number}"))).chain([sku("nothing")]).collect();
        let mut found = store.find_offers(wanted).await.unwrap();
        assert_eq!(found.len(), 1000);
        found.sort_by_key(|offer| offer.sku.as_str()[1..].parse::<u32>().unwrap());
        for (mut offer, product) in found.into_iter().zip(products) {
            offer.prices.sort_by_key(|price| price.currency);
            assert_eq!(offer, product.offer);
        }
        // A product that lost its prices behind the store's back is one that nobody can buy.
        store.execute("DELETE FROM product_prices");
        let bare = store.find_offers(vec![sku("p1"), sku("p2")]).await.unwrap();
        assert!(bare.len() == 2 && bare.iter().all(|offer| offer.prices.is_empty()), "{bare:?}");
    }

    async fn an_import_replaces_products_whole_and_leaves_alone_what_is_as_it_was(store: &TestStore) {
        import(store, vec![full("a"), product("b"), product("c")], Absent::Kept).await;
        let id = |sku: &str| store.number(&format!("SELECT id AS value FROM products WHERE sku = '{sku}'"));
        let (a, b) = (id("a"), id("b"));
        let mut b_in_other_order = product("b");
        b_in_other_order.offer.prices = vec![price("EUR", Some(119), Some(100))];
        let again = vec![product("a"), b_in_other_order, product("d")];
        let moved = store.import_products(again, Absent::Kept, after(50), |_, _| ()).await.unwrap();
        assert_eq!(moved, changes(1, 1, 1, 0));
        assert_eq!((id("a"), id("b")), (a, b));
        let expected: Vec<_> = ["a", "b", "c", "d"].map(|sku| format!("{sku} {sku} 1900 - - real")).into();
        let prices = ["a", "b", "c", "d"].map(|sku| format!("{sku} EUR 119 100"));
        let names = ["a", "b", "c", "d"].map(|sku| format!("{sku} de_DE Kamera"));
        assert_eq!(stored(store), [expected, prices.into(), names.into()].concat());
        let changed = format!("SELECT sku AS value FROM products WHERE updated_at = {} ORDER BY sku", after(50).as_micros());
        assert_eq!(store.texts(&changed), ["a", "d"]);
    }

    async fn each_part_of_a_product_counts_as_a_change(store: &TestStore) {
        import(store, vec![full("a")], Absent::Kept).await;
        let mut reordered = full("a");
        reordered.offer.prices.reverse();
        assert_eq!(import(store, vec![reordered], Absent::Kept).await, changes(0, 0, 1, 0));
        let steps: [fn(&mut Product); 9] = [
            |product| product.offer.abstract_sku = sku("other"),
            |product| product.offer.tax_rate = TaxRate::from_hundredths(0).unwrap(),
            |product| product.offer.stock = Some(0),
            |product| product.offer.stock = None,
            |product| _ = product.offer.prices.pop(),
            |product| product.offer.prices[0].gross = Some(UnitPrice(1)),
            |product| product.offer.prices[0].net = None,
            |product| product.names.clear(),
            |product| product.image = None,
        ];
        let mut product = full("a");
        for (number, step) in steps.into_iter().enumerate() {
            step(&mut product);
            assert_eq!(compare(store, vec![product.clone()], Absent::Kept).await, changes(0, 1, 0, 0), "{number}");
            assert_eq!(import(store, vec![product.clone()], Absent::Kept).await, changes(0, 1, 0, 0), "{number}");
            assert_eq!(import(store, vec![product.clone()], Absent::Kept).await, changes(0, 0, 1, 0), "{number}");
            assert_eq!(store.find_offer(&sku("a")).await.unwrap().unwrap(), product.offer, "{number}");
        }
    }

    async fn what_the_file_does_not_have_stays_or_goes(store: &TestStore) {
        import(store, vec![product("a"), product("b"), product("c")], Absent::Kept).await;
        assert_eq!(import(store, vec![product("b")], Absent::Kept).await, changes(0, 0, 1, 0));
        assert_eq!(skus(store), ["a", "b", "c"]);
        assert_eq!(import(store, vec![product("b"), product("d")], Absent::Removed).await, changes(1, 0, 1, 2));
        assert_eq!(skus(store), ["b", "d"]);
        assert_eq!(store.number("SELECT count(*) AS value FROM product_prices"), 2);
        assert_eq!(store.number("SELECT count(*) AS value FROM product_names"), 2);
    }

    async fn a_rehearsal_tells_the_same_and_writes_nothing(store: &TestStore) {
        store.insert_demo_products(vec![product("demo"), product("b")], START).await.unwrap();
        for absent in [Absent::Kept, Absent::Removed] {
            let products = vec![product("a"), full("b")];
            let before = stored(store);
            let told = compare(store, products.clone(), absent).await;
            assert_eq!(told, changes(1, 1, 0, 1));
            assert_eq!(stored(store), before);
            if absent == Absent::Removed {
                assert_eq!(import(store, products, absent).await, told);
            }
        }
    }

    async fn the_demo_goes_when_the_first_product_comes(store: &TestStore) {
        let demo = vec![full("a"), full("b")];
        assert_eq!(store.insert_demo_products(demo.clone(), START).await.unwrap(), 2);
        assert!(store.find_offer(&sku("a")).await.unwrap().is_some());
        assert_eq!(store.insert_demo_products(demo.clone(), START).await.unwrap(), 0);
        // One that is the same but for being a demo is the shop's from now on.
        assert_eq!(import(store, vec![full("b"), product("c")], Absent::Kept).await, changes(1, 1, 0, 1));
        assert_eq!(skus(store), ["b", "c"]);
        assert_eq!(store.number("SELECT count(*) AS value FROM products WHERE is_demo"), 0);
        assert_eq!(store.insert_demo_products(demo, START).await.unwrap(), 0);
        assert_eq!(skus(store), ["b", "c"]);
    }

    async fn of_many_nodes_that_insert_the_demo_at_once_one_does(store: &TestStore) {
        let inserted = at_once(8, |_| {
            let store = store.store.clone();
            let demo = (0..20).map(|number| full(&format!("p{number}"))).collect();
            async move { store.insert_demo_products(demo, START).await.unwrap() }
        })
        .await;
        assert_eq!(inserted.iter().sum::<usize>(), 20, "{inserted:?}");
        assert_eq!(store.number("SELECT count(*) AS value FROM products"), 20);
    }

    async fn imports_at_once_come_one_after_the_other(store: &TestStore) {
        let outcomes = at_once(6, |number| {
            let store = store.store.clone();
            let mut products: Vec<_> = (0..30).map(|index| product(&format!("p{index}"))).collect();
            products.push(product(&format!("own{number}")));
            if number % 2 == 0 {
                products.reverse();
            }
            async move { store.import_products(products, Absent::Removed, START, |_, _| ()).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().map(|changes| changes.added).sum::<usize>(), 36, "{outcomes:?}");
        assert_eq!(outcomes.iter().map(|changes| changes.removed).sum::<usize>(), 5, "{outcomes:?}");
        assert_eq!(skus(store).len(), 31);
    }

    async fn more_than_one_statement_takes_are_written_and_progress_is_told(store: &TestStore) {
        let products = |tax: u16| -> Vec<Product> {
            let tax_rate = TaxRate::from_hundredths(tax).unwrap();
            (0..1300)
                .map(|number| {
                    let mut product = full(&format!("p{number}"));
                    product.offer.tax_rate = tax_rate;
                    product
                })
                .collect()
        };
        let told = Arc::new(Mutex::new(Vec::new()));
        let progress = {
            let told = Arc::clone(&told);
            move |done, of| told.lock().unwrap().push((done, of))
        };
        let added = store.import_products(products(1), Absent::Kept, START, progress.clone()).await.unwrap();
        assert_eq!(added, changes(1300, 0, 0, 0));
        assert_eq!(*told.lock().unwrap(), [(500, 1300), (1000, 1300), (1300, 1300)]);
        assert_eq!(import(store, products(2), Absent::Kept).await, changes(0, 1300, 0, 0));
        told.lock().unwrap().clear();
        let same = store.compare_products(products(2), Absent::Kept, progress).await.unwrap();
        assert_eq!(same, changes(0, 0, 1300, 0));
        assert_eq!(*told.lock().unwrap(), [(500, 1300), (1000, 1300), (1300, 1300)]);
        assert_eq!(store.number("SELECT count(*) AS value FROM product_prices"), 3900);
        assert_eq!(store.number("SELECT count(*) AS value FROM product_names"), 2600);
        assert_eq!(import(store, vec![product("one")], Absent::Removed).await, changes(1, 0, 0, 1300));
    }

    async fn an_import_that_fails_leaves_everything_as_it_was(store: &TestStore) {
        store.insert_demo_products(vec![product("demo")], START).await.unwrap();
        let before = stored(store);
        // Two prices in one currency: the database refuses the second, after another chunk has been written.
        let mut products: Vec<_> = (0..600).map(|number| product(&format!("p{number}"))).collect();
        let mut broken = product("broken");
        broken.offer.prices.push(price("EUR", Some(1), None));
        products.push(broken);
        assert!(store.import_products(products, Absent::Kept, START, |_, _| ()).await.is_err());
        assert_eq!(stored(store), before);
    }

    async fn a_stored_value_that_cannot_be_read_is_not_taken_for_another(store: &TestStore) {
        import(store, vec![product("a")], Absent::Kept).await;
        store.execute("UPDATE product_prices SET gross = 4294967296");
        let error = store.find_offer(&sku("a")).await.unwrap_err().to_string();
        assert_eq!(error, "product_prices.gross holds a value that cannot be read");
        assert!(store.find_offers(vec![sku("a")]).await.is_err());
    }
}
