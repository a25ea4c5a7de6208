//! Two gateways on one PostgreSQL are one shop.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Engine, Gateway, PASSWORD, Request, change_password, confirm, count_case, forgot_password, insert_address, log_in,
    new_address, refresh, register, resend, restore_password, sign_up,
};

const ADDRESS: &str = "mira@example.com";

/// Two nodes that share database, keys and mailbox.
async fn nodes() -> [Gateway; 2] {
    let first = Gateway::on(Engine::Postgres).start().await;
    let mailbox = first.folder().join("mailbox").display().to_string();
    let database = first.database();
    let second = Gateway::on(Engine::Postgres).database(&Arc::clone(&database));
    let second = second.set("VESTIBULE__MAIL__MAILBOX__PATH", &mailbox).start().await;
    [first, second]
}

#[tokio::test]
async fn a_session_may_change_the_node_at_every_step() {
    let [first, second] = nodes().await;
    first.register(ADDRESS).await;
    let mail = second.mailbox().wait_for(ADDRESS).await;
    second.confirm(&mail.token).await;
    assert_eq!(first.send(&confirm(&mail.token)).await.status, 422, "used on the other node");
    for (one, other) in [(&first, &second), (&second, &first)] {
        let session = one.login(ADDRESS).await;
        let own = other.send(&Request::get("/customers").bearer(&session.access_token)).await.expect_status(200);
        assert_eq!(own.text("/data/0/id"), session.reference, "either node knows the other's tokens");
        assert_eq!(other.send(&refresh(&session.refresh_token)).await.status, 201);
        assert_eq!(one.send(&refresh(&session.refresh_token)).await.status, 401, "used on the other node");
    }
    count_case(Engine::Postgres, "a_session_may_change_the_node_at_every_step");
}

