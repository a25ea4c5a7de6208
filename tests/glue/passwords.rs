//! Sections 4.1 to 4.3: what a forgotten, a restored and a changed password do.

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, Session, change_password, confirm, forgot_password, log_in,
    on_both_databases, refresh, register, restore_password,
};

use crate::messages::{bad_token, no_restore_key, not_logged_in, not_refreshed, spent_key};
use crate::shop::{BASE, OTHER_PASSWORD, Shop, expect, settings, with_password};

on_both_databases! {
    scenarios: [
        the_mail_of_a_forgotten_password, a_cool_down_and_the_newest_key, a_restore_key_expires, a_restore_key_for_ever,
        a_restore_ends_all_sessions, a_restore_does_not_confirm, a_restore_may_confirm, a_restore_is_of_the_newest_claim,
        of_many_restores_with_one_key_one_counts, an_unknown_address_gets_nothing, a_change_ends_refresh_tokens_only,
        of_many_changes_at_once_one_counts, wrong_passwords_are_counted, no_key_is_of_use_for_anything_else,
    ]
}

async fn the_mail_of_a_forgotten_password(engine: Engine) {
    let gateway = settings(engine).start().await;
    for (language, locale, subject, link_text, changed) in [
        (
            "de",
            "de_DE",
            "Neues Passwort für deinen Vestibule Demo Shop Account",
            "Passwort ändern",
            "Dein Passwort wurde erfolgreich geändert!",
        ),
        (
            "en-US",
            "en_US",
            "New password for your Vestibule Demo Shop account",
            "Change Password",
            "Your password was changed successfully!",
        ),
    ] {
        let email = format!("{locale}@example.com");
        let sign_up = register(&testkit::sign_up(&email)).header("Accept-Language", language);
        gateway.send(&sign_up).await.expect_status(201);
        gateway.confirm(&gateway.mailbox().wait_for(&email).await.token).await;
        // In whatever language it is asked for: the customer's own counts.
        let mail = gateway
            .send_for_mail(&forgot_password(&email).header("Accept-Language", "en"), &email, "restore-password")
            .await;
        assert_eq!(mail.subject, subject, "9 the subject");
        assert_eq!(
            mail.link,
            format!("{BASE}/password/restore?token={}&_store=DE&_locale={locale}", mail.token),
            "9 the link"
        );
        assert!(mail.html.contains(link_text), "9 the text of the link: {}", mail.html);
        assert!(mail.text.contains(&mail.link), "9 the text part has the link too: {}", mail.text);
        assert!(
            mail.token.len() == 32 && mail.token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            "{mail:?}"
        );

        let done =
            gateway.send_for_mail(&restore_password(&mail.token, OTHER_PASSWORD), &email, "password-changed").await;
        assert_eq!(done.subject, changed, "9 the subject");
        assert_eq!((done.token.as_str(), done.code.as_str()), ("", ""), "9 it opens nothing: {done:?}");
        for part in [&done.text, &done.html, &mail.text, &mail.html] {
            assert!(!part.contains(OTHER_PASSWORD) && !part.contains("{{"), "{part}");
        }
    }
}

async fn a_cool_down_and_the_newest_key(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.restore_key(&session.email).await;
    for spelling in [session.email.as_str(), "MIRA.OLSEN@EXAMPLE.COM"] {
        expect(&gateway, "4.1 in the cool-down", &forgot_password(spelling), &Expected::no_content()).await;
    }
    gateway.until_all_mail_is_sent().await;
    assert_eq!(gateway.mailbox().list(&session.email).await.len(), 2, "the sign-up's, and one key");
    gateway.advance(61).await;
    let second = gateway.restore_key(&session.email).await;
    assert_ne!(first, second);
    expect(&gateway, "4.1 a superseded key", &restore_password(&first, OTHER_PASSWORD), &no_restore_key()).await;
    expect(&gateway, "4.2 the newest", &restore_password(&second, OTHER_PASSWORD), &Expected::no_content()).await;
    expect(&gateway, "4.2 used already", &restore_password(&second, PASSWORD), &no_restore_key()).await;
    expect(&gateway, "4.2 the one before, still", &restore_password(&first, PASSWORD), &no_restore_key()).await;
    expect(&gateway, "4.2 the new password", &log_in(&session.email, OTHER_PASSWORD), &Expected::data(201)).await;
    expect(&gateway, "4.2 the old password", &log_in(&session.email, PASSWORD), &not_logged_in()).await;
}

