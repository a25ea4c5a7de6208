//! Sections 3 and 4: signing up.

use serde_json::{Value, json};
use testkit::{Engine, Request, count_case, on_both_databases};

use crate::shop::{OTHER_PASSWORD, PASSWORD, Row, Shop, Wanted, row, settings, sign_up, sign_up_with, with_body};

on_both_databases! {
    tables: [
        with_verification_off, what_is_refused, taken_values, whoever_has_the_address_is_told, full_addresses,
        a_hardened_shop, languages, without_a_token, types_and_bodies, nobody_verifies_themselves,
    ]
}

const NOTHING: &str = "The first name field must be a string. The first name field is required. The last name field must \
                       be a string. The last name field is required. The email field must be a valid email address. The \
                       email field is required. The password field must be at least 8 characters. The password field is \
                       required.";
const EMAIL_TAKEN: &str = "The email has already been taken.";
const PHONE_TAKEN: &str = "The phone has already been taken.";
const DIFFER: &str = "Password and confirm password do not match";

async fn with_verification_off(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let full = json!({
        "firstName": "John", "lastName": "Doe", "gender": "Male", "dateOfBirth": "1990-01-15",
        "email": "john@example.com", "phone": "15551234567", "password": PASSWORD, "confirmPassword": PASSWORD,
        "subscribedToNewsLetter": true,
    });
    let answer = shop.send(&shop.register(&full)).await.expect_status(201);
    let told = answer.json();
    let id = told["id"].as_i64().unwrap();
    assert_eq!(answer.header("Location"), Some(&*format!("/api/shop/customers/{id}")));
    assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    let expected = json!({
        "id": id, "firstName": "John", "lastName": "Doe", "gender": "Male", "dateOfBirth": "1990-01-15",
        "email": "john@example.com", "phone": "15551234567", "status": 1, "apiToken": told["apiToken"],
        "customerGroupId": null, "channelId": null, "subscribedToNewsLetter": true, "isVerified": 1, "isSuspended": 0,
        "token": told["token"], "rememberToken": null, "deviceToken": null, "name": "John Doe",
    });
    assert_eq!(told.to_string(), expected.to_string());
    assert!(id > 0);
    count_case(engine, "bagisto 6: the seed's full body");

    let api_token = told["apiToken"].as_str().unwrap();
    assert!(api_token.len() == 80 && api_token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{api_token}");
    let token = told["token"].as_str().unwrap();
    let (number, secret) = token.split_once('|').unwrap();
    assert!(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()), "{token}");
    assert!(secret.len() == 48 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    assert!(shop.is_valid(token).await);
    count_case(engine, "bagisto 9: the tokens of a sign-up");

    let answer = shop.send(&shop.register(&sign_up("jane@example.com"))).await.expect_status(201);
    let told = answer.json();
    for name in ["phone", "gender", "dateOfBirth", "customerGroupId", "channelId", "rememberToken", "deviceToken"] {
        assert_eq!(told.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(told["subscribedToNewsLetter"], false);
    for secret in ["password", "confirmPassword", "image", "createdAt"] {
        assert_eq!(told.get(secret), None, "{secret}");
    }
    assert!(!answer.body.contains(PASSWORD));
    count_case(engine, "bagisto 7: the required fields only");

    shop.check(&[
        row(
            "bagisto 16: gender in lower case",
            shop.register(&sign_up_with("g@example.com", &json!({ "gender": "male" }))),
            Wanted::done(201).at("/gender", "Male"),
        ),
        row(
            "bagisto 16: the third gender",
            shop.register(&sign_up_with("o@example.com", &json!({ "gender": " other" }))),
            Wanted::done(201).at("/gender", "Other"),
        ),
        row(
            "bagisto §3.1: snake case is the same",
            shop.register(&json!({
                "first_name": "ann", "last_name": "lee", "email": "a@example.com", "password": PASSWORD,
                "confirm_password": PASSWORD, "date_of_birth": "1991-02-03", "subscribed_to_news_letter": true,
                "unknown": [1], "deviceToken": "d",
            })),
            Wanted::done(201)
                .at("/name", "Ann Lee")
                .at("/firstName", "ann")
                .at("/dateOfBirth", "1991-02-03")
                .at("/subscribedToNewsLetter", true)
                .nothing_at("/password"),
        ),
        row(
            "bagisto §3.1: blanks are nothing",
            shop.register(&sign_up_with("b@example.com", &json!({ "gender": "", "phone": "", "dateOfBirth": "" }))),
            Wanted::done(201).at("/gender", Value::Null).at("/phone", Value::Null).at("/dateOfBirth", Value::Null),
        ),
    ])
    .await;
}

async fn what_is_refused(engine: Engine) {
    let shop = Shop::open(engine).await;
    let with = |more: Value| shop.register(&sign_up_with("john@example.com", &more));
    let with_password = |password: &str| with(json!({ "password": password, "confirmPassword": password }));
    let required = "The first name field is required. The last name field is required. The email field is required. The \
                    password field is required.";
    let blank = json!({ "firstName": "", "lastName": "", "email": "", "password": "" });
    let nulls = json!({ "firstName": null, "lastName": null, "email": null, "password": null });
    let rows: Vec<Row> = vec![
        row("bagisto 10: nothing", shop.register(&json!({})), Wanted::refused(NOTHING)),
        row("bagisto 10: all nulls", shop.register(&nulls), Wanted::refused(NOTHING)),
        row("bagisto 11: four empty strings", shop.register(&blank), Wanted::refused(required)),
        row(
            "bagisto 12: no address",
            with(json!({ "email": "nope" })),
            Wanted::refused("The email field must be a valid email address."),
        ),
        row(
            "bagisto 12: no address and a short password",
            with(json!({ "email": "nope", "password": "Ab1!" })),
            Wanted::refused(
                "The email field must be a valid email address. The password field must be at least 8 characters.",
            ),
        ),
        row(
            "bagisto 15: a phone with other characters",
            with(json!({ "phone": "+49 123" })),
            Wanted::refused("Mobile number can only contain digits. Special characters are not allowed"),
        ),
        row(
            "bagisto 17: no gender",
            with(json!({ "gender": "Robot" })),
            Wanted::refused("Invalid gender value \"Robot\". Allowed values are: Male, Female, Other"),
        ),
        row(
            "bagisto 17: only the first letter is raised",
            with(json!({ "gender": "MALE" })),
            Wanted::refused("Invalid gender value \"MALE\". Allowed values are: Male, Female, Other"),
        ),
        row(
            "bagisto 18: another confirmation",
            with(json!({ "confirmPassword": OTHER_PASSWORD })),
            Wanted::refused(DIFFER),
        ),
        row("bagisto 18: no confirmation", with(json!({ "confirmPassword": null })), Wanted::refused(DIFFER)),
        row(
            "bagisto 19: no upper case",
            with_password("password1!"),
            Wanted::refused("The password field must contain at least one uppercase and one lowercase letter."),
        ),
        row(
            "bagisto 19: no digit",
            with_password("Password!"),
            Wanted::refused("The password field must contain at least one number."),
        ),
        row(
            "bagisto 19: no symbol",
            with_password("Password 1"),
            Wanted::refused("The password field must contain at least one symbol."),
        ),
        row(
            "bagisto 20: no day",
            with(json!({ "dateOfBirth": "1990-02-30" })),
            Wanted::refused("The date of birth field must be a valid date."),
        ),
        row(
            "bagisto 20: a day to come",
            with(json!({ "dateOfBirth": "2999-01-01" })),
            Wanted::refused("The date of birth field must be a valid date."),
        ),
        row(
            "bagisto §4.3: a long name",
            with(json!({ "firstName": "x".repeat(256) })),
            Wanted::refused("The first name field must not be greater than 255 characters."),
        ),
        row("bagisto §4.3: a name that just fits", with(json!({ "firstName": "x".repeat(255) })), Wanted::done(201)),
    ];
    shop.check(&rows).await;
}

async fn taken_values(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let first = sign_up_with("john@example.com", &json!({ "phone": "0049123456" }));
    shop.send(&shop.register(&first)).await.expect_status(201);
    let other = |email: &str, phone: &str| shop.register(&sign_up_with(email, &json!({ "phone": phone })));
    shop.check(&[
        row("bagisto 13: the same address", shop.register(&sign_up("john@example.com")), Wanted::refused(EMAIL_TAKEN)),
        row("bagisto 13: in other case", shop.register(&sign_up("JOHN@Example.COM")), Wanted::refused(EMAIL_TAKEN)),
        row(
            "bagisto 13: with another thing wrong",
            shop.register(&sign_up_with("john@example.com", &json!({ "password": "Ab1!" }))),
            Wanted::refused(&format!("{EMAIL_TAKEN} The password field must be at least 8 characters.")),
        ),
        row("bagisto 14: the same phone", other("p@example.com", "0049123456"), Wanted::refused(PHONE_TAKEN)),
        row("bagisto 14: in its normal form", other("p@example.com", "49123456"), Wanted::refused(PHONE_TAKEN)),
        row(
            "bagisto 14: both",
            other("john@example.com", "49123456"),
            Wanted::refused(&format!("{EMAIL_TAKEN} {PHONE_TAKEN}")),
        ),
        row("bagisto 14: another phone", other("p@example.com", "49123457"), Wanted::done(201)),
    ])
    .await;
    // Claims take nothing: neither address nor phone.
    let shop = Shop::open(engine).await;
    shop.send(&shop.register(&first)).await.expect_status(201);
    let again = shop.register(&first);
    shop.check(&[row("bagisto 13: an open claim takes nothing", again, Wanted::done(201).at("/isVerified", 0))]).await;
}

async fn whoever_has_the_address_is_told(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let owner = "john@example.com";
    shop.send(&shop.register(&sign_up_with(owner, &json!({ "phone": "49123" })))).await.expect_status(201);
    let taken = || Wanted::refused(EMAIL_TAKEN);
    let with = |more: Value| shop.register(&sign_up_with(owner, &more));
    shop.check(&[
        row("bagisto 13: the address before another confirmation", with(json!({ "confirmPassword": "x" })), taken()),
        row("bagisto 13: before a gender that is none", with(json!({ "gender": "Robot" })), taken()),
        row(
            "bagisto 13: beside a phone",
            with(json!({ "phone": "49123" })),
            Wanted::refused(&format!("{EMAIL_TAKEN} {PHONE_TAKEN}")),
        ),
    ])
    .await;
    shop.gateway.until_all_mail_is_sent().await;
    let notices = async || {
        let mails = shop.gateway.mailbox().list(owner).await;
        mails.iter().filter(|mail| mail.kind == "registration-notice").count()
    };
    assert_eq!(notices().await, 0);
    count_case(engine, "bagisto 13: nobody is told of what was no sign-up");
    shop.check(&[row("bagisto 13: nothing else wrong", with(json!({})), taken())]).await;
    shop.gateway.mailbox().wait_for_kind(owner, "registration-notice", None).await;
    count_case(engine, "bagisto 13: whoever has the address is told");
    shop.check(&[row("bagisto 13: again", with(json!({})), taken())]).await;
    shop.gateway.until_all_mail_is_sent().await;
    assert_eq!(notices().await, 1, "once in a while");
}

/// Open claims can be in the way, too.
async fn full_addresses(engine: Engine) {
    for (name, value, holds) in [
        ("VESTIBULE__ACCOUNTS__REREGISTRATION", "reject", "bagisto 13: an open claim of a shop that wants one"),
        ("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "1", "bagisto 13: as many open claims as there may be"),
    ] {
        let shop = Shop::start(settings(engine).set(name, value), engine).await;
        let first = shop.register(&sign_up("john@example.com"));
        shop.send(&first).await.expect_status(201);
        shop.check(&[row(holds, first, Wanted::refused(EMAIL_TAKEN))]).await;
        shop.gateway.until_all_mail_is_sent().await;
        assert_eq!(shop.gateway.mailbox().list("john@example.com").await.len(), 1, "nobody has the address yet");
    }
}

async fn a_hardened_shop(engine: Engine) {
    for double_opt_in in ["true", "false"] {
        let builder = settings(engine)
            .set("VESTIBULE__ACCOUNTS__ENUMERATION", "hardened")
            .set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", double_opt_in);
        let shop = Shop::start(builder, engine).await;
        let owner = "john@example.com";
        shop.send(&shop.register(&sign_up(owner))).await.expect_status(201);
        if double_opt_in == "true" {
            shop.gateway.confirm(&shop.gateway.mailbox().wait_for(owner).await.token).await;
        }
        let other = json!({ "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD });
        let told = async |email: &str| {
            let answer = shop.send(&shop.register(&sign_up_with(email, &other))).await.expect_status(201);
            let mut told = answer.json();
            for own in ["id", "email", "apiToken"] {
                assert!(!told[own].take().is_null(), "{own}");
            }
            (told, answer.header("Location").is_some())
        };
        let (taken, free) = (told(owner).await, told("jane@example.com").await);
        assert_eq!(taken, free);
        assert_eq!((&free.0["token"], &free.0["isVerified"]), (&json!(""), &json!(0)));
        shop.gateway.mailbox().wait_for_kind(owner, "registration-notice", None).await;
        assert_eq!(shop.send(&shop.login(owner, OTHER_PASSWORD)).await.json()["success"], false);
        shop.token_of(owner, PASSWORD).await;
        count_case(
            engine,
            &format!("bagisto 13: hardened, double opt-in {double_opt_in}: a taken address is no other"),
        );
    }
}

/// The header of this door comes before that of HTTP. Answers are in English whatever is asked for.
async fn languages(engine: Engine) {
    let shop = Shop::open(engine).await;
    let (german, english) = ("Vielen Dank für deine Anmeldung", "Thank you for signing up");
    for (index, (header, value, thanks)) in [
        ("X-Locale", "en", english),
        ("X-Locale", "en_US", english),
        ("X-Locale", "de_DE", german),
        ("X-Locale", "xx", german),
        ("Accept-Language", "en", english),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("{index}@example.com");
        let other = if header == "X-Locale" { "Accept-Language" } else { "X-Currency" };
        let request = |body: &Value| shop.register(body).header(other, "en").header(header, value);
        shop.check(&[
            row("bagisto §1: a locale", request(&sign_up(&email)), Wanted::done(201)),
            row(
                "bagisto §1: a refusal is in English",
                request(&sign_up_with(&email, &json!({ "email": "nope" }))),
                Wanted::refused("The email field must be a valid email address."),
            ),
        ])
        .await;
        let mail = shop.gateway.mailbox().wait_for(&email).await;
        assert!(mail.subject.starts_with(thanks), "{header}: {value}: {}", mail.subject);
    }
    count_case(engine, "bagisto §1: mails in the language that is asked for");
}

/// The account is there all the same: no answer may have its owner sign up again.
async fn without_a_token(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let database = shop.gateway.database();
    database.execute("ALTER TABLE bearer_tokens RENAME TO bearer_tokens_away");
    shop.check(&[row(
        "bagisto 9: no token can be made",
        shop.register(&sign_up("john@example.com")),
        Wanted::done(201).at("/isVerified", 1).at("/token", ""),
    )])
    .await;
    database.execute("ALTER TABLE bearer_tokens_away RENAME TO bearer_tokens");
    shop.token_of("john@example.com", PASSWORD).await;
}

async fn types_and_bodies(engine: Engine) {
    let shop = Shop::open(engine).await;
    let path = "/api/shop/customers";
    let raw = |body: &str| shop.call("POST", path).body(body).header("Content-Type", "application/json");
    let wrong = |attribute: &str, expected: &str, given: &str| {
        let detail = format!("The type of the \"{attribute}\" attribute must be \"{expected}\", \"{given}\" given.");
        Wanted::problem(422, "Unprocessable Entity", &detail)
    };
    let syntax = || Wanted::problem(422, "Unprocessable Entity", "Syntax error");
    let plain = |value: &str| raw("{}").header("Content-Type", value);
    let unsupported = |detail: &str| Wanted::framework(415, "Unsupported Media Type", detail);
    let not_plain = "The content-type \"text/plain\" is not supported. Supported MIME types are \"application/json\".";
    let with = |more: Value| with_body(shop.call("POST", path), &sign_up_with("john@example.com", &more));
    let rows = [
        row("bagisto 22: malformed JSON", raw("{bad"), syntax()),
        row("bagisto 22: no object", raw("17"), syntax()),
        row("bagisto 22: nested too deep", raw(&"[".repeat(5_000)), syntax()),
        row("bagisto §1: an empty body", raw(""), Wanted::refused(NOTHING)),
        row("bagisto §1: a charset", plain("application/json; charset=utf-8"), Wanted::refused(NOTHING)),
        row("bagisto 40: another media type", plain("text/plain"), unsupported(not_plain)),
        row(
            "bagisto 40: no media type",
            raw("{}").without("Content-Type"),
            unsupported("The \"Content-Type\" header must exist."),
        ),
        row(
            "bagisto §1: a number as a name",
            with(json!({ "firstName": 1 })),
            wrong("first_name", "string", "integer"),
        ),
        row("bagisto §1: a list as a phone", with(json!({ "phone": [] })), wrong("phone", "string", "array")),
        row(
            "bagisto §1: a text as a flag",
            with(json!({ "subscribedToNewsLetter": "yes" })),
            wrong("subscribed_to_news_letter", "bool", "string"),
        ),
        row(
            "bagisto §1: an unknown call",
            shop.call("GET", "/api/shop/nothing"),
            Wanted::framework(404, "Not Found", "Not Found"),
        ),
        row(
            "bagisto §1: another method",
            shop.call("PATCH", path),
            Wanted::framework(405, "Method Not Allowed", "Method Not Allowed"),
        ),
        row(
            "bagisto §3.2: nothing is read at a customer's address",
            shop.call("GET", "/api/shop/customers/1"),
            Wanted::framework(404, "Not Found", "Not Found"),
        ),
    ];
    shop.check(&rows).await;
    let preflight = Request::options(path)
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type, x-storefront-key");
    let answer = shop.gateway.send(&preflight).await.expect_status(204);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(answer.header("Access-Control-Allow-Methods"), Some("POST"));
    assert_eq!(answer.header("Access-Control-Allow-Headers"), Some("content-type, x-storefront-key"));
    assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    count_case(engine, "bagisto §1: any origin, method and header");
}

async fn nobody_verifies_themselves(engine: Engine) {
    let shop = Shop::open(engine).await;
    let with_marks = json!({ "isVerified": 1, "status": 0, "isSuspended": 1, "token": "x", "customerGroupId": 2 });
    shop.check(&[
        row(
            "bagisto 8: not verified yet",
            shop.register(&sign_up("john@example.com")),
            Wanted::done(201).at("/isVerified", 0).at("/token", ""),
        ),
        row(
            "bagisto 21, §12: marks of one's own",
            shop.register(&sign_up_with("jane@example.com", &with_marks)),
            Wanted::done(201).at("/isVerified", 0).at("/status", 1).at("/isSuspended", 0).at("/token", ""),
        ),
        row(
            "bagisto 21: they count for nothing",
            shop.login("jane@example.com", PASSWORD),
            Wanted::done(201).at("/success", false).at("/message", "Verify your email account first."),
        ),
    ])
    .await;
}
