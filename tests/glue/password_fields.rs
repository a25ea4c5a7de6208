//! Sections 4.1 to 4.3: what is wrong with the calls that set a password, in which order. What they do is in `passwords`.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, PASSWORD, Request, Row, change_password, check, document, forgot_password, log_in,
    on_both_databases, restore_password, row,
};

use crate::messages::{
    BLANK, CLASSES, LONG, LONG_TEXT, MISSING, NO_TEXT, NOT_EMAIL, REPETITION, SHORT, bad_token, different, named,
    no_document, no_id, no_restore_key, no_token, not_own, two_users, violations, wrong_type,
};
use crate::shop::{GUEST, OTHER_PASSWORD, REPETITIVE_PASSWORD, Shop, settings, with, with_listed_passwords};

on_both_databases! {
    tables: [forgetting, fields_of_a_restore, order_of_a_restore, fields_of_a_change, order_of_a_change, listed_passwords]
}

const UNKNOWN_KEY: &str = "0123456789abcdef0123456789abcdef";

/// On restore the text lacks a full stop.
fn classes_on_restore() -> String {
    CLASSES.replace("\\~. Non-Latin", "\\~ Non-Latin")
}

fn not_changed() -> Expected {
    Expected::error(422, "406", "Value in field newPassword should be identical to value in the confirmPassword field.")
}

fn wrong_password() -> Expected {
    Expected::error(400, "408", "Invalid password")
}

fn repetitive() -> Expected {
    Expected::error(400, "421", REPETITION)
}

async fn forgetting(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.register("open@example.com").await;
    let kind = "customer-forgotten-password";
    let forgot = |attributes: Value| Request::post(&format!("/{kind}"), &document(kind, &attributes));
    let email = |value: Value| forgot(json!({ "email": value }));
    let sent = Expected::no_content;
    let longest = format!("{}@example.com", "a".repeat(243));
    check(
        engine,
        gateway.client(),
        &[
            row("4.1 a known account", forgot_password(&session.email), sent()),
            row("4.1 again, in the cool-down", forgot_password(&session.email), sent()),
            row("4.1 in another spelling", forgot_password("MIRA.Olsen@example.com"), sent()),
            row("4.1 an unknown address", forgot_password("nobody@example.com"), sent()),
            row("4.1 an unconfirmed account", forgot_password("open@example.com"), sent()),
            row("4.1 what passes and is no address", forgot_password("a..b@example.com"), sent()),
            row("4.1 255 characters", forgot_password(&longest), sent()),
            row(
                "4.1 a good token is no hindrance",
                forgot_password("x@example.com").bearer(&session.access_token),
                sent(),
            ),
            row("4.1 a guest", forgot_password("x@example.com").header(GUEST, "guest-1"), sent()),
            row("1.4 row 6c", forgot_password("x@example.com").bearer("x").header(GUEST, "guest-1"), two_users()),
            row("1.4 row 6e", forgot_password("x@example.com").bearer("x"), bad_token()),
            row("1.4 row 3", Request::post(&format!("/{kind}"), &document("customers", &json!({}))), wrong_type()),
            row("1.4 row 4", Request::post(&format!("/{kind}"), &json!({ "data": { "type": kind } })), no_document()),
            row("4.1 no address", forgot(json!({})), violations("email", &[MISSING])),
            row("4.1 an empty address", email(json!("")), violations("email", &[BLANK])),
            row("4.1 null", email(Value::Null), violations("email", &[BLANK])),
            row("4.1 not of the form of an address", email(json!("mira")), violations("email", &[NOT_EMAIL])),
            row("4.1 256 characters", email(json!(format!("a{longest}"))), violations("email", &[LONG_TEXT])),
            row("4.1 a list", email(json!(["a@b.c"])), violations("email", &[NO_TEXT])),
            row("4.1 an empty list", email(json!([])), violations("email", &[BLANK, NO_TEXT])),
        ],
    )
    .await;
}

fn restore(attributes: &Value) -> Request {
    Request::patch("/customer-restore-password/x", &document("customer-restore-password", attributes))
}

