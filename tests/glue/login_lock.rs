//! Section 6.5: ten wrong tries, and the door stays shut for five minutes.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, Engine, Expected, Gateway, PASSWORD, Request, check, document, log_in, on_both_databases, row};

use crate::messages::{MISSING, NOT_EMAIL, no_document, no_route, not_logged_in, violations, wrong_type};
use crate::shop::{GUEST, Shop, expect, settings};

on_both_databases! {
    tables: [a_locked_door, spellings, clients, other_numbers, without_a_lock]
    scenarios: [
        ten_tries, the_block_ends_and_is_not_extended, the_window_ends, a_success_does_not_reset, both_doors_count,
        an_unknown_user_is_locked_out_too, an_unconfirmed_one_too, a_burst_of_guesses,
    ]
}

const ENGLISH: &str = "Too many log in attempts from your address. Please wait 5 minutes before trying again.";
const GERMAN: &str = "Warten Sie bitte 5 Minuten, bevor Sie es erneut versuchen.";
const WRONG: &str = "Wrong-2nd-Door!";

fn locked(detail: &str) -> Expected {
    Expected::error(429, "4401", detail)
}

fn oauth(username: &str, password: &str) -> Request {
    Request::form("/token", &[("grant_type", "password"), ("username", username), ("password", password)])
}

fn oauth_locked(description: &str) -> Expected {
    Expected::other(429)
        .header("Content-Type", "application/json")
        .at("", json!({ "error": "invalid_grant", "error_description": description }))
}

fn oauth_wrong() -> Expected {
    Expected::other(400)
        .at("", json!({ "error": "invalid_grant", "error_description": "The user credentials were incorrect." }))
}

/// So many wrong tries, each of which must be told so.
async fn wrong_tries(gateway: &Gateway, username: &str, count: usize) {
    for _ in 0..count {
        expect(gateway, "6.5 a wrong try that counts", &log_in(username, WRONG), &not_logged_in()).await;
    }
}

fn wait(answer: &Answer) -> u64 {
    let seconds = answer.header("Retry-After").and_then(|seconds| seconds.parse().ok());
    seconds.unwrap_or_else(|| panic!("no Retry-After in {answer:?}"))
}

async fn ten_tries(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    wrong_tries(&gateway, &session.email, 10).await;
    let eleventh = gateway.send(&log_in(&session.email, WRONG)).await;
    assert!(locked(GERMAN).problems(&eleventh).is_empty(), "6.5 the eleventh: {eleventh:?}");
    assert!((290..=300).contains(&wait(&eleventh)), "6.5 how long: {eleventh:?}");
    let right = gateway.send(&log_in(&session.email, PASSWORD)).await;
    assert!(locked(GERMAN).problems(&right).is_empty(), "6.5 also the right password: {right:?}");
    gateway.advance(100).await;
    let later = gateway.send(&log_in(&session.email, PASSWORD)).await;
    assert!(locked(GERMAN).problems(&later).is_empty(), "6.5 the number is never the time left: {later:?}");
    assert!((190..=200).contains(&wait(&later)), "the time left is in the header: {later:?}");
}

async fn a_locked_door(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    wrong_tries(&gateway, &session.email, 10).await;
    let email = session.email.as_str();
    let attributes = |attributes: Value| Request::post("/access-tokens", &document("access-tokens", &attributes));
    let locked = || locked(GERMAN);
    check(
        engine,
        gateway.client(),
        &[
            row("6.5 the right password", log_in(email, PASSWORD), locked()),
            row("6.5 in German", log_in(email, PASSWORD).header("Accept-Language", "de-DE"), {
                locked().header("Content-Language", "de_DE")
            }),
            row("6.5 in English", log_in(email, PASSWORD).header("Accept-Language", "en"), {
                self::locked(ENGLISH).header("Content-Language", "en_US")
            }),
            row("6.5 before 901: an empty password", log_in(email, ""), locked()),
            row("6.5 before 901: no password", attributes(json!({ "username": email })), locked()),
            row(
                "6.5 before 901: a password that is a list",
                attributes(json!({ "username": email, "password": [] })),
                locked(),
            ),
            row("1.4 row 6b before 6c", log_in(email, PASSWORD).bearer("x").header(GUEST, "guest-1"), locked()),
            row("1.4 row 6b before 6e", log_in(email, PASSWORD).bearer("x"), locked()),
            row(
                "1.4 row 6b: a good token does not help",
                log_in(email, PASSWORD).bearer(&session.access_token),
                locked(),
            ),
            row(
                "1.4 row 3 before 6b",
                Request::post("/access-tokens", &document("x", &json!({ "username": email, "password": "x" }))),
                wrong_type(),
            ),
            row("1.4 row 4 before 6b", Request::new("POST", "/access-tokens").body("{"), no_document()),
            row(
                "1.4 row 1 before 6b",
                Request::post("/access-tokens/x", &document("access-tokens", &json!({}))),
                no_route(),
            ),
            row("6.5 no user is nobody", attributes(json!({ "password": "x" })), violations("username", &[MISSING])),
            row("6.5 another user", log_in(&other.email, PASSWORD), Expected::data(201)),
            row("6.5 another user, wrong", log_in(&other.email, WRONG), not_logged_in()),
            row("6.5 a user that is no address", log_in("mira", WRONG), violations("username", &[NOT_EMAIL])),
            row("6.5 GET is no login", Request::get("/access-tokens"), Expected::data(200)),
            row(
                "6.5 a session lives on",
                Request::get("/customers").bearer(&session.access_token),
                Expected::data(200),
            ),
            row("6.5 a refresh is no login", testkit::refresh(&session.refresh_token), Expected::data(201)),
            row("6.4 the other door", oauth(email, PASSWORD), oauth_locked(GERMAN)),
            row(
                "6.4 the other door, in English",
                oauth(email, PASSWORD).header("Accept-Language", "en"),
                oauth_locked(ENGLISH),
            ),
            row("6.4 the other door, another user", oauth(&other.email, PASSWORD), Expected::other(200)),
        ],
    )
    .await;
    assert!((1..=300).contains(&wait(&gateway.send(&oauth(email, PASSWORD)).await)), "6.4 how long");
}

