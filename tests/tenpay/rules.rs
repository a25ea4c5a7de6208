//! The rules beside the acceptance cases.

use serde_json::{Value, json};
use testkit::{Engine, Expected, Request, check, count_case, on_both_databases, row};

use crate::ground::{
    Door, KIND, ask_status, bare, confirm_code, confirmed, created, insert_merchant, invalid_token, json_of,
    no_content, other_than, post, post_text, ruled_out, send_code, settings, status_of, token_of, too_large, too_many,
    unknown, unsupported, without_trace, wrong,
};

on_both_databases! {
    tables: [
        bodies, new_users, claims_elsewhere, open_claims_that_stand_in_the_way, too_many_claims,
        a_hardened_shop_answers_alike, whoever_loses_a_race_follows, sends_that_are_refused, how_often, in_silence,
        codes_and_ids, statuses, states, what_an_operator_demands, methods, traces, broken_database,
    ]
}

async fn bodies(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let typed = |content_type: &str| {
        door.own(confirm_code(user.id, &other_than(&user.mail.code))).header("Content-Type", content_type)
    };
    let long = format!(r#"{{"id":1,"token":"{}"}}"#, "x".repeat(300_000));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay G3, P3: XML", typed("application/xml"), unsupported()),
            row("10npay G3: a form", typed("application/x-www-form-urlencoded"), unsupported()),
            row("10npay G3: UTF-16", typed("application/json; charset=utf-16"), unsupported()),
            row("10npay G3: no type", typed("x").without("Content-Type"), unsupported()),
            row("10npay G3: JSON:API is JSON", typed("application/vnd.api+json"), invalid_token()),
            row("10npay P8: too long", door.own(post_text("/User/email/confirm", &long)), too_large()),
            row(
                "10npay E5: nothing at all",
                door.own(post_text("/User/email/confirm", "")),
                wrong("$", &["A non-empty request body is required."]),
            ),
            row(
                "10npay E5: a list",
                door.own(post_text("/User", "[]")),
                wrong("$", &["The JSON value could not be converted to an object."]),
            ),
            row(
                "10npay G4: an address that is a number",
                door.own(post("/User", &json!({ "merchantId": door.merchant.id, "email": 7 }))),
                wrong("$.email", &["The JSON value could not be converted to a string."]),
            ),
            row(
                "10npay G4: a merchant in digits",
                door.own(post(
                    "/User",
                    &json!({ "MERCHANTID": door.merchant.id.to_string(), "Email": "nora@example.com" }),
                )),
                created(),
            ),
        ],
    )
    .await;
}

async fn new_users(engine: Engine) {
    let door = Door::open(engine).await;
    let with =
        |data: Value| door.own(post("/User", &json!({ "merchantId": door.merchant.id, "additionalData": data })));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay C3: additional data", with(json!({ "type": "onboarding", "data": { "n": 1 } })), created()),
            row("10npay C3: none", with(Value::Null), created()),
            row("10npay C3: its parts may be null", with(json!({ "type": null, "data": null })), created()),
            row(
                "10npay C3, G9: data that names a NUL is kept as given",
                with(json!({ "type": "x", "data": { "n": "a\u{0}b" } })),
                created(),
            ),
            row(
                "10npay C3, G9: a type with a NUL in it",
                with(json!({ "type": "a\u{0}b" })),
                wrong("$.additionalData.type", &["The JSON value could not be converted to a string."]),
            ),
            row(
                "10npay C6, G9: an address with a NUL in it",
                door.own(door.new_user("mi\u{0}ra@example.com")),
                wrong("$.email", &["The JSON value could not be converted to a string."]),
            ),
            row(
                "10npay C6, G9: an address with another control character in it",
                door.own(door.new_user("mi\u{7}ra@example.com")),
                wrong("Email", &["Invalid email address"]),
            ),
            row(
                "10npay C4, G9: a language that is none",
                door.own(door.new_user("lena@example.com")).header("Accept-Language", "%00, ü, de;q=x"),
                created(),
            ),
            row(
                "10npay C3: its type is a text",
                with(json!({ "type": 7 })),
                wrong("$.additionalData.type", &["The JSON value could not be converted to a string."]),
            ),
            row(
                "10npay C3: too much of it",
                with(json!({ "data": { "x": "y".repeat(16_384) } })),
                wrong("AdditionalData", &["The AdditionalData field must be at most 16384 bytes long."]),
            ),
            row(
                "10npay C1: a merchant below 1",
                door.own(post("/User", &json!({ "merchantId": 0 }))),
                wrong("MerchantId", &["The MerchantId field must be between 1 and 2147483647."]),
            ),
            row(
                "10npay C8: no member email",
                door.own(post("/User", &json!({ "merchantId": door.merchant.id }))),
                created(),
            ),
        ],
    )
    .await;
    let answer = door.send(door.new_user("mira@example.com")).await.expect_status(201);
    let id = answer.json()["id"].as_i64().unwrap();
    assert_eq!(answer.header("Location"), Some(format!("/User/{id}/status").as_str()), "{answer:?}");
    count_case(engine, "10npay C4: a new user has a place");

    // Numbers are this door's own.
    let customer = door.gateway.sign_in("nora@example.com").await;
    let next = door.insert("olga@example.com").await;
    assert_eq!(next, id + 1);
    let shown = format!("{:?}", door.send(ask_status(next)).await);
    assert!(!shown.contains("DE--") && customer.reference.starts_with("DE--"), "{shown}");
    count_case(engine, "10npay G6: a number of the door's own");
}

