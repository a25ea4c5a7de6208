//! The numbered acceptance cases. Each counts when all of it held.

use serde_json::{Value, json};
use testkit::{Engine, Expected, Request, check, count_case, on_both_databases, row};

use crate::ground::{
    Door, KIND, Merchant, ask_status, ask_token, bare, confirm_code, confirmed, insert_merchant, invalid_token,
    json_of, no_content, other_than, post, post_text, ruled_out, send_code, status_of, token_of, unauthorized, unknown,
    without_trace, wrong,
};

on_both_databases! {
    tables: [
        getting_a_token, without_a_good_token, creating, a_users_first_code, sending_again, an_unknown_user,
        no_code_at_all, wrong_codes, too_late, a_leading_zero, correlations, codes_of_others, old_clients,
    ]
}

async fn getting_a_token(engine: Engine) {
    let door = Door::open(engine).await;
    let grant = [("grant_type", "client_credentials")];
    let mistaken = Merchant { secret: "wrong".to_owned(), ..door.merchant.clone() };
    let good = Expected::other(200).at("/token_type", "Bearer").at("/expires_in", 3600);
    let refused = Expected::other(400).at("", json!({ "error": "invalid_client" }));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay 1: a token by client_credentials", ask_token(&door.merchant, &grant), good),
            row("10npay 1: the same with a wrong secret in the form", ask_token(&mistaken, &grant), refused),
        ],
    )
    .await;
}

async fn without_a_good_token(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let calls = [
        ("10npay 2, G7, B7: create", door.new_user("nora@example.com")),
        ("10npay 2, G7, B7: send", send_code(user.id, &user.email)),
        ("10npay 2, G7, B7: confirm", confirm_code(user.id, &user.mail.code)),
        ("10npay 2, G7, B7, T6: status", ask_status(user.id)),
    ];
    let mut rows = Vec::new();
    for (holds, request) in &calls {
        rows.push(row(holds, request.clone(), unauthorized(false)));
        rows.push(row(holds, request.clone().bearer("garbage"), unauthorized(true)));
        rows.push(row(holds, request.clone().header("Authorization", "Bearer"), unauthorized(true)));
    }
    check(engine, door.gateway.client(), &rows).await;
    door.gateway.advance(3600).await;
    let expired: Vec<_> =
        calls.iter().map(|(holds, request)| row(holds, door.own(request.clone()), unauthorized(true))).collect();
    check(engine, door.gateway.client(), &expired).await;
}

async fn creating(engine: Engine) {
    let door = Door::open(engine).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let other = insert_merchant(&door.gateway, engine, "Other").await;
    let answer = door.send(door.new_user("mira@example.com")).await.expect_status(201);
    let body = answer.json();
    let id = body["id"].as_i64().unwrap();
    assert!(body == json!({ "id": id }) && (1..=2_147_483_647).contains(&id), "{body}");
    let mail = door.gateway.mailbox().wait_for("mira@example.com").await;
    let groups: Vec<&str> =
        mail.text.split(|character: char| !character.is_ascii_digit()).filter(|digits| digits.len() == 6).collect();
    assert_eq!(groups, [mail.code.as_str()], "exactly one six-digit group: {}", mail.text);
    assert_eq!(door.mails("mira@example.com").await, 1);
    count_case(engine, "10npay 3, C4, C5: a new user gets a number and one mail with a code");

    let nobody = door.insert(Value::Null).await;
    assert_eq!(door.status(nobody).await, status_of(false, 50));
    assert_eq!(
        door.gateway.send(&Request::get("/mailbox/api/messages")).await.json()["messages"].as_array().unwrap().len(),
        1
    );
    count_case(engine, "10npay 4, C2: a user without address gets no mail");

    let again = door.new_user("MIRA@Example.com");
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay 5, C6, P5: not an address, within a trace",
                door.own(door.new_user("not-an-address")).header("traceparent", &parent),
                wrong("Email", &["Invalid email address"]).with(&format!("\"traceId\":\"00-{trace}-")),
            ),
            row(
                "10npay 6, C7: an empty address",
                door.own(door.new_user("")),
                wrong("Email", &["The Email field is required.", "Email address is required"]),
            ),
            row(
                "10npay 7, C9: the same address in other letters",
                door.own(again),
                ruled_out("Email already registered"),
            ),
            row(
                "10npay 8, C8: no merchant",
                door.own(post("/User", &json!({ "email": "nora@example.com" }))),
                wrong("MerchantId", &["The MerchantId field is required."]),
            ),
            row(
                "10npay 8, C1: a foreign merchant",
                door.own(post("/User", &json!({ "merchantId": other.id, "email": "nora@example.com" }))),
                bare(403),
            ),
        ],
    )
    .await;
    assert_eq!(door.mails("mira@example.com").await, 1, "no second account, no second mail");
}

