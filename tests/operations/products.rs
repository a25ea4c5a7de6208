//! What the shop sells: brought along by `vestibule products import`, built in, or known to another service.

use std::fs;

use serde_json::{Value, json};
use testkit::{
    Answer, CAMERA, CatalogueService, Engine, Finished, Gateway, GatewayBuilder, STICKER, add_guest_item,
    on_both_databases,
};

on_both_databases! {
    scenarios: [
        products_come_from_a_csv_file, products_come_from_a_json_object_a_line, a_dry_run_writes_nothing,
        nothing_is_written_of_a_wrong_file, files_are_checked_first, products_that_are_not_there_any_more,
        the_demo_catalogue, another_service_knows_the_products, another_service_is_of_no_help,
    ]
}

const CSV: &str = "\u{feff}concrete_sku,abstract_sku,name.de_DE,name.en_US,price_gross.EUR,price_net.EUR,price_gross.CHF,\
                   tax_rate,stock,image\r\n\
                   tea-1,tea,\"Tee, grün\",Green tea,1190,1000,1290,19,2,https://cdn.example/tea.png\r\n\
                   \r\n\
                   cup-1,,Tasse,Cup,500,,,7.7,,\r\n";

/// Runs the command on the database of that gateway.
async fn run(gateway: &Gateway, engine: Engine, name: &str, content: &str, options: &[&str]) -> Finished {
    let file = gateway.folder().join(name);
    fs::write(&file, content).unwrap();
    let arguments = [&["products", "import", file.to_str().unwrap()], options].concat();
    Gateway::on(engine).database(&gateway.database()).run(&arguments).await
}

fn says(finished: &Finished, fragments: &[&str]) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for fragment in fragments {
        assert!(finished.output.contains(fragment), "no {fragment:?} in {finished:?}");
    }
}

fn refuses(finished: &Finished, fragments: &[&str]) {
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    for fragment in fragments {
        assert!(finished.output.contains(fragment), "no {fragment:?} in {finished:?}");
    }
}

/// What comes of it when a new guest puts pieces of a product into their cart.
async fn add(gateway: &Gateway, guest: &str, sku: &str, quantity: u64) -> Answer {
    gateway.send(&add_guest_item(guest, sku, quantity)).await
}

async fn is_sold(gateway: &Gateway, sku: &str) -> bool {
    let answer = add(gateway, &format!("guest who looks for {sku}"), sku, 1).await;
    match answer.status {
        201 => true,
        422 => {
            assert_eq!(answer.text("/errors/0/detail"), format!("Product \"{sku}\" not found"));
            false
        }
        _ => panic!("{answer:?}"),
    }
}

/// The first line of the cart that came back, with its totals.
fn gross_total(answer: &Answer) -> Value {
    answer.json().pointer("/data/attributes/totals/grandTotal").cloned().unwrap()
}

/// Rows about products, of all tables that hold them.
fn products(gateway: &Gateway) -> Vec<String> {
    let dump = gateway.database().dump();
    dump.lines().filter(|line| line.starts_with("product")).map(str::to_owned).collect()
}

async fn products_come_from_a_csv_file(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    assert!(is_sold(&gateway, CAMERA).await);
    let imported = run(&gateway, engine, "products.csv", CSV, &[]).await;
    says(&imported, &["2 products imported: 2 added, 0 changed, 0 unchanged, 11 removed"]);

    let added = add(&gateway, "mira", "tea-1", 2).await.expect_status(201);
    assert_eq!(gross_total(&added), json!(2380));
    let too_many = add(&gateway, "tom", "tea-1", 3).await.expect_status(422);
    assert_eq!(too_many.text("/errors/0/detail"), "Product \"tea-1\" is only available in a quantity of 2");
    assert!(is_sold(&gateway, "cup-1").await);
    for gone in ["tea", "TEA-1", CAMERA] {
        assert!(!is_sold(&gateway, gone).await, "{gone}");
    }
    let stored = products(&gateway).join("\n");
    for fragment in ["Tee, grün", "Green tea", "Tasse", "https://cdn.example/tea.png"] {
        assert!(stored.contains(fragment), "no {fragment} in {stored}");
    }

    // A running gateway sells by the new prices at once.
    let cheaper = CSV.replace("1190,1000", "600,504");
    let again = run(&gateway, engine, "PRODUCTS.CSV", &cheaper, &[]).await;
    says(&again, &["2 products imported: 0 added, 1 changed, 1 unchanged, 0 removed"]);
    let added = add(&gateway, "noor", "tea-1", 1).await.expect_status(201);
    assert_eq!(gross_total(&added), json!(600));
}