async fn claims_elsewhere(engine: Engine) {
    let door = Door::open(engine).await;
    let other = insert_merchant(&door.gateway, engine, "Other").await;
    let token = token_of(&door.gateway, &other).await;
    door.gateway.register("mira@example.com").await;
    door.insert("mira@example.com").await;
    let owner = door.gateway.sign_in("nora@example.com").await;
    let theirs = post("/User", &json!({ "merchantId": other.id, "email": "Mira@example.com" })).bearer(&token);
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay C9: another merchant's claim does not count", theirs.clone(), created()),
            row("10npay C9: one's own does", theirs, ruled_out("Email already registered")),
            row("10npay C9: an account", door.own(door.new_user(owner.email)), ruled_out("Email already registered")),
            row(
                "10npay C9: blanks do not count",
                door.own(door.new_user(" mira@example.com ")),
                ruled_out("Email already registered"),
            ),
        ],
    )
    .await;
}

async fn open_claims_that_stand_in_the_way(engine: Engine) {
    let door = Door::with(engine, settings(engine).set("VESTIBULE__ACCOUNTS__REREGISTRATION", "reject")).await;
    door.gateway.register("mira@example.com").await;
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay C9: a claim made elsewhere, where open claims stand in the way",
                door.own(door.new_user("mira@example.com")),
                ruled_out("Email already registered"),
            ),
            row("10npay C9: no claim at all", door.own(door.new_user("nora@example.com")), created()),
        ],
    )
    .await;
}