async fn a_users_first_code(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay 9, T1: the status of a fresh user",
                door.own(ask_status(user.id)),
                json_of(status_of(false, 50)),
            ),
            row("10npay 10, E2, P6: the code", door.own(confirm_code(user.id, &user.mail.code)), confirmed()),
            row(
                "10npay 11, T3, T4: the status behind it",
                door.own(ask_status(user.id)),
                json_of(status_of(true, 200)),
            ),
            row(
                "10npay 12, E11: the same code again",
                door.own(confirm_code(user.id, &user.mail.code)),
                invalid_token(),
            ),
        ],
    )
    .await;
}

async fn sending_again(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let client = door.gateway.client();
    let first = confirm_code(user.id, &user.mail.code);
    check(
        engine,
        client,
        &[row("10npay 13, R2: another code", door.own(send_code(user.id, &user.email)), no_content())],
    )
    .await;
    let mail = door.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(&user.mail)).await;
    if mail.code != user.mail.code {
        check(engine, client, &[row("10npay 13, K2: the first code", door.own(first), invalid_token())]).await;
    }
    check(
        engine,
        client,
        &[
            row("10npay 13, K2: the newest code", door.own(confirm_code(user.id, &mail.code)), confirmed()),
            row("10npay 14, R3: once verified", door.own(send_code(user.id, &user.email)), no_content()),
        ],
    )
    .await;
    assert_eq!(door.mails(&user.email).await, 2, "10npay 14: no mail");

    let other = door.create("nora@example.com").await;
    check(
        engine,
        client,
        &[row(
            "10npay 15, R4: another address",
            door.own(send_code(other.id, "mira@example.com")),
            wrong("Email", &["The Email field must be the registered address."]),
        )],
    )
    .await;
    assert_eq!((door.mails(&other.email).await, door.mails(&user.email).await), (1, 2), "10npay 15: no mail");
    check(
        engine,
        client,
        &[row(
            "10npay 15: the old code is still valid",
            door.own(confirm_code(other.id, &other.mail.code)),
            confirmed(),
        )],
    )
    .await;
}

async fn an_unknown_user(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let stranger = insert_merchant(&door.gateway, engine, "Stranger").await;
    let foreign = token_of(&door.gateway, &stranger).await;
    let calls = |id: i64| [send_code(id, &user.email), confirm_code(id, &user.mail.code), ask_status(id)];
    let names = [
        "10npay 16, R5, P4: send to an unknown user",
        "10npay 16, E7: confirm an unknown user",
        "10npay 16, T6: status of an unknown user",
        "10npay 16, B6: send to another merchant's user",
        "10npay 16, B6: confirm another merchant's user",
        "10npay 16, B6: status of another merchant's user",
    ];
    let unknowns = calls(2_147_483_647).map(|request| door.own(request));
    let foreigners = calls(user.id).map(|request| request.bearer(&foreign));
    let requests = [unknowns, foreigners].concat();
    let rows: Vec<_> =
        names.into_iter().zip(&requests).map(|(holds, request)| row(holds, request.clone(), unknown())).collect();
    check(engine, door.gateway.client(), &rows).await;
    let mut told = Vec::new();
    for request in &requests {
        told.push(without_trace(&door.gateway.send(request).await));
    }
    assert!(told.iter().all(|body| *body == told[0]), "10npay 16: bodies are equal: {told:?}");
    assert!(!door.is_verified(user.id).await);
}

async fn no_code_at_all(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let required = || wrong("Token", &["The Token field is required."]);
    let with = |body: Value| door.own(post("/User/email/confirm", &body));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay 17, E4, G5, P1, P2: token missing", with(json!({ "id": user.id })), required()),
            row("10npay 17, E4: token null", with(json!({ "id": user.id, "token": null })), required()),
            row("10npay 17, E4: token empty", with(json!({ "id": user.id, "token": "" })), required()),
        ],
    )
    .await;
}

async fn wrong_codes(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let wrong = door.own(confirm_code(user.id, &other_than(&user.mail.code)));
    let mut rows = vec![row("10npay 18, E3: a wrong code", wrong, invalid_token()); 5];
    let right = door.own(confirm_code(user.id, &user.mail.code));
    rows.push(row("10npay 18, K4: the right code on try six", right, invalid_token()));
    check(engine, door.gateway.client(), &rows).await;
    let mail = door.resend(&user, &user.mail).await;
    check(
        engine,
        door.gateway.client(),
        &[row(
            "10npay 18, K4: the newest code, and the count begins anew",
            door.own(confirm_code(user.id, &mail.code)),
            confirmed(),
        )],
    )
    .await;
}

async fn too_late(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let wrong = door.send(confirm_code(user.id, &other_than(&user.mail.code))).await;
    door.gateway.advance(900).await;
    let right = confirm_code(user.id, &user.mail.code);
    check(
        engine,
        door.gateway.client(),
        &[row("10npay 19, K3: past the lifetime", door.own(right.clone()), invalid_token())],
    )
    .await;
    let late = door.send(right).await;
    assert_eq!(without_trace(&late), without_trace(&wrong), "10npay 19: the same body as a wrong one");
}