async fn products_come_from_a_json_object_a_line(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let tea = json!({
        "sku": "tea-1", "abstractSku": "tea", "names": { "de_DE": "Tee, grün" }, "taxRate": 19, "stock": null,
        "prices": { "EUR": { "gross": 1190, "net": 1000 }, "CHF": { "gross": 1290 } }, "image": "https://cdn.example/tea.png",
    });
    let cup = json!({ "sku": "cup/1", "taxRate": 7.7, "prices": { "EUR": { "gross": 500 } } });
    for (name, counts) in [
        ("products.ndjson", "2 added, 0 changed, 0 unchanged, 11 removed"),
        ("products.jsonl", "0 added, 0 changed, 2 unchanged, 0 removed"),
    ] {
        says(&run(&gateway, engine, name, &format!("{tea}\r\n\n{cup}"), &[]).await, &[counts]);
    }
    for sku in ["tea-1", "cup/1"] {
        assert!(is_sold(&gateway, sku).await, "{sku}");
    }
}

async fn a_dry_run_writes_nothing(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let before = gateway.database().dump_but_budgets();
    let tried = run(&gateway, engine, "products.csv", CSV, &["--dry-run"]).await;
    says(&tried, &["2 products in order", "2 would be added", "11 removed", "nothing was written"]);
    let wrong = run(&gateway, engine, "products.csv", &CSV.replace("7.7", "7.77777"), &["--dry-run"]).await;
    refuses(&wrong, &["line 4: tax_rate", "nothing was imported"]);
    assert_eq!(gateway.database().dump_but_budgets(), before);

    says(&run(&gateway, engine, "products.csv", CSV, &[]).await, &["2 added"]);
    let fewer: String =
        CSV.replace("Tasse", "Becher").lines().filter(|line| !line.starts_with("tea")).collect::<Vec<_>>().join("\n");
    let before = gateway.database().dump_but_budgets();
    let tried = run(&gateway, engine, "products.csv", &fewer, &["--dry-run", "--replace"]).await;
    says(&tried, &["1 products in order: 0 would be added, 1 changed, 0 unchanged, 1 removed"]);
    assert_eq!(gateway.database().dump_but_budgets(), before);
}

