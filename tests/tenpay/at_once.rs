//! What must hold once holds once, however many ask at the same time.

use futures_util::future::join_all;
use testkit::{Answer, Engine, GatewayBuilder, count_case, on_both_databases};

use crate::ground::{Door, KIND, confirm_code, other_than, send_code, settings};

on_both_databases! {
    tables: [confirmations_at_once, guesses_at_once, sends_at_once, sign_ups_at_once]
}

/// However slow the machine: who waits for the database is answered in the end.
fn patient(engine: Engine) -> GatewayBuilder {
    settings(engine).set("VESTIBULE__DATABASE__WAIT_MILLISECONDS", "30000")
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

async fn confirmations_at_once(engine: Engine) {
    let door = Door::with(engine, patient(engine)).await;
    let user = door.create("mira@example.com").await;
    let answers = join_all((0..20).map(|_| door.send(confirm_code(user.id, &user.mail.code)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{:?}", statuses(&answers));
    assert!(answers.iter().all(|answer| [200, 400].contains(&answer.status)), "{:?}", statuses(&answers));
    let dump = door.gateway.database().dump();
    let words = dump.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    assert_eq!(words.filter(|word| *word == "confirmed").count(), 1, "one confirmation event: {dump}");
    count_case(engine, "10npay 24, K6: of twenty confirmations at once one counts");
}

async fn guesses_at_once(engine: Engine) {
    let door = Door::with(engine, patient(engine)).await;
    let user = door.create("mira@example.com").await;
    let wrong = other_than(&user.mail.code);
    let answers = join_all((0..200).map(|_| door.send(confirm_code(user.id, &wrong)))).await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{:?}", statuses(&answers));
    door.send(confirm_code(user.id, &user.mail.code)).await.expect_status(400);
    let mail = door.resend(&user, &user.mail).await;
    for _ in 0..4 {
        door.send(confirm_code(user.id, &other_than(&mail.code))).await.expect_status(400);
    }
    door.send(confirm_code(user.id, &mail.code)).await.expect_status(200);
    count_case(engine, "10npay K4: of two hundred guesses at once five are looked at");
}

async fn sends_at_once(engine: Engine) {
    let door = Door::with(engine, patient(engine)).await;
    let user = door.create("mira@example.com").await;
    let answers = join_all((0..8).map(|_| door.send(send_code(user.id, &user.email)))).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{:?}", statuses(&answers));
    door.gateway.until_all_mail_is_sent().await;
    let mails = door.gateway.mailbox().list(&user.email).await;
    assert!(mails.len() >= 2 && mails.iter().all(|mail| mail.kind == KIND), "{}", mails.len());
    for older in mails[1..].iter().filter(|mail| mail.code != mails[0].code).take(4) {
        door.send(confirm_code(user.id, &older.code)).await.expect_status(400);
    }
    door.send(confirm_code(user.id, &mails[0].code)).await.expect_status(200);
    count_case(engine, "10npay K6: of sends at once the code mailed last is good");
}

async fn sign_ups_at_once(engine: Engine) {
    let door = Door::with(engine, patient(engine)).await;
    let answers = join_all((0..8).map(|_| door.send(door.new_user("mira@example.com")))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{:?}", statuses(&answers));
    assert!(answers.iter().all(|answer| [201, 400].contains(&answer.status)), "{:?}", statuses(&answers));
    count_case(engine, "10npay C9: of sign-ups at once one is made");
}
