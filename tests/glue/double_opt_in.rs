//! The promise of the second door, under haste and malice: whoever shows that the mailbox is theirs gets the account, with the
//! password of that very sign-up, and nobody else does.

use futures_util::future::join_all;
use testkit::{Engine, PASSWORD, confirm, log_in, on_both_databases, register, resend, sign_up};

use crate::messages::{SPENT_KEY, TAKEN};
use crate::shop::{settings, with_password};

on_both_databases! {
    scenarios: [
        of_many_confirmations_of_one_key_one_counts, of_many_sign_ups_on_one_address_one_wins,
        confirming_one_claim_settles_the_others, of_many_confirmations_of_many_claims_one_counts,
        the_newest_claim_is_no_way_in, each_open_claim_gets_its_own_mail, a_hardened_shop_answers_alike,
    ]
}

const ADDRESS: &str = "mira@example.com";

async fn of_many_confirmations_of_one_key_one_counts(engine: Engine) {
    let gateway = settings(engine).start().await;
    let key = gateway.register_for_key(ADDRESS).await;
    let request = confirm(&key);
    let answers = join_all((0..64).map(|_| gateway.send(&request))).await;
    let (confirmed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 204);
    assert_eq!(confirmed.len(), 1);
    for answer in refused {
        assert_eq!(answer.errors(), [(422, Some("423".to_owned()), SPENT_KEY.to_owned())]);
    }
    gateway.login(ADDRESS).await;
}

fn password_of(index: usize) -> String {
    format!("Vestibule-{index}-Door!")
}

async fn of_many_sign_ups_on_one_address_one_wins(engine: Engine) {
    // The passwords that do not count are tried too, all of them.
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "0").start().await;
    let requests: Vec<_> = (0..64).map(|index| register(&with_password(ADDRESS, &password_of(index)))).collect();
    let answers = join_all(requests.iter().map(|request| gateway.send(request))).await;
    let mut claims = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        match answer.status {
            201 => claims.push(index),
            _ => assert_eq!(answer.errors(), [(422, Some("400".to_owned()), TAKEN.to_owned())], "{answer:?}"),
        }
    }
    assert_eq!(claims.len(), 8, "as many as accounts.max_open_claims");

    gateway.until_all_mail_is_sent().await;
    let mails = gateway.mailbox().list(ADDRESS).await;
    assert_eq!(mails.len(), 8, "each claim has its own mail");
    gateway.confirm(&mails[3].token).await;
    let logins =
        join_all((0..64).map(async |index| gateway.send(&log_in(ADDRESS, &password_of(index))).await.status)).await;
    let winners: Vec<usize> = (0..64).filter(|index| logins[*index] == 201).collect();
    assert_eq!(winners.len(), 1, "exactly one password opens the account");
    assert!(claims.contains(&winners[0]));
    assert!(logins.iter().all(|status| [201, 401].contains(status)), "{logins:?}");
    for mail in mails {
        assert_eq!(gateway.send(&confirm(&mail.token)).await.status, 422, "no key is of use any more");
    }
}

async fn confirming_one_claim_settles_the_others(engine: Engine) {
    let gateway = settings(engine).start().await;
    let mut keys = Vec::new();
    for index in 0..3 {
        let before = gateway.mailbox().list(ADDRESS).await;
        gateway.send(&register(&with_password(ADDRESS, &password_of(index)))).await.expect_status(201);
        let mail = match before.first() {
            Some(last) => gateway.mailbox().wait_for_next(last).await,
            None => gateway.mailbox().wait_for(ADDRESS).await,
        };
        keys.push(mail.token);
    }
    gateway.confirm(&keys[1]).await;
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(gateway.send(&confirm(key)).await.status, 422);
        let expected = if index == 1 { 201 } else { 401 };
        assert_eq!(gateway.send(&log_in(ADDRESS, &password_of(index))).await.status, expected, "password {index}");
    }
    assert_eq!(gateway.send(&register(&sign_up(ADDRESS))).await.status, 422, "the address is taken now");
}

async fn of_many_confirmations_of_many_claims_one_counts(engine: Engine) {
    let gateway = settings(engine).start().await;
    for index in 0..8 {
        gateway.send(&register(&with_password(ADDRESS, &password_of(index)))).await.expect_status(201);
    }
    gateway.until_all_mail_is_sent().await;
    let keys: Vec<String> = gateway.mailbox().list(ADDRESS).await.into_iter().map(|mail| mail.token).collect();
    let requests: Vec<_> = (0..64).map(|index| confirm(&keys[index % keys.len()])).collect();
    let answers = join_all(requests.iter().map(|request| gateway.send(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert!(
        answers.iter().all(|answer| [204, 422].contains(&answer.status)),
        "a lost race is a refusal, never an error"
    );
    let logins =
        join_all((0..8).map(async |index| gateway.send(&log_in(ADDRESS, &password_of(index))).await.status)).await;
    assert_eq!(logins.iter().filter(|status| **status == 201).count(), 1, "{logins:?}");
}

async fn the_newest_claim_is_no_way_in(engine: Engine) {
    let gateway = settings(engine).start().await;
    let key = gateway.register_for_key(ADDRESS).await;
    // Somebody else signs up with the same address, and hopes that its owner confirms whatever comes.
    let stolen = with_password(ADDRESS, "Thiefs-2nd-Door!");
    gateway.send(&register(&stolen)).await.expect_status(201);
    gateway.confirm(&key).await;
    assert_eq!(gateway.send(&log_in(ADDRESS, "Thiefs-2nd-Door!")).await.status, 401);
    assert_eq!(gateway.send(&log_in(ADDRESS, PASSWORD)).await.status, 201);
}

async fn each_open_claim_gets_its_own_mail(engine: Engine) {
    let gateway = settings(engine).start().await;
    for index in 0..4 {
        gateway.send(&register(&with_password(ADDRESS, &password_of(index)))).await.expect_status(201);
    }
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.send(&resend(ADDRESS)).await.status, 204);
    gateway.until_all_mail_is_sent().await;
    let mails = gateway.mailbox().list(ADDRESS).await;
    assert_eq!(mails.len(), 4 + 3, "of the three newest claims, each its own");
    gateway.confirm(&mails[0].token).await;
}

async fn a_hardened_shop_answers_alike(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened").start().await;
    gateway.sign_in(ADDRESS).await;
    let first = gateway.mailbox().wait_for(ADDRESS).await;
    let known = gateway.send(&register(&with_password(ADDRESS, "Thiefs-2nd-Door!"))).await.expect_status(201);
    let unknown = gateway.send(&register(&sign_up("nobody@example.com"))).await.expect_status(201);
    let names = |answer: &testkit::Answer| {
        let json = answer.json();
        json.pointer("/data/attributes").unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&known), names(&unknown));
    let notice = gateway.mailbox().wait_for_next(&first).await;
    assert_eq!((notice.token.as_str(), notice.code.as_str()), ("", ""), "the notice opens nothing: {notice:?}");
    assert_eq!(gateway.send(&log_in(ADDRESS, "Thiefs-2nd-Door!")).await.status, 401);
    gateway.login(ADDRESS).await;
}