async fn nothing_is_written_of_a_wrong_file(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let before = gateway.database().dump_but_budgets();
    let csv = format!(
        "{CSV}two,,\"line\nbreak\",,12.50,x,-1,19 %,some,cdn.example/a.png\n\
         ,,,,,,,,,\n\
         tea-1,,,,1,,,0,,\n\
         only,three,fields\n"
    );
    let finished = run(&gateway, engine, "products.csv", &csv, &[]).await;
    let wrong = "name.de_DE price_gross.EUR price_net.EUR price_gross.CHF tax_rate stock image";
    let mut fragments: Vec<String> = wrong.split(' ').map(|column| format!("line 5: {column} must ")).collect();
    fragments.extend(
        [
            "line 7: concrete_sku is missing",
            "line 7: tax_rate is missing",
            "line 7: there must be a price",
            "line 8: concrete_sku is that of line 2, too",
            "line 9: there are 3 fields, not 10",
            "nothing was imported",
        ]
        .map(str::to_owned),
    );
    refuses(&finished, &fragments.iter().map(String::as_str).collect::<Vec<_>>());

    let right = r#"{"sku":"tea-1","taxRate":19,"prices":{"EUR":{"gross":1190}}}"#;
    let ndjson = format!("{right}\n{{oh\n{}\n{right}\n", r#"{"sku":"cup","stok":3,"taxRate":"19","prices":{}}"#);
    let finished = run(&gateway, engine, "products.ndjson", &ndjson, &["--replace"]).await;
    refuses(
        &finished,
        &[
            "line 2: this is not JSON",
            "line 3: unknown member `stok`",
            "line 3: taxRate must be a number",
            "line 3: there must be a price",
            "line 4: sku is that of line 1, too",
            "nothing was imported",
        ],
    );

    let many = format!("concrete_sku,tax_rate,price_net.EUR\n{}", "a,x,1\n".repeat(60));
    refuses(&run(&gateway, engine, "products.csv", &many, &[]).await, &["line 2: ", "more problems"]);
    assert_eq!(gateway.database().dump_but_budgets(), before);
}

async fn files_are_checked_first(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let before = gateway.database().dump_but_budgets();
    for (name, content, fragments) in [
        ("products.xlsx", CSV, ["products.xlsx", ".csv, .ndjson or .jsonl"]),
        ("products", CSV, ["products", ".csv, .ndjson or .jsonl"]),
        ("products.csv", "concrete_sku,tax_rate,price_gros.EUR\n", ["`price_gros.EUR`", "`price_gross.EUR`"]),
        ("products.csv", "concrete_sku,price_gross.EUR\n", ["products.csv", "column `tax_rate` is missing"]),
        ("products.csv", "concrete_sku,tax_rate,price_gross.EUR\n", ["products.csv", "no products"]),
        ("products.ndjson", "\n\n", ["products.ndjson", "no products"]),
    ] {
        let finished = run(&gateway, engine, name, content, &["--replace"]).await;
        refuses(&finished, &fragments);
        assert!(!finished.output.contains("panicked"), "{finished:?}");
    }
    let nowhere = Gateway::on(engine).database(&gateway.database());
    let finished = nowhere.run(&["products", "import", "nowhere.csv"]).await;
    refuses(&finished, &["cannot read nowhere.csv"]);
    assert_eq!(gateway.database().dump_but_budgets(), before);
}

async fn products_that_are_not_there_any_more(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    says(&run(&gateway, engine, "products.csv", CSV, &[]).await, &["2 added"]);
    let cart = gateway.fill("mira", &[("tea-1", 1), ("cup-1", 1)]).await;
    let only_cup = "concrete_sku,tax_rate,price_gross.EUR\ncup-1,7.7,500\n";
    let kept = run(&gateway, engine, "products.csv", only_cup, &[]).await;
    says(&kept, &["1 products imported: 0 added, 1 changed, 0 unchanged, 0 removed"]);
    assert!(is_sold(&gateway, "tea-1").await);
    let replaced = run(&gateway, engine, "products.csv", only_cup, &["--replace"]).await;
    says(&replaced, &["1 products imported: 0 added, 0 changed, 1 unchanged, 1 removed"]);
    assert!(!is_sold(&gateway, "tea-1").await && is_sold(&gateway, "cup-1").await);
    // What is in a cart already stays in it.
    let basket = gateway.basket(&testkit::Shopper::guest("mira"), &cart).await;
    assert_eq!((basket.quantity("tea-1"), basket.quantity("cup-1")), (1, 1));
}

async fn the_demo_catalogue(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    assert!(is_sold(&gateway, CAMERA).await && is_sold(&gateway, STICKER).await);
    let demo = products(&gateway);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(products(&gateway), demo);
    says(&run(&gateway, engine, "products.csv", CSV, &[]).await, &["11 removed"]);
    let imported = products(&gateway);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(products(&gateway), imported);

    let bare = Gateway::on(engine).set("VESTIBULE__CATALOGUE__DEMO", "false").start().await;
    assert_eq!(products(&bare), [""; 0]);
    assert!(!is_sold(&bare, CAMERA).await);
}

/// A gateway whose products that service knows. Who knows the password may ask it.
fn on_service(engine: Engine, service: &CatalogueService) -> GatewayBuilder {
    let url = service.url().replace("http://", "http://shop:S3cretPassword@");
    Gateway::on(engine).set("VESTIBULE__CATALOGUE__URL", &url)
}

async fn another_service_knows_the_products(engine: Engine) {
    let service = CatalogueService::start().await;
    service.tells("a%2F1", 200, CatalogueService::product("a/1").to_string());
    let gateway = on_service(engine, &service).start().await;
    assert_eq!(products(&gateway), [""; 0]);
    for (guest, pieces) in [("mira", 2), ("tom", 3)] {
        let added = add(&gateway, guest, "a/1", pieces).await.expect_status(201);
        assert_eq!(gross_total(&added), json!(119 * pieces));
    }
    assert_eq!(service.asked(), ["/offers/a%2F1"]);
    // The name and the password of the URL.
    let head = service.last_head();
    assert!(head.contains("Basic c2hvcDpTM2NyZXRQYXNzd29yZA=="), "{head}");
    let unknown = add(&gateway, "mira", CAMERA, 1).await.expect_status(422);
    assert_eq!(unknown.text("/errors/0/detail"), format!("Product \"{CAMERA}\" not found"));
    assert_eq!((unknown.text("/errors/0/code"), unknown.text("/errors/1/code")), ("102".into(), "113".into()));
    assert!(!is_sold(&gateway, CAMERA).await);
    assert_eq!(service.asked(), ["/offers/a%2F1".to_owned(), format!("/offers/{CAMERA}")]);

    let file = gateway.folder().join("products.csv");
    fs::write(&file, CSV).unwrap();
    let beside = on_service(engine, &service).database(&gateway.database());
    let imported = beside.run(&["products", "import", file.to_str().unwrap()]).await;
    says(&imported, &["2 products imported", "catalogue.url"]);
}

async fn another_service_is_of_no_help(engine: Engine) {
    let service = CatalogueService::start().await;
    let gateway = on_service(engine, &service).set("VESTIBULE__CATALOGUE__TIMEOUT_MILLISECONDS", "200").start().await;
    let unpriced = r#"{"sku":"unpriced","taxRate":19}"#;
    service.tells("broken", 500, "");
    service.tells("unpriced", 200, unpriced);
    service.sends("closed", "");
    for sku in ["broken", "unpriced", "closed"] {
        let answer = add(&gateway, "mira", sku, 1).await.expect_status(503);
        assert_eq!(answer.header("Retry-After"), Some("5"), "{answer:?}");
    }
    service.holds(true);
    add(&gateway, "mira", "slow", 1).await.expect_status(503);
    service.holds(false);
    for fragment in ["host=127.0.0.1", "status 500", "there must be a price", "timeout"] {
        gateway.until_it_says(fragment).await;
    }
    let log = gateway.log();
    assert!(!log.contains("S3cretPassword"), "{log}");

    // Nothing of it is remembered.
    for sku in ["broken", "unpriced", "closed", "slow"] {
        service.tells(sku, 200, CatalogueService::product(sku).to_string());
        add(&gateway, "mira", sku, 1).await.expect_status(201);
    }
}
