//! Carts that guests left behind: `vestibule carts purge`, and the clean-up that does the same by itself.

use testkit::{CAMERA, Engine, Finished, Gateway, Shopper, on_both_databases};

on_both_databases! {
    scenarios: [a_purge_removes_what_guests_left_behind, the_clean_up_removes_it_too]
}

/// A month in seconds, and a day.
const A_MONTH_AND_A_DAY: u64 = 31 * 86_400;

async fn purge(gateway: &Gateway, engine: Engine, arguments: &[&str]) -> String {
    let beside = Gateway::on(engine).database(&gateway.database());
    let finished: Finished = beside.run(&[&["carts", "purge"], arguments].concat()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.output
}

/// As if all that happened so far had happened a month ago.
fn a_month_passes(gateway: &Gateway) {
    let micros = A_MONTH_AND_A_DAY * 1_000_000;
    gateway
        .database()
        .execute(&format!("UPDATE carts SET updated_at = updated_at - {micros}, changed_on = changed_on - 31"));
}

async fn a_purge_removes_what_guests_left_behind(engine: Engine) {
    let gateway = Gateway::on(engine).start().await;
    let session = gateway.sign_in("mira@example.com").await;
    let own = gateway.insert_cart(&session, &testkit::new_cart(), &[(CAMERA, 1)]).await;
    gateway.fill("old", &[(CAMERA, 2)]).await;
    gateway.fill("older", &[(CAMERA, 3)]).await;
    a_month_passes(&gateway);
    let new = gateway.fill("new", &[(CAMERA, 4)]).await;

    let told = purge(&gateway, engine, &["--dry-run"]).await;
    assert!(told.contains("2 guest carts") && told.contains("nothing was removed"), "{told}");
    let told = purge(&gateway, engine, &[]).await;
    assert!(told.contains("2 guest carts removed"), "{told}");
    let told = purge(&gateway, engine, &["--dry-run"]).await;
    assert!(told.contains("0 guest carts"), "{told}");
    assert_eq!(gateway.basket(&session.shopper(), &own).await.quantity(CAMERA), 1, "a customer's stays");
    assert_eq!(gateway.basket(&Shopper::guest("new"), &new).await.quantity(CAMERA), 4);
}

async fn the_clean_up_removes_it_too(engine: Engine) {
    let gateway = Gateway::on(engine).set("VESTIBULE__JOBS__CLEANUP_INTERVAL_SECONDS", "1").start().await;
    gateway.fill("old", &[(CAMERA, 2)]).await;
    a_month_passes(&gateway);
    gateway.until_it_says("guests' carts removed").await;
    let told = purge(&gateway, engine, &["--dry-run"]).await;
    assert!(told.contains("0 guest carts"), "{told}");
}