fn good_restore(key: &str) -> Value {
    json!({ "restorePasswordKey": key, "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })
}

async fn fields_of_a_restore(engine: Engine) {
    let gateway = settings(engine).start().await;
    let classes = classes_on_restore();
    let field = |holds: &'static str, name: &str, value: Value, messages: &[&str]| {
        row(holds, restore(&with(good_restore(UNKNOWN_KEY), &[(name, Some(value))])), violations(name, messages))
    };
    let mut rows: Vec<Row> = vec![
        row(
            "4.2 everything missing, in order",
            restore(&json!({})),
            named(&[("restorePasswordKey", MISSING), ("password", MISSING), ("confirmPassword", MISSING)]),
        ),
        row(
            "4.2 everything empty, in order",
            restore(&json!({ "confirmPassword": "", "password": "", "restorePasswordKey": "" })),
            named(&[
                ("restorePasswordKey", BLANK),
                ("password", BLANK),
                ("password", SHORT),
                ("confirmPassword", BLANK),
                ("confirmPassword", SHORT),
            ]),
        ),
        row(
            "4.2 the repetition under the name of the documentation",
            restore(&with(
                good_restore(UNKNOWN_KEY),
                &[("passwordConfirmation", Some(json!(OTHER_PASSWORD))), ("confirmPassword", None)],
            )),
            violations("confirmPassword", &[MISSING]),
        ),
        field("4.2 Length min and Regex", "password", json!("abc"), &[SHORT, &classes]),
        field("4.2 Length max and Regex", "password", json!("x".repeat(129)), &[LONG, &classes]),
        field("4.2 Length max", "password", json!(format!("{}aA1!", "xy".repeat(63))), &[LONG]),
        field("4.2 Regex: an umlaut", "password", json!("Vestibüle-2nd-Door!"), &[&classes]),
        field("4.2 Regex: a blank", "password", json!("Vestibule 2nd Door!"), &[&classes]),
        field("4.2 Regex: no digit", "password", json!("Vestibule-Second-Door!"), &[&classes]),
        field("4.2 Length min: the repetition, no Regex", "confirmPassword", json!("abc"), &[SHORT]),
        field("4.2 Length max: the repetition", "confirmPassword", json!("x".repeat(129)), &[LONG]),
    ];
    for name in ["restorePasswordKey", "password", "confirmPassword"] {
        let without = restore(&with(good_restore(UNKNOWN_KEY), &[(name, None)]));
        rows.push(row("4.2 one is missing", without, violations(name, &[MISSING])));
        rows.push(field("4.2 null", name, Value::Null, &[BLANK]));
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            rows.push(field("1.10 a text of another type", name, other, &[NO_TEXT]));
        }
    }
    check(engine, gateway.client(), &rows).await;
}

async fn order_of_a_restore(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let key = gateway.restore_key(&session.email).await;
    let with_key = |key: &str, changes: &[(&str, Value)]| {
        let changes: Vec<_> = changes.iter().map(|(name, value)| (*name, Some(value.clone()))).collect();
        restore(&with(good_restore(key), &changes))
    };
    let differing = || ("confirmPassword", json!("A-third-2nd-Door!"));
    let weak = || [("password", json!(REPETITIVE_PASSWORD)), ("confirmPassword", json!(REPETITIVE_PASSWORD))];
    let path = |path: &str| Request::patch(path, &document("customer-restore-password", &good_restore(&key)));
    check(
        engine,
        gateway.client(),
        &[
            row("4.2 without an id", path("/customer-restore-password"), no_id()),
            row("4.2 an empty id", path("/customer-restore-password/"), no_id()),
            row(
                "1.4 row 3",
                Request::patch("/customer-restore-password/x", &document("customers", &json!({}))),
                wrong_type(),
            ),
            row("1.4 row 4", Request::patch("/customer-restore-password/x", &json!({})), no_document()),
            row("1.4 row 6c", restore_password(&key, OTHER_PASSWORD).bearer("x").header(GUEST, "guest-1"), two_users()),
            row("1.4 row 6e", restore_password(&key, OTHER_PASSWORD).bearer("x"), bad_token()),
            row("4.2 901 before 406", with_key(&key, &[("restorePasswordKey", json!("")), differing()]), {
                violations("restorePasswordKey", &[BLANK])
            }),
            row("4.2 406 before 415", with_key(UNKNOWN_KEY, &[differing()]), different()),
            row(
                "4.2 406 before the policy",
                with_key(&key, &[differing(), ("password", json!(REPETITIVE_PASSWORD))]),
                different(),
            ),
            row("4.2 the policy", with_key(&key, &weak()), repetitive()),
            row("4.2 the policy before 415", with_key(UNKNOWN_KEY, &weak()), repetitive()),
            row("4.2 an unknown key", with_key(UNKNOWN_KEY, &[]), no_restore_key()),
            row("4.2 a key of another form", with_key("x", &[]), no_restore_key()),
            row("4.2 a blank of spaces", with_key(" ", &[]), no_restore_key()),
            row("4.2 a key with more behind it", with_key(&format!("{key} "), &[]), no_restore_key()),
            row("4.2 half a key", with_key(key.get(..16).unwrap(), &[]), no_restore_key()),
            row("4.2 a very long key", with_key(&key.repeat(100), &[]), no_restore_key()),
            row("4.2 a wildcard", with_key("%", &[]), no_restore_key()),
            row("4.2 a control character", with_key("\0", &[]), no_restore_key()),
            row("4.2 nothing of it set a password", log_in(&session.email, PASSWORD), Expected::data(201)),
            row(
                "4.2 the id is not used",
                {
                    let body = document("customer-restore-password", &good_restore(&key));
                    Request::patch("/customer-restore-password/any%20text", &body)
                },
                Expected::no_content(),
            ),
            row("4.2 used already", with_key(&key, &[]), no_restore_key()),
            row("4.2 used already, before that the policy", with_key(&key, &weak()), repetitive()),
        ],
    )
    .await;
}

