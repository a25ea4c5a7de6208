//! Customers of another shop, brought along by `vestibule customers import`.

use std::fs;

use testkit::{Answer, Engine, Finished, Gateway, PASSWORD, Request, log_in, on_both_databases, register, sign_up};

on_both_databases! {
    scenarios: [
        customers_are_brought_along, the_unconfirmed_are_asked_to_confirm, references_go_on_above_the_imported,
        nothing_is_written_of_a_wrong_file, nothing_is_written_beside_who_is_there, columns_are_checked_first,
    ]
}

const HEADER: &str = "customer_reference,locale_name,phone,email,salutation,first_name,last_name,company,gender,\
                      date_of_birth,password,registered";
/// Of `Supp0rt!Supp0rt`, as PHP makes it.
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK";

/// Runs the import beside the gateway, on its database.
async fn import(gateway: &Gateway, engine: Engine, content: &str) -> Finished {
    let file = gateway.folder().join("customer.csv");
    fs::write(&file, content).unwrap();
    let beside = Gateway::on(engine).database(&gateway.database());
    beside.run(&["customers", "import", file.to_str().unwrap()]).await
}

fn imports(finished: &Finished, count: usize) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.output.contains(&format!("{count} customers imported")), "{finished:?}");
}

fn refuses(finished: &Finished, fragments: &[&str]) {
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    for fragment in fragments.iter().chain(&["nothing was imported"]) {
        assert!(finished.output.contains(fragment), "no {fragment:?} in {finished:?}");
    }
}

async fn own_account(gateway: &Gateway, email: &str, password: &str) -> Answer {
    let tokens = gateway.send(&log_in(email, password)).await.expect_status(201);
    let access_token = tokens.text("/data/attributes/accessToken");
    gateway.send(&Request::get("/customers").bearer(&access_token)).await.expect_status(200)
}

async fn customers_are_brought_along(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let content = format!(
        "\u{feff}{HEADER}\r\n\
         DE--35,de_DE,030/1234567,Spencor.Hopkin@example.com,Mr,Spencor,Hopkin,\"Hopkin, Sons & Co\",Male,1980-02-29,\
         change123,2017-01-01\r\n\
         OLD_7,en_US,,tom@example.com,,,,,,,{BCRYPT},2017-01-01 10:00:00\r\n"
    );
    imports(&import(&gateway, engine, &content).await, 2);

    let spencor = own_account(&gateway, "spencor.hopkin@example.com", "change123").await;
    for (pointer, expected) in [
        ("/data/0/id", "DE--35"),
        ("/data/0/attributes/email", "Spencor.Hopkin@example.com"),
        ("/data/0/attributes/salutation", "Mr"),
        ("/data/0/attributes/firstName", "Spencor"),
        ("/data/0/attributes/lastName", "Hopkin"),
        ("/data/0/attributes/gender", "Male"),
        ("/data/0/attributes/dateOfBirth", "1980-02-29"),
    ] {
        assert_eq!(spencor.text(pointer), expected, "{pointer}");
    }
    // The second login is checked against the hash that the first one made of the foreign one.
    for _ in 0..2 {
        assert_eq!(own_account(&gateway, "tom@example.com", "Supp0rt!Supp0rt").await.text("/data/0/id"), "OLD_7");
    }
    gateway.send(&log_in("tom@example.com", BCRYPT)).await.expect_status(401);

    let stored = gateway.database().dump();
    assert!(stored.contains("030/1234567") && stored.contains("Hopkin, Sons & Co"), "{stored}");
    assert!(!stored.contains("change123") && !stored.contains(BCRYPT), "{stored}");
    assert!(gateway.mailbox().list("tom@example.com").await.is_empty());
}

async fn the_unconfirmed_are_asked_to_confirm(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let content = "email,password\nmira@example.com,change123\ntom@example.com,\n";
    imports(&import(&gateway, engine, content).await, 2);

    gateway.send(&log_in("mira@example.com", "change123")).await.expect_status(401);
    let mail = gateway.mailbox().wait_for("mira@example.com").await;
    assert_eq!(mail.kind, "registration-confirmation");
    gateway.confirm(&mail.token).await;
    own_account(&gateway, "mira@example.com", "change123").await;

    // Without a password there is nothing to log in with, not even an empty one.
    gateway.confirm(&gateway.mailbox().wait_for("tom@example.com").await.token).await;
    gateway.send(&log_in("tom@example.com", " ")).await.expect_status(401);
}