async fn a_restore_key_expires(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let early = gateway.restore_key(&session.email).await;
    gateway.advance(2 * 3600 - 60).await;
    expect(&gateway, "4.2 in time", &restore_password(&early, OTHER_PASSWORD), &Expected::no_content()).await;
    let late = gateway.restore_key(&session.email).await;
    gateway.advance(2 * 3600 + 60).await;
    expect(&gateway, "4.2 an expired key", &restore_password(&late, PASSWORD), &no_restore_key()).await;
    expect(&gateway, "4.2 nothing changed", &log_in(&session.email, OTHER_PASSWORD), &Expected::data(201)).await;
    // No dead end: a new mail brings a new key.
    let new = gateway.restore_key(&session.email).await;
    expect(&gateway, "4.2 a new key", &restore_password(&new, PASSWORD), &Expected::no_content()).await;
}

async fn a_restore_key_for_ever(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__RESTORE_LIFETIME_SECONDS", "0").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let key = gateway.restore_key(&session.email).await;
    gateway.advance(10 * 365 * 86_400).await;
    expect(&gateway, "4.2 without an end", &restore_password(&key, OTHER_PASSWORD), &Expected::no_content()).await;
}

fn reads(session: &Session) -> [Request; 3] {
    ["/customers".to_owned(), session.path(), session.addresses()]
        .map(|path| Request::get(&path).bearer(&session.access_token))
}

async fn a_restore_ends_all_sessions(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let second = gateway.login(&session.email).await;
    let other = gateway.sign_in("other@example.com").await;
    let key = gateway.restore_key(&session.email).await;
    gateway.advance(5).await;
    expect(&gateway, "4.2", &restore_password(&key, OTHER_PASSWORD), &Expected::no_content()).await;
    // At once: a token of the very second of the restore is good.
    let login = gateway.send(&log_in(&session.email, OTHER_PASSWORD)).await.expect_status(201);
    let token = login.text("/data/attributes/accessToken");
    expect(&gateway, "6.2 a token from afterwards", &Request::get("/customers").bearer(&token), &Expected::data(200))
        .await;
    for earlier in [&session, &second] {
        for request in reads(earlier) {
            expect(&gateway, "DESIGN 6: an access token from before", &request, &bad_token()).await;
        }
        expect(&gateway, "DESIGN 6: a refresh token from before", &refresh(&earlier.refresh_token), &not_refreshed())
            .await;
    }
    let writes = [
        testkit::patch_customer(&session.reference, &json!({ "firstName": "Nora" })),
        Request::delete(&session.path()),
        change_password(&session.reference, OTHER_PASSWORD, PASSWORD),
        testkit::insert_address(&session.reference, &testkit::new_address()),
    ];
    for request in writes {
        let request = request.bearer(&session.access_token);
        expect(&gateway, "DESIGN 6: a write with a token from before", &request, &bad_token()).await;
    }
    let next = login.text("/data/attributes/refreshToken");
    expect(&gateway, "a refresh token from afterwards", &refresh(&next), &Expected::data(201)).await;
    for request in reads(&other) {
        expect(&gateway, "nobody else's", &request, &Expected::data(200)).await;
    }
    expect(&gateway, "nobody else's refresh token", &refresh(&other.refresh_token), &Expected::data(201)).await;
}