async fn a_leading_zero(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let mut mail = user.mail.clone();
    // One in ten begins with a zero.
    while !mail.code.starts_with('0') {
        mail = door.resend(&user, &mail).await;
    }
    let number: u32 = mail.code.parse().unwrap();
    let as_number = post("/User/email/confirm", &json!({ "id": user.id, "token": number }));
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay 20, E5: as a number",
                door.own(as_number),
                wrong("$.token", &["The JSON value could not be converted to a string."]),
            ),
            row(
                "10npay 20, K1: without its zero",
                door.own(confirm_code(user.id, &number.to_string())),
                invalid_token(),
            ),
            row("10npay 20, K1: a leading zero counts", door.own(confirm_code(user.id, &mail.code)), confirmed()),
        ],
    )
    .await;
}

async fn correlations(engine: Engine) {
    let door = Door::open(engine).await;
    let range = || wrong("CorrelationType", &["The CorrelationType field must be 0 or 1."]);
    let path = || wrong("$.correlationType", &["The JSON value could not be converted to an integer."]);
    for (index, (holds, correlation, expected)) in [
        ("10npay 21, E1: no correlation", None, confirmed()),
        ("10npay 21, E1: correlation 0", Some(json!(0)), confirmed()),
        ("10npay 21, E9: correlation 1", Some(json!(1)), confirmed()),
        ("10npay 21, E6: correlation 2", Some(json!(2)), range()),
        ("10npay 21, E6: correlation x", Some(json!("x")), path()),
        ("10npay E6: null counts as absent", Some(Value::Null), confirmed()),
    ]
    .into_iter()
    .enumerate()
    {
        let user = door.create(&format!("mira-{index}@example.com")).await;
        let mut body = json!({ "id": user.id, "token": user.mail.code });
        if let Some(correlation) = correlation {
            body["correlationType"] = correlation;
        }
        let request = door.own(post("/User/email/confirm", &body));
        check(engine, door.gateway.client(), &[row(holds, request, expected)]).await;
        // From its own row on: of all that confirm, one does so for the merchant.
        let notes = door.gateway.database().dump().matches("as a merchant").count();
        assert_eq!(notes, usize::from(index >= 2), "E9: what is kept of it after {holds}");
    }
}

async fn codes_of_others(engine: Engine) {
    let door = Door::open(engine).await;
    let (one, other) = (door.create("mira@example.com").await, door.create("nora@example.com").await);
    if one.mail.code == other.mail.code {
        return;
    }
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay 22, E8: one's code, another's id",
                door.own(confirm_code(other.id, &one.mail.code)),
                invalid_token(),
            ),
            row("10npay 22, E8: which stays good", door.own(confirm_code(one.id, &one.mail.code)), confirmed()),
        ],
    )
    .await;
    assert!(!door.is_verified(other.id).await);
}

async fn old_clients(engine: Engine) {
    let door = Door::open(engine).await;
    for (index, (holds, make)) in [
        (
            "10npay 23, G4: digits, other letters, more members",
            (|id: i64, code: &str| {
                post("/User/email/confirm", &json!({ "ID": id.to_string(), "Token": code, "more": [{ "x": null }] }))
            }) as fn(i64, &str) -> Request,
        ),
        ("10npay 23, G3: application/json-patch+json", |id, code| {
            confirm_code(id, code).header("Content-Type", "application/json-patch+json")
        }),
        ("10npay G3: text/json in UTF-8", |id, code| {
            confirm_code(id, code).header("Content-Type", "text/json; charset=utf-8")
        }),
        ("10npay G1, G2: the alias, in other letters, with a slash", |id, code| {
            post("/api/V1/user/Email/CONFIRM/", &json!({ "id": id, "token": code }))
        }),
        ("10npay K1: blanks around a code", |id, code| confirm_code(id, &format!(" {code}\n"))),
        ("10npay G8: plain text accepted", |id, code| confirm_code(id, code).header("Accept", "text/plain")),
        ("10npay G8: nothing said of what is accepted", |id, code| confirm_code(id, code).without("Accept")),
    ]
    .into_iter()
    .enumerate()
    {
        let user = door.create(&format!("mira-{index}@example.com")).await;
        let request = door.own(make(user.id, &user.mail.code));
        check(engine, door.gateway.client(), &[row(holds, request, confirmed())]).await;
    }
    let user = door.create("mira@example.com").await;
    let broken = post_text("/User/email/confirm", "{\"id\":");
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay E5: broken JSON", door.own(broken), wrong("$", &["The body is not valid JSON."])),
            row(
                "10npay E5: an id that is a word",
                door.own(post("/User/email/confirm", &json!({ "id": "x", "token": user.mail.code }))),
                wrong("$.id", &["The JSON value could not be converted to an integer."]),
            ),
        ],
    )
    .await;
}
