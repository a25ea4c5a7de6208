//! Section 7: the profile, its change, and leaving.

use serde_json::{Value, json};
use testkit::{Engine, count_case, on_both_databases};

use crate::shop::{OTHER_PASSWORD, PASSWORD, Shop, Wanted, row, settings, sign_up_with, with_body};

on_both_databases! {
    tables: [reading, changing, leaving, a_number_that_two_have]
    scenarios: [
        a_new_password_ends_the_other_tokens, a_new_address_waits_for_its_link, a_new_address_beside_a_new_password,
        a_new_address_for_the_last_time_today, all_or_nothing,
    ]
}

const NO_TOKEN_TO_READ: &str = "Authentication token is required. Please provide token in query input";
const NO_TOKEN: &str = "No authentication token provided. Please provide token in Authorization header as \"Bearer \
                        <token>\" or in input.token field";
const BAD_TOKEN: &str = "Invalid or expired token";
const WRONG_PASSWORD: &str = "The current password you entered is incorrect";

fn unauthorized(detail: &str) -> Wanted {
    Wanted::problem(401, "Unauthorized", detail)
}

async fn reading(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let body = || {
        json!([{
            "id": customer.id.to_string(), "firstName": "John", "lastName": "Doe", "email": "john@example.com",
            "phone": null, "gender": null, "dateOfBirth": null, "password": null, "confirmPassword": null, "status": "1",
            "subscribedToNewsLetter": false, "isVerified": "1", "isSuspended": "0", "image": null, "success": null,
            "message": null,
        }])
    };
    shop.check(&[
        row("bagisto 31, §7.1: a list of one", shop.profile(&customer.token), Wanted::exactly(200, body())),
        row(
            "bagisto 31, §7.1: at its other address",
            shop.call("GET", "/api/shop/customers/profile").bearer(&customer.token),
            Wanted::exactly(200, body()),
        ),
        row(
            "bagisto 32, §12: the number and garbage",
            shop.profile(&format!("{}|garbage", customer.token.split_once('|').unwrap().0)),
            unauthorized(BAD_TOKEN),
        ),
        row("bagisto 32: no bearer", shop.profile("x").without("Authorization"), unauthorized(NO_TOKEN_TO_READ)),
    ])
    .await;
}