async fn a_restore_does_not_confirm(engine: Engine) {
    let gateway = settings(engine).start().await;
    let email = "mira.olsen@example.com";
    let confirmation = gateway.register_for_key(email).await;
    let key = gateway.restore_key(email).await;
    expect(&gateway, "4.2 of a claim", &restore_password(&key, OTHER_PASSWORD), &Expected::no_content()).await;
    for password in [PASSWORD, OTHER_PASSWORD] {
        expect(&gateway, "4.2 not confirmed", &log_in(email, password), &not_logged_in()).await;
    }
    gateway.confirm(&confirmation).await;
    expect(&gateway, "4.2 the restored password", &log_in(email, OTHER_PASSWORD), &Expected::data(201)).await;
    expect(&gateway, "4.2 the first password", &log_in(email, PASSWORD), &not_logged_in()).await;
}

async fn a_restore_may_confirm(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__RESTORE_CONFIRMS", "true").start().await;
    let email = "mira.olsen@example.com";
    let confirmation = gateway.register_for_key(email).await;
    let key = gateway.restore_key(email).await;
    expect(&gateway, "DESIGN 3", &restore_password(&key, OTHER_PASSWORD), &Expected::no_content()).await;
    expect(&gateway, "DESIGN 3: confirmed", &log_in(email, OTHER_PASSWORD), &Expected::data(201)).await;
    expect(&gateway, "DESIGN 3: a confirmation voids all", &confirm(&confirmation), &spent_key()).await;
}

async fn a_restore_is_of_the_newest_claim(engine: Engine) {
    let gateway = settings(engine).start().await;
    let email = "mira.olsen@example.com";
    let older = gateway.register_for_key(email).await;
    let sign_up = register(&with_password(email, "Second-2nd-Door!"));
    let newer = gateway.send_for_mail(&sign_up, email, "registration-confirmation").await.token;
    let key = gateway.restore_key(email).await;
    gateway.until_all_mail_is_sent().await;
    let mails = gateway.mailbox().list(email).await;
    assert_eq!(
        mails.iter().filter(|mail| mail.kind == "restore-password").count(),
        1,
        "one row is looked at: {mails:?}"
    );
    expect(&gateway, "DESIGN 3", &restore_password(&key, OTHER_PASSWORD), &Expected::no_content()).await;
    gateway.confirm(&older).await;
    expect(&gateway, "the older claim kept its password", &log_in(email, PASSWORD), &Expected::data(201)).await;
    expect(&gateway, "the newer one's opens nothing", &log_in(email, OTHER_PASSWORD), &not_logged_in()).await;
    expect(&gateway, "and is settled", &confirm(&newer), &spent_key()).await;
}

async fn of_many_restores_with_one_key_one_counts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let key = gateway.restore_key(&session.email).await;
    let password = |index: usize| format!("Vestibule-{index}-Door!");
    let requests: Vec<Request> = (0..16).map(|index| restore_password(&key, &password(index))).collect();
    let answers = join_all(requests.iter().map(|request| gateway.send(request))).await;
    let winners: Vec<usize> = (0..16).filter(|index| answers[*index].status == 204).collect();
    assert_eq!(winners.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        let problems = no_restore_key().problems(answer);
        assert!(problems.is_empty(), "a lost race is a refusal: {problems:?}");
    }
    expect(&gateway, "the winner's", &log_in(&session.email, &password(winners[0])), &Expected::data(201)).await;
}

async fn an_unknown_address_gets_nothing(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    for email in ["nobody@example.com", "a..b@example.com"] {
        expect(&gateway, "4.1", &forgot_password(email), &Expected::no_content()).await;
        gateway.until_all_mail_is_sent().await;
        assert!(gateway.mailbox().list(email).await.is_empty(), "4.1 no mail to {email}");
    }
    assert_eq!(gateway.mailbox().list(&session.email).await.len(), 1, "nor to anybody else");
}