async fn references_go_on_above_the_imported(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    gateway.register("before@example.com").await;
    let content = "customer_reference,email,registered\n\
                   DE--900,a@example.com,2017-01-01\n\
                   OTHER--17,b@example.com,2017-01-01\n\
                   no-number,c@example.com,2017-01-01\n";
    imports(&import(&gateway, engine, content).await, 3);
    let next = gateway.register("after@example.com").await;
    let number: i64 = next.trim_start_matches("DE--").parse().unwrap();
    assert!(number > 900, "{next}");
    let one_more = gateway.register("later@example.com").await;
    assert_eq!(one_more, format!("DE--{}", number + 1));
}

async fn nothing_is_written_of_a_wrong_file(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let content = format!(
        "{HEADER}\n\
         DE--1,de_DE,,a@example.com,Mr,Alabaster,Right,,Male,1980-01-01,change123,2017-01-01\n\
         DE 2,german,,nobody,Herr,\"line\nbreak\",,,x,1980-02-30,$2y$short,yes\n\
         DE--1,,,A@Example.com,,,,,,,,\n\
         only,three,fields\n"
    );
    let before = gateway.database().dump_but_budgets();
    let finished = import(&gateway, engine, &content).await;
    let wrong = "customer_reference locale_name salutation first_name gender date_of_birth password registered";
    let wrong: Vec<String> = wrong.split(' ').map(|column| format!("line 3: {column} ")).collect();
    let mut fragments: Vec<&str> = wrong.iter().map(String::as_str).collect();
    fragments.extend([
        "line 3: email is not",
        "line 5: customer_reference is that of line 2",
        "line 5: email is that of line 2",
        "line 6: there are 3 fields, not 12",
    ]);
    refuses(&finished, &fragments);
    for personal in ["nobody", "a@example.com", "change123", "Alabaster"] {
        assert!(!finished.output.contains(personal), "{personal} in {finished:?}");
    }
    assert_eq!(gateway.database().dump_but_budgets(), before);
}

async fn nothing_is_written_beside_who_is_there(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let mira = gateway.sign_in("mira@example.com").await;
    gateway.until_all_mail_is_sent().await;
    let before = gateway.database().dump_but_budgets();
    let content = format!(
        "customer_reference,email,password,registered\n\
         NEW-1,new@example.com,change123,2017-01-01\n\
         NEW-2,Mira@example.com,,2017-01-01\n\
         {},other@example.com,,2017-01-01\n",
        mira.reference
    );
    let finished = import(&gateway, engine, &content).await;
    refuses(&finished, &["line 3: email", "line 4: customer_reference"]);
    assert!(!finished.output.contains("line 2"), "{finished:?}");
    assert_eq!(gateway.database().dump_but_budgets(), before);
    gateway.login("mira@example.com").await;

    // A claim is nobody's account: a customer whose address was confirmed elsewhere comes before it.
    let key = gateway.register_for_key("claim@example.com").await;
    let content = format!("email,password,registered\nclaim@example.com,{PASSWORD}x,2017-01-01\n");
    imports(&import(&gateway, engine, &content).await, 1);
    gateway.send(&log_in("claim@example.com", PASSWORD)).await.expect_status(401);
    own_account(&gateway, "claim@example.com", &format!("{PASSWORD}x")).await;
    gateway.send(&testkit::confirm(&key)).await.expect_status(422);
    gateway.send(&register(&sign_up("claim@example.com"))).await.expect_status(422);
}

async fn columns_are_checked_first(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    for (content, fragments) in [
        ("first_name\nMira\n", ["column `email` is missing", "customer.csv"]),
        ("email,fist_name\nmira@example.com,Mira\n", ["`fist_name`", "`first_name`"]),
        ("email;first_name\nmira@example.com;Mira\n", ["unknown column", "commas"]),
        ("", ["column `email` is missing", "customer.csv"]),
    ] {
        let finished = import(&gateway, engine, content).await;
        assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
        for fragment in fragments {
            assert!(finished.output.contains(fragment), "no {fragment:?} in {finished:?}");
        }
    }
    let nowhere = Gateway::on(engine).database(&gateway.database());
    let finished = nowhere.run(&["customers", "import", "nowhere.csv"]).await;
    assert!(finished.code.is_some_and(|code| code != 0) && finished.output.contains("nowhere.csv"), "{finished:?}");
}