async fn too_many_claims(engine: Engine) {
    for enumeration in ["glue", "hardened"] {
        let limited = settings(engine)
            .set("VESTIBULE__ACCOUNTS__ENUMERATION", enumeration)
            .set("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "2");
        let door = Door::with(engine, limited).await;
        for _ in 0..2 {
            door.gateway.register("mira@example.com").await;
        }
        door.gateway.register("nora@example.com").await;
        check(
            engine,
            door.gateway.client(),
            &[
                row(
                    "10npay C9: a claim beyond the last that there may be",
                    door.own(door.new_user("mira@example.com")),
                    ruled_out("Email already registered"),
                ),
                row("10npay C9: the last that there may be", door.own(door.new_user("nora@example.com")), created()),
            ],
        )
        .await;
    }
}

async fn a_hardened_shop_answers_alike(engine: Engine) {
    let door = Door::with(engine, settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened")).await;
    let owner = door.gateway.sign_in("mira@example.com").await;
    let mut told = Vec::new();
    for email in [owner.email.as_str(), "nora@example.com"] {
        check(
            engine,
            door.gateway.client(),
            &[
                row("10npay C9, R2: a hardened shop takes the address", door.own(door.new_user(email)), created()),
                row(
                    "10npay C9: and once for a merchant",
                    door.own(door.new_user(email)),
                    ruled_out("Email already registered"),
                ),
            ],
        )
        .await;
        let id = i64::try_from(told.len()).unwrap() + 1;
        let sent = door.send(send_code(id, email)).await;
        door.gateway.until_all_mail_is_sent().await;
        let mails = door.gateway.mailbox().list(email).await;
        let code = mails.iter().find(|mail| mail.kind == KIND).map_or("123456", |mail| mail.code.as_str());
        let confirmed = without_trace(&door.send(confirm_code(id, &other_than(code))).await);
        let status = door.send(ask_status(id)).await;
        assert_eq!(status.json(), status_of(false, 50), "{email}");
        told.push((sent.status, sent.body, confirmed, status.status, status.body));
    }
    assert_eq!(told[0], told[1], "an address that is owned, and one that is free");
    let mails = door.gateway.mailbox().list(&owner.email).await;
    let kinds: Vec<&str> = mails.iter().map(|mail| mail.kind.as_str()).collect();
    assert_eq!(kinds, ["registration-notice", "registration-notice", "registration-confirmation"], "no code");
    assert_eq!(door.gateway.login(&owner.email).await.reference, owner.reference);
    count_case(engine, "10npay C9, R2, T4: a hardened shop does not tell who has an account");
}

/// What happens once in many thousand times: the owner was confirmed at the moment at which the claim was made, and neither
/// saw the other.
async fn whoever_loses_a_race_follows(engine: Engine) {
    let door = Door::with(engine, settings(engine).set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened")).await;
    let database = door.gateway.database();
    for (email, first_code_waits) in [("mira@example.com", false), ("nora@example.com", true)] {
        let user = door.create(email).await;
        let owner = format!("owner-of-{email}");
        door.gateway.sign_in(&owner).await;
        database.execute(&format!(
            "UPDATE customers SET email = '{email}', email_canonical = '{email}' WHERE email_canonical = '{owner}'"
        ));
        assert!(!door.is_verified(user.id).await);
        if first_code_waits {
            database.execute(&format!(
                "DELETE FROM one_time_secrets WHERE is_code;
                 INSERT INTO outbox (kind, customer_id, message_id, state, attempts, due_at, created_at)
                 SELECT '{KIND}', id, 'waits', 'queued', 0, 0, 0 FROM customers
                 WHERE email_canonical = '{email}' AND confirmed_at IS NULL"
            ));
        } else {
            door.send(send_code(user.id, email)).await.expect_status(204);
        }
        door.gateway.until_all_mail_is_sent().await;
        assert!(door.is_verified(user.id).await, "{email}");
    }
    count_case(engine, "10npay C11: whoever loses a race follows, in a hardened shop, too");
}

async fn sends_that_are_refused(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let nobody = door.insert(Value::Null).await;
    let verified = door.create_verified("nora@example.com").await;
    let send = |body: Value| door.own(post("/User/email/send-confirmation", &body));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay R1: no id", send(json!({ "email": user.email })), wrong("Id", &["The Id field is required."])),
            row(
                "10npay R1: no address",
                send(json!({ "id": user.id })),
                wrong("Email", &["The Email field is required."]),
            ),
            row(
                "10npay R4: an empty address",
                send(json!({ "id": user.id, "email": "" })),
                wrong("Email", &["The Email field is required.", "Email address is required"]),
            ),
            row(
                "10npay R4: no address at all",
                send(json!({ "id": user.id, "email": "mira" })),
                wrong("Email", &["Invalid email address"]),
            ),
            row(
                "10npay R4: a user without address",
                send(json!({ "id": nobody, "email": user.email })),
                ruled_out("Invalid user state"),
            ),
            row(
                "10npay R4: another address of who is verified",
                send(json!({ "id": verified.id, "email": user.email })),
                wrong("Email", &["The Email field must be the registered address."]),
            ),
            row("10npay R1: other letters", send(json!({ "id": user.id, "email": "MIRA@example.com" })), no_content()),
        ],
    )
    .await;
}

async fn how_often(engine: Engine) {
    let limited = settings(engine)
        .set("VESTIBULE__DIALECTS__SEND_COOL_DOWN_SECONDS", "30")
        .set("VESTIBULE__DIALECTS__SENDS_PER_DAY", "3");
    let door = Door::with(engine, limited).await;
    let user = door.create("mira@example.com").await;
    let client = door.gateway.client();
    let send = || door.own(send_code(user.id, &user.email));
    check(engine, client, &[row("10npay R6: the first after a sign-up is free", send(), no_content())]).await;
    let mail = door.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(&user.mail)).await;
    check(engine, client, &[row("10npay R6: too soon", send(), too_many().header("Retry-After", "30"))]).await;
    door.gateway.advance(30).await;
    check(engine, client, &[row("10npay R6: soon enough", send(), no_content())]).await;
    let mail = door.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(&mail)).await;
    door.gateway.advance(30).await;
    check(engine, client, &[row("10npay R6: and again", send(), no_content())]).await;
    let mail = door.gateway.mailbox().wait_for_kind(&user.email, KIND, Some(&mail)).await;
    door.gateway.advance(30).await;
    for _ in 0..2 {
        let answer = door.send(send_code(user.id, &user.email)).await;
        let wait: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
        assert!((80_000..=86_400).contains(&wait), "{answer:?}");
    }
    check(
        engine,
        client,
        &[
            row("10npay R6: too many in a day", send(), too_many()),
            row("10npay R6: the last code stays", door.own(confirm_code(user.id, &mail.code)), confirmed()),
            row("10npay R3: who is verified is not limited", send(), no_content()),
        ],
    )
    .await;
}

