//! What a customer ends with one call has ended, whatever other calls are under way at that moment.

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, Session, change_password, forgot_password, insert_address, log_in,
    new_address, on_both_databases, patch_customer, refresh, restore_password,
};

use crate::messages::{no_customer, not_refreshed};
use crate::shop::{OTHER_PASSWORD, expect, settings, with};

on_both_databases! {
    scenarios: [
        no_refresh_outlives_a_new_password, no_login_outlives_a_new_password, no_login_outlives_a_restore,
        nothing_outlives_a_customer, of_many_deletions_one_counts,
    ]
}

const ROUNDS: usize = 6;

/// A gateway without a lock, for every login here counts, and with a customer for each round.
async fn customers(engine: Engine) -> (Gateway, Vec<Session>) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "0").start().await;
    let mut sessions = Vec::new();
    for round in 0..ROUNDS {
        sessions.push(gateway.sign_in(&format!("mira-{round}@example.com")).await);
    }
    (gateway, sessions)
}

/// Exchanges a refresh token again and again until it is refused, or a thousand times.
async fn refresh_until_refused(gateway: &Gateway, token: &str) -> bool {
    let mut token = token.to_owned();
    for _ in 0..1_000 {
        let answer = gateway.send(&refresh(&token)).await;
        if answer.status != 201 {
            return true;
        }
        token = answer.text("/data/attributes/refreshToken");
    }
    false
}

async fn no_refresh_outlives_a_new_password(engine: Engine) {
    let (gateway, sessions) = customers(engine).await;
    for session in &sessions {
        let change = change_password(&session.reference, PASSWORD, OTHER_PASSWORD).bearer(&session.access_token);
        let (changed, refused) =
            tokio::join!(gateway.send(&change), refresh_until_refused(&gateway, &session.refresh_token));
        assert_eq!(changed.status, 204, "{changed:?}");
        assert!(refused, "4.3 a refresh token from before goes on and on");
    }
}

/// The refresh tokens of logins with a password, tried one after the other while something else is done.
async fn logins_during(gateway: &Gateway, email: &str, password: &str, other: &Request) -> Vec<String> {
    let request = log_in(email, password);
    let log_in_often = async {
        let mut tokens = Vec::new();
        loop {
            let answers = join_all((0..4).map(|_| gateway.send(&request))).await;
            let opened = answers.iter().filter(|answer| answer.status == 201);
            let before = tokens.len();
            tokens.extend(opened.map(|answer| answer.text("/data/attributes/refreshToken")));
            if tokens.len() == before {
                return tokens;
            }
        }
    };
    let (tokens, done) = tokio::join!(log_in_often, gateway.send(other));
    assert_eq!(done.status, 204, "{done:?}");
    tokens
}

async fn no_login_outlives_a_new_password(engine: Engine) {
    let (gateway, sessions) = customers(engine).await;
    for session in &sessions {
        let change = change_password(&session.reference, PASSWORD, OTHER_PASSWORD).bearer(&session.access_token);
        for token in logins_during(&gateway, &session.email, PASSWORD, &change).await {
            expect(&gateway, "4.3 a login with the old password", &refresh(&token), &not_refreshed()).await;
        }
    }
}

async fn no_login_outlives_a_restore(engine: Engine) {
    let (gateway, sessions) = customers(engine).await;
    for session in &sessions {
        let restore = restore_password(&gateway.restore_key(&session.email).await, OTHER_PASSWORD);
        for token in logins_during(&gateway, &session.email, PASSWORD, &restore).await {
            expect(&gateway, "4.2 a login with the old password", &refresh(&token), &not_refreshed()).await;
        }
    }
}

async fn nothing_outlives_a_customer(engine: Engine) {
    let (gateway, sessions) = customers(engine).await;
    let address = with(new_address(), &[("address1", Some(json!("Kieselgurstraße")))]);
    for session in &sessions {
        let token = session.access_token.as_str();
        let mut requests = vec![Request::delete(&session.path()).bearer(token)];
        for _ in 0..6 {
            requests.extend([
                insert_address(&session.reference, &address).bearer(token),
                patch_customer(&session.reference, &json!({ "firstName": "Mirabellissima" })).bearer(token),
                patch_customer(&session.reference, &json!({ "email": "norabella@example.org" })).bearer(token),
                forgot_password(&session.email),
                log_in(&session.email, PASSWORD),
            ]);
        }
        // The deletion in the midst of them.
        requests.rotate_left(1);
        let middle = requests.len() / 2;
        requests.rotate_left(middle);
        let answers = join_all(requests.iter().map(|request| gateway.send(request))).await;
        for (request, answer) in requests.iter().zip(&answers) {
            assert!(answer.status < 500, "{request}: {answer:?}");
        }
        let read = Request::get("/customers").bearer(token);
        expect(&gateway, "2.5 gone", &read, &no_customer()).await;
        for answer in answers.iter().filter(|answer| answer.body.contains("refreshToken")) {
            let token = answer.text("/data/attributes/refreshToken");
            expect(&gateway, "2.5 a login at that moment", &refresh(&token), &not_refreshed()).await;
        }
    }
    gateway.until_all_mail_is_sent().await;
    let rows = gateway.database().dump();
    for trace in ["Kieselgur", "Mirabell", "norabella", "mira-"] {
        assert!(!rows.contains(trace), "2.5 {trace} is left in\n{rows}");
    }
}

async fn of_many_deletions_one_counts(engine: Engine) {
    let (gateway, sessions) = customers(engine).await;
    for session in &sessions {
        let delete = Request::delete(&session.path()).bearer(&session.access_token);
        let answers = join_all((0..8).map(|_| gateway.send(&delete))).await;
        let done = answers.iter().filter(|answer| Expected::no_content().problems(answer).is_empty()).count();
        let gone = answers.iter().filter(|answer| no_customer().problems(answer).is_empty()).count();
        assert_eq!((done, gone), (1, 7), "2.5 {answers:?}");
    }
}
