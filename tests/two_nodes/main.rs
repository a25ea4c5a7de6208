//! Two gateways on one PostgreSQL are one shop.

use std::sync::Arc;

use futures_util::future::join_all;
use testkit::{Engine, Gateway, PASSWORD, Request, confirm, count_case, log_in, refresh, register, resend, sign_up};

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