async fn in_silence(engine: Engine) {
    let limited = settings(engine).set("VESTIBULE__ACCOUNTS__MAILS_PER_ADDRESS_PER_DAY", "1");
    let door = Door::with(engine, limited).await;
    let user = door.create("mira@example.com").await;
    let mail = door.resend(&user, &user.mail).await;
    let client = door.gateway.client();
    let again = door.own(send_code(user.id, &user.email));
    check(engine, client, &[row("10npay R2: beyond an address's mails of a day", again, no_content())]).await;
    assert_eq!(door.mails(&user.email).await, 2, "none is sent");
    let last = door.own(confirm_code(user.id, &mail.code));
    check(engine, client, &[row("10npay R2, K2: the last one that was sent stays good", last, confirmed())]).await;
}

async fn codes_and_ids(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let nobody = door.insert(Value::Null).await;
    let own = |request: Request| door.own(request);
    let shaped = |code: &str| own(confirm_code(user.id, code));
    check(
        engine,
        door.gateway.client(),
        &[
            row(
                "10npay E6: an id below 1",
                own(confirm_code(0, "004711")),
                wrong("Id", &["The Id field must be between 1 and 2147483647."]),
            ),
            row(
                "10npay E5: an id above int32",
                own(confirm_code(2_147_483_648, "004711")),
                wrong("$.id", &["The JSON value could not be converted to an integer."]),
            ),
            row(
                "10npay E1: no id",
                own(post("/User/email/confirm", &json!({ "token": "004711" }))),
                wrong("Id", &["The Id field is required."]),
            ),
            row("10npay K1: five digits", shaped("12345"), invalid_token()),
            row("10npay K1: seven digits", shaped("1234567"), invalid_token()),
            row("10npay K1: letters", shaped("12345a"), invalid_token()),
            row("10npay E3: a user without address", own(confirm_code(nobody, "004711")), invalid_token()),
            row(
                "10npay K3: valid before the end",
                own(confirm_code(user.id, &other_than(&user.mail.code))),
                invalid_token(),
            ),
        ],
    )
    .await;
    door.gateway.advance(880).await;
    // Clocks run on while tests do.
    check(
        engine,
        door.gateway.client(),
        &[row(
            "10npay K3: valid shortly before the end",
            door.own(confirm_code(user.id, &user.mail.code)),
            confirmed(),
        )],
    )
    .await;
}

async fn statuses(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    let ask = |id: &str| door.own(Request::get(&format!("/User/{id}/status")).header("Accept", "application/json"));
    let invalid = |id: &str| wrong("id", &[&format!("The value '{id}' is not valid.")]);
    let good = || json_of(status_of(false, 50));
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay T6: a word", ask("abc"), invalid("abc")),
            row("10npay T6: a placeholder", ask("%7Bid%7D"), invalid("{id}")),
            row("10npay T6: zero", ask("0"), invalid("0")),
            row("10npay T6: negative", ask("-1"), invalid("-1")),
            row("10npay T6: above int32", ask("2147483648"), invalid("2147483648")),
            row("10npay T6, G9: a NUL", ask("%00"), invalid("\0")),
            row("10npay T6, G9: no UTF-8", ask("1%FF"), invalid("1\u{fffd}")),
            row("10npay P5, G9: a trace that is none", ask("2147483647").header("traceparent", "00-%00-ü"), unknown()),
            row("10npay T6: unknown", ask("2147483647"), unknown()),
            row("10npay T5: not to be kept", ask(&user.id.to_string()), good().header("Cache-Control", "no-store")),
            row("10npay T5: the same again", ask(&user.id.to_string()), good()),
            row(
                "10npay G1: by the alias",
                door.own(Request::get(&format!("/api/v1/USER/{}/Status/", user.id))),
                good(),
            ),
        ],
    )
    .await;
}