async fn a_change_ends_refresh_tokens_only(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let second = gateway.login(&session.email).await;
    gateway.advance(5).await;
    let change = change_password(&session.reference, PASSWORD, OTHER_PASSWORD).bearer(&session.access_token);
    let mail = gateway.send_for_mail(&change, &session.email, "password-changed").await;
    assert_eq!(mail.token, "", "9 it opens nothing: {mail:?}");
    for earlier in [&session, &second] {
        expect(&gateway, "4.3 a refresh token from before", &refresh(&earlier.refresh_token), &not_refreshed()).await;
        for request in reads(earlier) {
            expect(&gateway, "4.3 an access token lives on", &request, &Expected::data(200)).await;
        }
    }
    expect(&gateway, "4.3 the old password", &log_in(&session.email, PASSWORD), &not_logged_in()).await;
    let login = gateway.send(&log_in(&session.email, OTHER_PASSWORD)).await.expect_status(201);
    let next = login.text("/data/attributes/refreshToken");
    expect(&gateway, "4.3 a refresh token from afterwards", &refresh(&next), &Expected::data(201)).await;
}

async fn of_many_changes_at_once_one_counts(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let password = |index: usize| format!("Vestibule-{index}-Door!");
    let requests: Vec<Request> = (0..8)
        .map(|index| change_password(&session.reference, PASSWORD, &password(index)).bearer(&session.access_token))
        .collect();
    let answers = join_all(requests.iter().map(|request| gateway.send(request))).await;
    let winners: Vec<usize> = (0..8).filter(|index| answers[*index].status == 204).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    // Whoever had shown the old password before the winner was stored is told that it came to nothing, whoever came later
    // that it is wrong.
    let too_late = Expected::error(400, "407", "Failed to change password.");
    let wrong = Expected::error(400, "408", "Invalid password");
    let losers = || answers.iter().filter(|answer| answer.status != 204);
    assert!(
        losers().all(|answer| too_late.problems(answer).is_empty() || wrong.problems(answer).is_empty()),
        "{answers:?}"
    );
    assert!(losers().any(|answer| too_late.problems(answer).is_empty()), "4.3 none met the race: {answers:?}");
    expect(&gateway, "the winner's", &log_in(&session.email, &password(winners[0])), &Expected::data(201)).await;
}

async fn wrong_passwords_are_counted(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let change = |session: &Session, present: &str| {
        change_password(&session.reference, present, OTHER_PASSWORD).bearer(&session.access_token)
    };
    let wrong = Expected::error(400, "408", "Invalid password");
    for _ in 0..10 {
        expect(&gateway, "a wrong one", &change(&session, "Wrong-2nd-Door!"), &wrong).await;
    }
    expect(&gateway, "the right one, too late", &change(&session, PASSWORD), &wrong).await;
    expect(&gateway, "nobody else", &change(&other, PASSWORD), &Expected::no_content()).await;
    gateway.advance(301).await;
    expect(&gateway, "the right one, later", &change(&session, PASSWORD), &Expected::no_content()).await;
}

async fn no_key_is_of_use_for_anything_else(engine: Engine) {
    let gateway: Gateway = settings(engine).start().await;
    let email = "mira.olsen@example.com";
    let confirmation = gateway.register_for_key(email).await;
    let restore = gateway.restore_key(email).await;
    expect(&gateway, "a confirmation key", &restore_password(&confirmation, OTHER_PASSWORD), &no_restore_key()).await;
    expect(&gateway, "a restore key", &confirm(&restore), &spent_key()).await;
    gateway.confirm(&confirmation).await;
    let session = gateway.login(email).await;
    let change = gateway.email_change_key(&session, "nora.berg@example.com").await;
    expect(&gateway, "the key of a change", &restore_password(&change, OTHER_PASSWORD), &no_restore_key()).await;
    gateway.confirm(&change).await;
}