#[tokio::test]
async fn what_must_hold_once_holds_once_for_both() {
    let nodes = nodes().await;
    let requests: Vec<Request> = (0..32).map(|_| register(&sign_up(ADDRESS))).collect();
    let answers = join_all(requests.iter().zip(nodes.iter().cycle()).map(|(request, node)| node.send(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 8, "open claims on one address");
    nodes[0].until_all_mail_is_sent().await;
    let mails = nodes[0].mailbox().list(ADDRESS).await;
    assert_eq!(mails.len(), 8, "each mail is sent by one of the nodes");

    let keys = [confirm(&mails[0].token), confirm(&mails[1].token)];
    let sent = (0..64).map(|index| nodes[index % 2].send(&keys[index / 2 % 2]));
    let answers = join_all(sent).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert!(answers.iter().all(|answer| [204, 422].contains(&answer.status)));
    count_case(Engine::Postgres, "what_must_hold_once_holds_once_for_both");
}

#[tokio::test]
async fn a_cool_down_holds_for_both() {
    let [first, second] = nodes().await;
    first.register(ADDRESS).await;
    first.mailbox().wait_for(ADDRESS).await;
    for node in [&first, &second, &first, &second] {
        assert_eq!(node.send(&resend(ADDRESS)).await.status, 204);
    }
    first.until_all_mail_is_sent().await;
    assert_eq!(first.mailbox().list(ADDRESS).await.len(), 2);
    count_case(Engine::Postgres, "a_cool_down_holds_for_both");
}

#[tokio::test]
async fn a_login_lock_holds_for_both() {
    let nodes = nodes().await;
    let session = nodes[0].sign_in(ADDRESS).await;
    for index in 0..10 {
        let answer = nodes[index % 2].send(&log_in(ADDRESS, "Wrong-2nd-Door!")).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    for node in &nodes {
        assert_eq!(node.send(&log_in(ADDRESS, PASSWORD)).await.status, 429, "tried on either node");
        // Each node has a clock of its own here.
        node.advance(301).await;
    }
    for node in &nodes {
        assert_eq!(node.login(ADDRESS).await.reference, session.reference);
    }
    let guesses: Vec<Request> = (0..64).map(|index| log_in(ADDRESS, &format!("Wrong-{index}-Door!"))).collect();
    let answers = join_all(guesses.iter().zip(nodes.iter().cycle()).map(|(guess, node)| node.send(guess))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (10, 54), "a burst on both nodes: {answers:?}");
    count_case(Engine::Postgres, "a_login_lock_holds_for_both");
}

#[tokio::test]
async fn an_account_is_the_same_on_both() {
    let [first, second] = nodes().await;
    let session = first.sign_in(ADDRESS).await;
    let insert = |node: &Gateway| {
        let client = node.client();
        let request = insert_address(&session.reference, &new_address()).bearer(&session.access_token);
        async move { client.send(&request).await.expect_status(201) }
    };
    let (one, other) = (insert(&first).await, insert(&second).await);
    assert_ne!(one.text("/data/id"), other.text("/data/id"));
    let both = join_all((0..16).map(|index| insert(if index % 2 == 0 { &first } else { &second }))).await;
    assert_eq!(both.len(), 16);
    let list = Request::get(&session.addresses()).bearer(&session.access_token);
    let addresses = first.send(&list).await.expect_status(200).json();
    let addresses = addresses["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(addresses.len(), 18);
    let defaults = |name: &str| addresses.iter().filter(|address| address["attributes"][name] == true).count();
    assert_eq!((defaults("isDefaultShipping"), defaults("isDefaultBilling")), (1, 1));

    // A key of one node is good on the other, and once; what it ends has an end on both.
    assert_eq!(first.send(&forgot_password(ADDRESS)).await.status, 204);
    assert_eq!(second.send(&forgot_password(ADDRESS)).await.status, 204, "a cool-down for both");
    let mail = second.mailbox().wait_for_kind(ADDRESS, "restore-password", None).await;
    first.until_all_mail_is_sent().await;
    let mails = first.mailbox().list(ADDRESS).await;
    assert_eq!(mails.iter().filter(|mail| mail.kind == "restore-password").count(), 1, "a cool-down for both");
    second.advance(5).await;
    first.advance(5).await;
    let requests: Vec<Request> =
        (0..8).map(|index| restore_password(&mail.token, &format!("Vestibule-{index}-Door!"))).collect();
    let answers = join_all(
        requests.iter().enumerate().map(
            |(index, restore)| {
                if index % 2 == 0 { first.send(restore) } else { second.send(restore) }
            },
        ),
    )
    .await;
    let winners: Vec<usize> = (0..8).filter(|index| answers[*index].status == 204).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    let restored = format!("Vestibule-{}-Door!", winners[0]);
    for node in [&first, &second] {
        assert_eq!(node.send(&list).await.status, 401, "an access token from before");
        assert_eq!(node.send(&refresh(&session.refresh_token)).await.status, 401, "a refresh token from before");
        assert_eq!(node.send(&log_in(ADDRESS, &restored)).await.status, 201);
    }
    let token = second.send(&log_in(ADDRESS, &restored)).await.expect_status(201).text("/data/attributes/accessToken");
    let change = change_password(&session.reference, &restored, PASSWORD).bearer(&token);
    assert_eq!(first.send(&change).await.status, 204);
    assert_eq!(second.send(&log_in(ADDRESS, PASSWORD)).await.status, 201);
    let delete = Request::delete(&session.path()).bearer(&token);
    assert_eq!(second.send(&delete).await.status, 204);
    assert_eq!(first.send(&delete).await.status, 404, "gone on the other node");
    count_case(Engine::Postgres, "an_account_is_the_same_on_both");
}

#[tokio::test]
async fn a_code_is_good_once_for_both() {
    let nodes = nodes().await;
    let database = nodes[0].database();
    let command = Gateway::on(Engine::Postgres).database(&database);
    let made = command.run(&["merchants", "create", "--name", "Harbour Toys", "--json"]).await;
    let line = made.output.lines().find(|line| line.starts_with('{')).map(str::to_owned).unwrap_or(made.output);
    let made: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (client, secret) = (text("clientId"), text("clientSecret"));
    let fields = [("grant_type", "client_credentials"), ("client_id", &client), ("client_secret", &secret)];
    let token = nodes[0].send(&Request::form("/connect/token", &fields)).await.expect_status(200).text("/access_token");
    let post =
        |path: &str, body: &Value| Request::post(path, body).header("Content-Type", "application/json").bearer(&token);
    let create = post("/User", &json!({ "merchantId": made["merchantId"], "email": ADDRESS }));
    let id = nodes[1].send(&create).await.expect_status(201).json()["id"].clone();
    let mail = nodes[0].mailbox().wait_for(ADDRESS).await;

    let confirm = |code: &str| post("/User/email/confirm", &json!({ "id": id, "token": code }));
    let ask = async |request: &Request, count: usize| {
        let answers = join_all((0..count).map(|index| nodes[index % 2].send(request))).await;
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    };
    let wrong = if mail.code == "000000" { "000001" } else { "000000" };
    let guesses = ask(&confirm(wrong), 200).await;
    assert!(guesses.iter().all(|status| [400, 503].contains(status)), "{guesses:?}");
    let left = database.dump();
    assert_eq!(nodes[0].send(&confirm(&mail.code)).await.status, 400, "five guesses used the code up: {left}");
    count_case(Engine::Postgres, "10npay K4: of two hundred guesses on two nodes five are looked at");

    for node in &nodes {
        node.advance(60).await;
    }
    let send = post("/User/email/send-confirmation", &json!({ "id": id, "email": ADDRESS }));
    nodes[1].send(&send).await.expect_status(204);
    let mail = nodes[0].mailbox().wait_for_next(&mail).await;
    let confirmed = ask(&confirm(&mail.code), 20).await;
    assert_eq!(confirmed.iter().filter(|status| **status == 200).count(), 1, "{confirmed:?}");
    assert!(confirmed.iter().all(|status| [200, 400].contains(status)), "{confirmed:?}");
    count_case(Engine::Postgres, "10npay 24, K6: of twenty confirmations on two nodes one counts");
}

#[tokio::test]
async fn the_mail_of_a_dead_node_is_sent_by_the_other() {
    let [first, second] = nodes().await;
    for index in 0..6 {
        first.register(&format!("mira-{index}@example.com")).await;
    }
    // Its folder stays: the mailbox of both lies there.
    let _files = first.kill().await;
    testkit::eventually("the lease of the dead node ends", async || {
        second.advance(120).await;
        second.send(&Request::get("/health/ready")).await.json()["outbox"]["queued"] == 0
    })
    .await;
    for index in 0..6 {
        let address = format!("mira-{index}@example.com");
        second.confirm(&second.mailbox().wait_for(&address).await.token).await;
        assert_eq!(second.send(&log_in(&address, PASSWORD)).await.status, 201);
    }
    count_case(Engine::Postgres, "the_mail_of_a_dead_node_is_sent_by_the_other");
}