async fn changing(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let other = shop.sign_up("jane@example.com").await;
    let update = |body: Value| shop.update(&customer.token, customer.id, &body);
    shop.send(&shop.update(&other.token, other.id, &json!({ "phone": "49123" }))).await.expect_status(200);
    let anonymous = update(json!({})).without("Authorization");
    shop.check(&[
        row(
            "bagisto 33: another first name",
            update(json!({ "firstName": "New" })),
            Wanted::exactly(
                200,
                json!({
                    "id": customer.id.to_string(), "_id": customer.id.to_string(), "firstName": "New", "lastName": "Doe",
                    "email": "john@example.com", "status": "1", "subscribedToNewsLetter": false, "isVerified": "true",
                    "isSuspended": "false", "success": true, "message": "Customer profile updated successfully",
                }),
            ),
        ),
        row(
            "bagisto 33: everything",
            update(json!({
                "lastName": "Roe", "phone": "15551234567", "gender": "other", "dateOfBirth": "1990-01-15",
                "subscribedToNewsLetter": true, "image": "data:image/png;base64,AAAA", "deleteImage": false,
            })),
            Wanted::done(200)
                .at("/lastName", "Roe")
                .at("/phone", "15551234567")
                .at("/gender", "Other")
                .at("/dateOfBirth", "1990-01-15")
                .at("/subscribedToNewsLetter", true),
        ),
        row(
            "bagisto 33: blanks leave everything",
            update(json!({ "firstName": "", "lastName": null, "phone": "", "gender": "", "dateOfBirth": "" })),
            Wanted::done(200).at("/firstName", "New").at("/phone", "15551234567").at("/gender", "Other"),
        ),
        row(
            "bagisto 33: one's own phone and address",
            update(json!({ "phone": "15551234567", "email": "JOHN@example.com" })),
            Wanted::done(200).at("/email", "JOHN@example.com"),
        ),
        row(
            "bagisto §7.2: no picture",
            update(json!({ "image": "data:text/html;base64,AAAA" })),
            Wanted::refused("The image field must be an image."),
        ),
        row(
            "bagisto §7.2: the picture is shown",
            shop.profile(&customer.token),
            Wanted::done(200).at("/0/image", "data:image/png;base64,AAAA"),
        ),
        row("bagisto §7.2: without it", update(json!({ "deleteImage": true })), Wanted::done(200)),
        row(
            "bagisto §7.2: it is not shown any more",
            shop.profile(&customer.token),
            Wanted::done(200).at("/0/image", Value::Null),
        ),
        row("bagisto §7.2: no token", anonymous, unauthorized(NO_TOKEN)),
        row("bagisto §7.2: a bad token", update(json!({})).bearer("1|x"), unauthorized(BAD_TOKEN)),
        row(
            "bagisto 35: another's number in the body",
            update(json!({ "id": other.id, "firstName": "Mallory" })),
            unauthorized("Unauthorized: Cannot update another customer profile"),
        ),
        row(
            "bagisto 35: one's own number in the body",
            update(json!({ "id": customer.id.to_string(), "firstName": "Own" })),
            Wanted::done(200).at("/firstName", "Own"),
        ),
        row(
            "bagisto 35: another's number in the path",
            shop.update(&customer.token, other.id, &json!({ "firstName": "Path" })),
            Wanted::done(200).at("/firstName", "Path").at("/id", customer.id.to_string()),
        ),
        row("bagisto 35: the other is as before", shop.profile(&other.token), Wanted::done(200).at("/0/firstName", "John")),
        row(
            "bagisto §7.2: another's address",
            update(json!({ "email": "jane@example.com" })),
            Wanted::refused("The email has already been taken."),
        ),
        row(
            "bagisto §7.2: another's phone",
            update(json!({ "phone": "0049123" })),
            Wanted::refused("The phone has already been taken."),
        ),
        row(
            "bagisto §7.2: no phone",
            update(json!({ "phone": "+49" })),
            Wanted::refused("Mobile number can only contain digits. Special characters are not allowed"),
        ),
        row(
            "bagisto §7.2: no gender",
            update(json!({ "gender": "Robot" })),
            Wanted::refused("Invalid gender value \"Robot\". Allowed values are: Male, Female, Other"),
        ),
        row(
            "bagisto 34: a wrong current password",
            update(json!({ "currentPassword": OTHER_PASSWORD, "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })),
            Wanted::refused(WRONG_PASSWORD),
        ),
        row(
            "bagisto 34: no current password",
            update(json!({ "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD })),
            Wanted::refused("Current password is required to change your password"),
        ),
        row(
            "bagisto 34: another confirmation",
            update(json!({ "currentPassword": PASSWORD, "password": OTHER_PASSWORD, "confirmPassword": PASSWORD })),
            Wanted::refused("Password and confirm password do not match"),
        ),
        row(
            "bagisto 34: a weak one",
            update(json!({ "currentPassword": PASSWORD, "password": "abc", "confirmPassword": "abc" })),
            Wanted::refused(
                "The password field must be at least 8 characters. The password field must contain at least one uppercase \
                 and one lowercase letter. The password field must contain at least one number. The password field must \
                 contain at least one symbol.",
            ),
        ),
        row(
            "bagisto 34: the old password still logs in",
            shop.login("john@example.com", PASSWORD),
            Wanted::done(201).at("/success", true),
        ),
        row(
            "bagisto §7.2: at its other address",
            with_body(shop.call("PUT", "/api/shop/customers/profile"), &json!({ "firstName": "Docs" }))
                .bearer(&customer.token),
            Wanted::done(200).at("/firstName", "Docs"),
        ),
    ])
    .await;
}

async fn leaving(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let second = shop.token_of(&customer.email, PASSWORD).await;
    let newsletter = shop.post("/api/shop/newsletters", &json!({ "customerEmail": customer.email })).bearer(&second);
    shop.send(&newsletter).await.expect_status(201);
    assert!(shop.gateway.database().dump().contains(&customer.email));
    let leave = |body: Value| shop.post("/api/shop/customer-profile-deletes/1", &body).bearer(&customer.token);
    shop.check(&[
        row("bagisto §7.3: no password", leave(json!({})), Wanted::refused(WRONG_PASSWORD)),
        row("bagisto §7.3: a wrong one", leave(json!({ "password": OTHER_PASSWORD })), Wanted::refused(WRONG_PASSWORD)),
        row("bagisto §7.3: no token", leave(json!({})).without("Authorization"), unauthorized(NO_TOKEN)),
        row("bagisto §7.3: a bad token", leave(json!({})).bearer("1|x"), unauthorized(BAD_TOKEN)),
        row("bagisto §7.3: gone", leave(json!({ "password": PASSWORD })), Wanted::exactly(201, json!([]))),
        row("bagisto §7.3: and the tokens", shop.profile(&second), unauthorized(BAD_TOKEN)),
        row(
            "bagisto §7.3: nobody logs in",
            shop.login(&customer.email, PASSWORD),
            Wanted::done(201).at("/success", false),
        ),
    ])
    .await;
    let left = shop.gateway.database().dump();
    assert!(!left.contains(&customer.email), "{left}");
    count_case(engine, "bagisto §7.3: the newsletter's row goes");
    let again = shop.sign_up("john@example.com").await;
    let newsletter = newsletter.bearer(&again.token);
    shop.check(&[row("bagisto §7.3: the newsletter has forgotten them", newsletter, Wanted::done(201))]).await;
    let leave = with_body(shop.call("DELETE", "/api/shop/customers/profile"), &json!({ "password": PASSWORD }));
    shop.check(&[row(
        "bagisto §7.3: at its other address",
        leave.bearer(&again.token),
        Wanted::exactly(201, json!([])),
    )])
    .await;
}

async fn a_new_password_ends_the_other_tokens(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let other = shop.token_of(&customer.email, PASSWORD).await;
    let change = json!({
        "currentPassword": PASSWORD, "password": OTHER_PASSWORD, "confirmPassword": OTHER_PASSWORD, "firstName": "New",
    });
    let told = shop.send(&shop.update(&customer.token, 1, &change)).await.expect_status(200).json();
    assert_eq!(told["firstName"], "New");
    assert!(shop.is_valid(&customer.token).await && !shop.is_valid(&other).await);
    shop.token_of(&customer.email, OTHER_PASSWORD).await;
    let old = shop.send(&shop.login(&customer.email, PASSWORD)).await.json();
    assert_eq!(old["success"], false);
    shop.gateway.mailbox().wait_for_kind(&customer.email, "password-changed", None).await;
}

async fn a_new_address_waits_for_its_link(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let change = shop.update(&customer.token, customer.id, &json!({ "email": "new@example.com" }));
    let told = shop.send(&change).await.expect_status(200).json();
    assert_eq!((&told["email"], &told["isVerified"]), (&json!("john@example.com"), &json!("true")));
    let key = shop.gateway.mailbox().wait_for_kind("new@example.com", "email-change", None).await.token;
    shop.gateway.confirm(&key).await;
    let profile = shop.send(&shop.profile(&customer.token)).await.expect_status(200).json();
    assert_eq!(profile[0]["email"], "new@example.com");
    shop.token_of("new@example.com", PASSWORD).await;
    count_case(engine, "bagisto §7.2: a new address waits for its link");
}

async fn a_new_address_beside_a_new_password(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let older = shop.token_of(&customer.email, PASSWORD).await;
    let change = json!({
        "email": "new@example.com", "currentPassword": PASSWORD, "password": OTHER_PASSWORD,
        "confirmPassword": OTHER_PASSWORD,
    });
    shop.send(&shop.update(&customer.token, customer.id, &change)).await.expect_status(200);
    assert!(shop.is_valid(&customer.token).await && !shop.is_valid(&older).await);
    let key = shop.gateway.mailbox().wait_for_kind("new@example.com", "email-change", None).await.token;
    shop.gateway.mailbox().wait_for_kind(&customer.email, "email-change-notice", None).await;
    shop.token_of(&customer.email, OTHER_PASSWORD).await;
    shop.gateway.confirm(&key).await;
    shop.token_of("new@example.com", OTHER_PASSWORD).await;
    for (email, password) in [("new@example.com", PASSWORD), ("john@example.com", OTHER_PASSWORD)] {
        assert_eq!(shop.send(&shop.login(email, password)).await.json()["success"], false, "{email}");
    }
    count_case(engine, "bagisto §7.2: a new address beside a new password");
}

async fn a_new_address_for_the_last_time_today(engine: Engine) {
    let builder = settings(engine)
        .set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false")
        .set("VESTIBULE__ACCOUNTS__EMAIL_CHANGES_PER_DAY", "1");
    let shop = Shop::start(builder, engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let change = |email: &str| shop.update(&customer.token, customer.id, &json!({ "email": email }));
    shop.check(&[
        row("bagisto §7.2: one change of address", change("one@example.com"), Wanted::done(200)),
        row(
            "bagisto §7.2: one too many",
            change("two@example.com"),
            Wanted::refused("The email field cannot be changed again today."),
        ),
    ])
    .await;
}

/// Nothing is unique about the number of an open claim: both come through.
async fn a_number_that_two_have(engine: Engine) {
    let shop = Shop::open(engine).await;
    let number = json!({ "phone": "49123" });
    let mut tokens = Vec::new();
    for email in ["john@example.com", "jane@example.com"] {
        shop.send(&shop.register(&sign_up_with(email, &number))).await.expect_status(201);
    }
    for email in ["john@example.com", "jane@example.com"] {
        shop.gateway.confirm(&shop.gateway.mailbox().wait_for(email).await.token).await;
        tokens.push(shop.token_of(email, PASSWORD).await);
    }
    let own = |token: &str| shop.update(token, 1, &json!({ "phone": "49123", "firstName": "New" }));
    shop.check(&[
        row(
            "bagisto 33: one's own phone, which another has",
            own(&tokens[0]),
            Wanted::done(200).at("/firstName", "New"),
        ),
        row("bagisto 33: likewise, the other", own(&tokens[1]), Wanted::done(200).at("/phone", "49123")),
        row(
            "bagisto 33: another phone",
            shop.update(&tokens[0], 1, &json!({ "phone": "49124" })),
            Wanted::done(200).at("/phone", "49124"),
        ),
        row(
            "bagisto 33: the one of before, which is another's now",
            own(&tokens[0]),
            Wanted::refused("The phone has already been taken."),
        ),
    ])
    .await;
}

async fn all_or_nothing(engine: Engine) {
    let shop = Shop::open_unverified(engine).await;
    let customer = shop.sign_up("john@example.com").await;
    let change = json!({
        "firstName": "New", "email": "new@example.com", "currentPassword": OTHER_PASSWORD, "password": OTHER_PASSWORD,
        "confirmPassword": OTHER_PASSWORD, "subscribedToNewsLetter": true,
    });
    shop.send(&shop.update(&customer.token, 1, &change)).await.expect_status(400);
    let profile = shop.send(&shop.profile(&customer.token)).await.json();
    assert_eq!((&profile[0]["firstName"], &profile[0]["subscribedToNewsLetter"]), (&json!("John"), &json!(false)));
    shop.gateway.until_all_mail_is_sent().await;
    assert!(shop.gateway.mailbox().list("new@example.com").await.is_empty());
}