async fn spellings(engine: Engine) {
    let gateway = settings(engine).start().await;
    gateway.sign_in("jörg@bücher.example").await;
    let wrong = not_logged_in;
    let tries = ["jörg@bücher.example", "JÖRG@BÜCHER.example", "jörg@xn--bcher-kva.example", "Jörg@Bücher.Example"];
    let mut rows: Vec<_> =
        (0..10).map(|index| row("6.5 a wrong try", log_in(tries[index % 4], WRONG), wrong())).collect();
    rows.extend(
        tries.map(|spelling| row("6.5 all spellings share a lock", log_in(spelling, PASSWORD), locked(GERMAN))),
    );
    rows.push(row("6.5 a tag makes another", log_in("jörg+x@bücher.example", WRONG), wrong()));
    // What is no address has a lock as well.
    rows.extend(
        (0..10).map(|index| row("6.4 a wrong try", oauth(["nobody", "NoBody"][index % 2], WRONG), oauth_wrong())),
    );
    rows.push(row("6.5 the spelling of what is no address", oauth("NOBODY", WRONG), oauth_locked(GERMAN)));
    let long = "a".repeat(5_000);
    rows.push(row("6.5 a very long user", oauth(&long, WRONG), oauth_wrong()));
    rows.push(row("6.5 a control character", oauth("\0", WRONG), oauth_wrong()));
    check(engine, gateway.client(), &rows).await;
}

async fn clients(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__HTTP__TRUSTED_PROXIES", "127.0.0.1/32").start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let from = |client: &str, password: &str| log_in(&session.email, password).header("X-Forwarded-For", client);
    let mut rows: Vec<_> = (0..10).map(|_| row("6.5 a wrong try", from("192.0.2.7", WRONG), not_logged_in())).collect();
    rows.push(row("6.5 this client is locked out", from("192.0.2.7", PASSWORD), locked(GERMAN)));
    rows.push(row("6.5 another client is not", from("192.0.2.8", PASSWORD), Expected::data(201)));
    rows.extend(
        (0..10)
            .map(|index| row("6.5 a wrong try over IPv6", from(&format!("2001:db8::{index}"), WRONG), not_logged_in())),
    );
    rows.push(row("6.5 a network of IPv6 is one client", from("2001:db8::ffff:1", PASSWORD), locked(GERMAN)));
    rows.push(row("6.5 another network is not", from("2001:db8:0:1::1", PASSWORD), Expected::data(201)));
    check(engine, gateway.client(), &rows).await;
}

async fn the_block_ends_and_is_not_extended(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    wrong_tries(&gateway, &session.email, 10).await;
    for _ in 0..2 {
        gateway.advance(140).await;
        for password in [WRONG, PASSWORD] {
            expect(&gateway, "6.5 blocked", &log_in(&session.email, password), &locked(GERMAN)).await;
        }
    }
    gateway.advance(21).await;
    expect(&gateway, "6.5 after 300 seconds", &log_in(&session.email, PASSWORD), &Expected::data(201)).await;
    wrong_tries(&gateway, &session.email, 10).await;
    expect(&gateway, "6.5 ten more, and again", &log_in(&session.email, PASSWORD), &locked(GERMAN)).await;
}

async fn the_window_ends(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    wrong_tries(&gateway, &session.email, 5).await;
    gateway.advance(300).await;
    wrong_tries(&gateway, &session.email, 4).await;
    // From the first failure on, not from the last.
    gateway.advance(301).await;
    wrong_tries(&gateway, &session.email, 9).await;
    expect(&gateway, "6.5 the window begins anew", &log_in(&session.email, PASSWORD), &Expected::data(201)).await;
    wrong_tries(&gateway, &session.email, 1).await;
    expect(&gateway, "6.5 ten in one window", &log_in(&session.email, PASSWORD), &locked(GERMAN)).await;
}

