//! A gateway that must not start: one line that says what to do, and an exit code.

use std::net::TcpListener;

use testkit::{Engine, Finished, Gateway, on_both_databases};

on_both_databases! {
    scenarios: [unknown_settings, values_out_of_bounds, development_in_public, a_port_in_use, commands]
}

/// Holds that the command failed, in words, with all of these among them.
fn refuses(finished: &Finished, fragments: &[&str]) {
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    assert!(!finished.output.contains("panicked"), "{finished:?}");
    for fragment in fragments {
        assert!(finished.output.contains(fragment), "no {fragment:?} in {finished:?}");
    }
}

async fn unknown_settings(engine: Engine) {
    for (variable, unknown, nearest) in [
        ("VESTIBULE__SERVER__BINDD", "server.bindd", "server.bind"),
        ("VESTIBULE__ACCOUNTS__DUOBLE_OPT_IN", "accounts.duoble_opt_in", "accounts.double_opt_in"),
        ("VESTIBULE__MAIL__TRANSPROT", "mail.transprot", "mail.transport"),
    ] {
        let finished = Gateway::on(engine).set(variable, "x").run(&["serve"]).await;
        refuses(&finished, &[unknown, nearest]);
    }
}

async fn values_out_of_bounds(engine: Engine) {
    for (variable, value, named) in [
        ("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "0", "accounts.max_open_claims"),
        ("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "many", "VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS"),
        ("VESTIBULE__MAIL__TRANSPORT", "pigeon", "transport"),
        ("VESTIBULE__PASSWORDS__MEMORY_KIB", "8", "passwords.memory_kib"),
        ("VESTIBULE__DATABASE__URL", "mysql://localhost/shop", "database.url"),
    ] {
        refuses(&Gateway::on(engine).set(variable, value).run(&["serve"]).await, &[named]);
    }
}

async fn development_in_public(engine: Engine) {
    for (mode, transport) in [("true", "file"), ("false", "mailbox")] {
        let gateway = Gateway::on(engine)
            .set("VESTIBULE__SERVER__BIND", "0.0.0.0:0")
            .set("VESTIBULE__TEST_MODE", mode)
            .set("VESTIBULE__MAIL__TRANSPORT", transport);
        let twice = ["server.allow_public_development", "server.allow_public_development_really"];
        refuses(&gateway.clone().run(&["serve"]).await, &twice);
        refuses(&gateway.set("VESTIBULE__SERVER__ALLOW_PUBLIC_DEVELOPMENT", "true").run(&["serve"]).await, &twice);
    }
}

async fn a_port_in_use(engine: Engine) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let finished = Gateway::on(engine).set("VESTIBULE__SERVER__BIND", &address).run(&["serve"]).await;
    refuses(&finished, &[&address, "server.bind"]);
}

async fn commands(engine: Engine) {
    let printed = Gateway::on(engine).run(&["config", "default"]).await;
    assert!(printed.code == Some(0) && printed.output.contains("[accounts]"), "{printed:?}");
    let checked = Gateway::on(engine).run(&["config", "check"]).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let wrong = Gateway::on(engine).set("VESTIBULE__STORE__NAME", "a b").run(&["config", "check"]).await;
    refuses(&wrong, &["store.name"]);
    for _ in 0..2 {
        let migrated = Gateway::on(engine).run(&["migrate"]).await;
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
    }
}

/// `serve` prepares an SQLite file by itself; a PostgreSQL database is prepared by somebody who means it.
#[tokio::test]
async fn pending_migrations_are_refused_on_postgres() {
    let gateway = Gateway::on(Engine::Postgres).without_migrations();
    refuses(&gateway.run(&["serve"]).await, &["vestibule migrate"]);
    testkit::count_case(Engine::Postgres, "pending_migrations_are_refused_on_postgres");
}

#[tokio::test]
async fn an_unreachable_postgres_is_refused_in_one_line() {
    let nobody = "postgres://vestibule:S3cretPassword@127.0.0.1:1/shop";
    let finished = Gateway::on(Engine::Sqlite).set("VESTIBULE__DATABASE__URL", nobody).run(&["serve"]).await;
    refuses(&finished, &["127.0.0.1"]);
    assert!(!finished.output.contains("S3cretPassword"), "{finished:?}");
    testkit::count_case(Engine::Postgres, "an_unreachable_postgres_is_refused_in_one_line");
}

#[tokio::test]
async fn an_unreachable_file_is_refused_in_one_line() {
    let nowhere = "sqlite:///proc/nowhere/vestibule.db";
    let finished = Gateway::on(Engine::Sqlite).set("VESTIBULE__DATABASE__URL", nowhere).run(&["serve"]).await;
    refuses(&finished, &["/proc/nowhere"]);
    testkit::count_case(Engine::Sqlite, "an_unreachable_file_is_refused_in_one_line");
}