async fn states(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create_verified("mira@example.com").await;
    let database = door.gateway.database();
    database.execute("UPDATE customers SET suspended_at = 1 WHERE email_canonical = 'mira@example.com'");
    let client = door.gateway.client();
    check(
        engine,
        client,
        &[
            row("10npay T3: suspended", door.own(ask_status(user.id)), json_of(status_of(true, 300))),
            row(
                "10npay R4: a code for who is suspended",
                door.own(send_code(user.id, &user.email)),
                ruled_out("Invalid user state"),
            ),
        ],
    )
    .await;
    database.execute(
        "UPDATE customers SET suspended_at = NULL, anonymised_at = 1, email = 'x@y.z', email_canonical = 'x@y.z'",
    );
    check(
        engine,
        client,
        &[
            row("10npay T3: anonymised", door.own(ask_status(user.id)), json_of(status_of(true, 350))),
            row(
                "10npay R4: a code for who has left",
                door.own(send_code(user.id, &user.email)),
                ruled_out("Invalid user state"),
            ),
        ],
    )
    .await;
    let other = door.create("nora@example.com").await;
    database.execute("UPDATE customers SET suspended_at = 1 WHERE email_canonical = 'nora@example.com'");
    check(
        engine,
        client,
        &[
            row("10npay T3: suspended and unconfirmed", door.own(ask_status(other.id)), json_of(status_of(false, 300))),
            row("10npay C9: an address that was left", door.own(door.new_user("mira@example.com")), created()),
        ],
    )
    .await;
}

async fn what_an_operator_demands(engine: Engine) {
    let door = Door::with(engine, settings(engine).set("VESTIBULE__DIALECTS__EMAIL_ACTIVATES", "false")).await;
    let user = door.create_verified("mira@example.com").await;
    check(
        engine,
        door.gateway.client(),
        &[row(
            "10npay T2, T3: pending where more is demanded",
            door.own(ask_status(user.id)),
            json_of(status_of(true, 150)),
        )],
    )
    .await;
}

async fn methods(engine: Engine) {
    let door = Door::open(engine).await;
    let post_only = || bare(405).header("Allow", "POST");
    check(
        engine,
        door.gateway.client(),
        &[
            row("10npay P7: GET /User", Request::get("/User"), post_only()),
            row("10npay P7: DELETE /User/", Request::delete("/User/"), post_only()),
            row("10npay P7: PUT confirm", Request::new("PUT", "/User/email/confirm"), post_only()),
            row("10npay P7: GET send", Request::get("/user/email/send-confirmation"), post_only()),
            row("10npay P7: POST status", post_text("/User/1/status", "{}"), bare(405).header("Allow", "GET, HEAD")),
            row(
                "10npay G2: a path of nobody's is left to the others",
                Request::get("/User/1"),
                Expected::generic(404, "Not Found"),
            ),
            row(
                "10npay G2: and so are the customers",
                Request::get("/customers"),
                Expected::error(403, "002", "Missing access token."),
            ),
        ],
    )
    .await;
}

async fn traces(engine: Engine) {
    let door = Door::open(engine).await;
    let answer = door.send(ask_status(7)).await.expect_status(404);
    let trace = answer.text("/traceId");
    let parts: Vec<usize> = trace.split('-').map(str::len).collect();
    assert_eq!(parts, [2, 32, 16, 2], "{trace}");
    door.gateway.until_it_says(&trace).await;
    count_case(engine, "10npay P5: a problem's trace is in the log");
}

async fn broken_database(engine: Engine) {
    let door = Door::open(engine).await;
    let user = door.create("mira@example.com").await;
    door.gateway.database().execute("ALTER TABLE merchant_users RENAME TO gone");
    for request in [
        door.new_user("nora@example.com"),
        send_code(user.id, &user.email),
        confirm_code(user.id, &user.mail.code),
        ask_status(user.id),
    ] {
        let answer = door.send(request).await;
        assert!([500, 503].contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("Content-Type"), Some("application/problem+json; charset=utf-8"), "{answer:?}");
        assert!(answer.text("/traceId").starts_with("00-"), "{answer:?}");
        for leak in ["merchant_users", "SELECT", "no such", "relation", &user.mail.code] {
            assert!(!answer.body.contains(leak), "{answer:?}");
        }
    }
    count_case(engine, "10npay G9, P8: what is broken is told with a trace and without a word about it");
}