fn good_change() -> Value {
    json!({ "password": PASSWORD, "newPassword": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })
}

async fn fields_of_a_change(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let path = format!("/customer-password/{}", session.reference);
    let change = |attributes: &Value| {
        Request::patch(&path, &document("customer-password", attributes)).bearer(&session.access_token)
    };
    let field = |holds: &'static str, name: &str, value: Value, messages: &[&str]| {
        row(holds, change(&with(good_change(), &[(name, Some(value))])), violations(name, messages))
    };
    let mut rows: Vec<Row> = vec![
        row(
            "4.3 everything missing, in order",
            change(&json!({})),
            named(&[("password", MISSING), ("newPassword", MISSING), ("confirmPassword", MISSING)]),
        ),
        row(
            "4.3 everything empty, in order",
            change(&json!({ "confirmPassword": "", "newPassword": "", "password": "" })),
            named(&[
                ("password", BLANK),
                ("newPassword", BLANK),
                ("newPassword", SHORT),
                ("confirmPassword", BLANK),
                ("confirmPassword", SHORT),
            ]),
        ),
        field("4.3 Length min and Regex", "newPassword", json!("abc"), &[SHORT, CLASSES]),
        field("4.3 Length max and Regex", "newPassword", json!("x".repeat(129)), &[LONG, CLASSES]),
        field("4.3 Regex: no special character", "newPassword", json!("Vestibule2ndDoor"), &[CLASSES]),
        field("4.3 Length min: the repetition, no Regex", "confirmPassword", json!("abc"), &[SHORT]),
        field("4.3 Length max: the repetition", "confirmPassword", json!("x".repeat(129)), &[LONG]),
        row(
            "4.3 no policy for the present one",
            change(&with(good_change(), &[("password", Some(json!("x")))])),
            wrong_password(),
        ),
    ];
    for name in ["password", "newPassword", "confirmPassword"] {
        rows.push(row(
            "4.3 one is missing",
            change(&with(good_change(), &[(name, None)])),
            violations(name, &[MISSING]),
        ));
        rows.push(field("4.3 null", name, Value::Null, &[BLANK]));
        for other in [json!(5), json!(true), json!(["x"]), json!({ "x": 1 })] {
            rows.push(field("1.10 a text of another type", name, other, &[NO_TEXT]));
        }
    }
    rows.push(row("4.3 nothing of it set a password", log_in(&session.email, PASSWORD), Expected::data(201)));
    check(engine, gateway.client(), &rows).await;
}