async fn a_success_does_not_reset(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    wrong_tries(&gateway, &session.email, 9).await;
    expect(&gateway, "6.5 a success", &log_in(&session.email, PASSWORD), &Expected::data(201)).await;
    wrong_tries(&gateway, &session.email, 1).await;
    expect(&gateway, "6.5 the tenth", &log_in(&session.email, PASSWORD), &locked(GERMAN)).await;
}

async fn both_doors_count(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    for _ in 0..5 {
        expect(&gateway, "6.5 one door", &log_in(&session.email, WRONG), &not_logged_in()).await;
        expect(&gateway, "6.4 the other", &oauth(&session.email, WRONG), &oauth_wrong()).await;
    }
    expect(&gateway, "6.5 one door", &log_in(&session.email, PASSWORD), &locked(GERMAN)).await;
    expect(&gateway, "6.4 the other", &oauth(&session.email, PASSWORD), &oauth_locked(GERMAN)).await;
    gateway.advance(301).await;
    let other_grants = [
        Request::form("/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]),
        Request::form("/token", &[("grant_type", "password"), ("username", &session.email)]),
    ];
    for request in other_grants.iter().cycle().take(20) {
        expect(&gateway, "6.4 what guesses no password does not count", request, &Expected::other(400)).await;
    }
    for _ in 0..12 {
        let empty = log_in(&session.email, "");
        expect(&gateway, "6.5 901 does not count", &empty, &violations("password", &[crate::messages::BLANK])).await;
    }
    expect(&gateway, "6.5 still open", &log_in(&session.email, PASSWORD), &Expected::data(201)).await;
}

async fn an_unknown_user_is_locked_out_too(engine: Engine) {
    let gateway = settings(engine).start().await;
    wrong_tries(&gateway, "nobody@example.com", 10).await;
    expect(&gateway, "6.5 a lock tells nothing", &log_in("nobody@example.com", WRONG), &locked(GERMAN)).await;
}

async fn an_unconfirmed_one_too(engine: Engine) {
    let gateway = settings(engine).start().await;
    let key = gateway.register_for_key("open@example.com").await;
    for _ in 0..10 {
        expect(&gateway, "6.5 the right one, too early", &log_in("open@example.com", PASSWORD), &not_logged_in()).await;
    }
    gateway.confirm(&key).await;
    expect(&gateway, "6.5 blocked", &log_in("open@example.com", PASSWORD), &locked(GERMAN)).await;
    gateway.advance(301).await;
    gateway.login("open@example.com").await;
}

async fn a_burst_of_guesses(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let guesses: Vec<Request> = (0..64).map(|index| log_in(&session.email, &format!("Wrong-{index}-Door!"))).collect();
    let answers = join_all(guesses.iter().map(|request| gateway.send(request))).await;
    let told = answers.iter().filter(|answer| answer.status == 401).count();
    let shut = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((told, shut), (10, 54), "6.5 as many answers as tries: {answers:?}");
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        assert!(locked(GERMAN).problems(answer).is_empty(), "{answer:?}");
    }
    expect(&gateway, "6.5 and then none", &log_in(&session.email, PASSWORD), &locked(GERMAN)).await;
    gateway.advance(301).await;
    // The right one among wrong ones may come through or not, but it is never told apart from them once the door is shut.
    let guesses: Vec<Request> = (0..64)
        .map(|index| if index == 63 { log_in(&session.email, PASSWORD) } else { log_in(&session.email, WRONG) })
        .collect();
    let answers = join_all(guesses.iter().map(|request| gateway.send(request))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert!(count(401) <= 10 && count(201) <= 1 && count(401) + count(201) + count(429) == 64, "6.5 {answers:?}");
}

async fn other_numbers(engine: Engine) {
    let gateway = settings(engine)
        .set("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "2")
        .set("VESTIBULE__ACCOUNTS__LOGIN_BLOCK_SECONDS", "61")
        .start()
        .await;
    let email = gateway.sign_in("mira.olsen@example.com").await.email;
    let english = |request: Request| request.header("Accept-Language", "en");
    check(
        engine,
        gateway.client(),
        &[
            row("6.5 one try", log_in(&email, WRONG), not_logged_in()),
            row("6.5 two tries", log_in(&email, WRONG), not_logged_in()),
            row("6.5 as many minutes as the block has, rounded up", english(log_in(&email, PASSWORD)), {
                locked("Too many log in attempts from your address. Please wait 2 minutes before trying again.")
            }),
        ],
    )
    .await;
    gateway.advance(62).await;
    expect(&gateway, "6.5 after the block", &log_in(&email, PASSWORD), &Expected::data(201)).await;
}

async fn without_a_lock(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "0").start().await;
    let email = gateway.sign_in("mira.olsen@example.com").await.email;
    let mut rows: Vec<_> = (0..15).map(|_| row("6.5 switched off", log_in(&email, WRONG), not_logged_in())).collect();
    rows.push(row("6.5 switched off, the right one", log_in(&email, PASSWORD), Expected::data(201)));
    check(engine, gateway.client(), &rows).await;
}