async fn order_of_a_change(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let other = gateway.sign_in("other@example.com").await;
    let change = |reference: &str, changes: &[(&str, Value)]| {
        let changes: Vec<_> = changes.iter().map(|(name, value)| (*name, Some(value.clone()))).collect();
        let path = format!("/customer-password/{reference}");
        Request::patch(&path, &document("customer-password", &with(good_change(), &changes)))
            .bearer(&session.access_token)
    };
    let own = |changes: &[(&str, Value)]| change(&session.reference, changes);
    let wrong = || ("password", json!("Wrong-2nd-Door!"));
    let differing = || ("confirmPassword", json!("A-third-2nd-Door!"));
    let weak =
        |present: &str| change_password(&session.reference, present, REPETITIVE_PASSWORD).bearer(&session.access_token);
    let path = format!("/customer-password/{}", session.reference);
    check(
        engine,
        gateway.client(),
        &[
            row("4.3 without an id", change("", &[]), no_id()),
            row("1.4 row 3", Request::patch(&path, &document("customers", &json!({}))), wrong_type()),
            row("1.4 row 4", Request::patch(&path, &json!({})), no_document()),
            row("1.4 row 6c", own(&[]).header(GUEST, "guest-1"), two_users()),
            row("4.3 no token", own(&[]).without("Authorization"), no_token()),
            row("4.3 a bad token", own(&[]).bearer("x"), bad_token()),
            row(
                "4.3 no token before 901",
                Request::patch(&path, &document("customer-password", &json!({}))),
                no_token(),
            ),
            row("4.3 another's", change(&other.reference, &[]), not_own()),
            row("4.3 one that is not there", change("DE--4711", &[]), not_own()),
            row("4.3 mine is no alias", change("mine", &[]), not_own()),
            row("4.3 901 before 411", change(&other.reference, &[("newPassword", json!(""))]), {
                named(&[("newPassword", BLANK), ("newPassword", SHORT)])
            }),
            row("4.3 901 before 411, whoever it is", change("someone-else", &[("password", json!(""))]), {
                violations("password", &[BLANK])
            }),
            row("4.3 411 before 406", change(&other.reference, &[differing()]), not_own()),
            row("4.3 411 before 408", change(&other.reference, &[wrong()]), not_own()),
            row("4.3 901 before 406", own(&[("password", json!("")), differing()]), violations("password", &[BLANK])),
            row("4.3 the new ones differ", own(&[differing()]), not_changed()),
            row("4.3 406 before 408", own(&[wrong(), differing()]), not_changed()),
            row("4.3 406 before the policy", own(&[("newPassword", json!(REPETITIVE_PASSWORD))]), not_changed()),
            row("4.3 a wrong password", own(&[wrong()]), wrong_password()),
            row("4.3 408 before the policy", weak("Wrong-2nd-Door!"), wrong_password()),
            row("4.3 case counts", own(&[("password", json!(PASSWORD.to_uppercase()))]), wrong_password()),
            row("4.3 the policy", weak(PASSWORD), repetitive()),
            row("4.3 nothing of it set a password", log_in(&session.email, PASSWORD), Expected::data(201)),
            row("4.3 nor another's", log_in(&other.email, PASSWORD), Expected::data(201)),
            row("4.3 the right one", own(&[]), Expected::no_content()),
            row("4.3 the right one before", own(&[]), wrong_password()),
        ],
    )
    .await;
}

async fn listed_passwords(engine: Engine) {
    let gateway = with_listed_passwords(engine).start().await;
    let session = gateway.sign_in("mira.olsen@example.com").await;
    let change =
        |present: &str, new: &str| change_password(&session.reference, present, new).bearer(&session.access_token);
    let common = || (400, "422", crate::messages::COMMON);
    let repetition = || (400, "421", REPETITION);
    let key = gateway.restore_key(&session.email).await;
    check(
        engine,
        gateway.client(),
        &[
            row("4.3 a common password", change(PASSWORD, "Common-2nd-Door!"), Expected::errors(&[common()])),
            row(
                "4.3 all that fail, in order",
                change(PASSWORD, "Common-222-Door!"),
                Expected::errors(&[common(), repetition()]),
            ),
            row(
                "4.3 an allowed password skips the policy",
                change(PASSWORD, "Allowed-222-Door!"),
                Expected::no_content(),
            ),
            row("4.2 a change voids the keys", restore_password(&key, OTHER_PASSWORD), no_restore_key()),
            row(
                "4.2 a common password",
                restore_password(UNKNOWN_KEY, "Common-2nd-Door!"),
                Expected::errors(&[common()]),
            ),
            row(
                "4.2 all that fail, in order",
                restore_password(UNKNOWN_KEY, "Common-222-Door!"),
                Expected::errors(&[common(), repetition()]),
            ),
        ],
    )
    .await;
    gateway.advance(61).await;
    let key = gateway.restore_key(&session.email).await;
    check(
        engine,
        gateway.client(),
        &[
            row(
                "4.2 an allowed password skips the policy",
                restore_password(&key, "Allowed-222-Door!"),
                Expected::no_content(),
            ),
            row("4.2 and opens", log_in(&session.email, "Allowed-222-Door!"), Expected::data(201)),
        ],
    )
    .await;
}
