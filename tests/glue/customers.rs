//! Sections 2.2 and 2.3: signing up and reading.

use serde_json::{Value, json};
use testkit::{
    Engine, Expected, LEAKED_PASSWORD, Mail, PASSWORD, Request, check, log_in, on_both_databases, register, row,
    service_of_leaked_passwords, sign_up,
};

use crate::messages::{COMMON, DIFFERENT, LONG_ADDRESS, NO_ADDRESS, REPETITION, TAKEN};
use crate::shop::{BASE, Shop, changed, settings, sign_up_with, with_listed_passwords, with_password};

on_both_databases! {
    tables: [refusals, listed_passwords, leaked_passwords, taken_addresses, rejected_reregistration, reading, names_of_references, without_double_opt_in]
    scenarios: [the_owner_of_a_taken_address_is_told]
}

const TERMS: &str = "Terms and Conditions was not accepted.";
const LEAKED: &str = "password => This password has been leaked in a data breach, it must not be used. \
                      Please use another password.";

async fn refusals(engine: Engine) {
    let gateway = settings(engine).start().await;
    let other = json!("Another-2nd-Door!");
    let long = format!("{}@{}.example.com", "a".repeat(60), "b".repeat(28));
    let long_and_wrong = format!("a..b@{}.{}.com", "b".repeat(60), "c".repeat(60));
    let address = |address: &str| register(&sign_up(address));
    check(
        engine,
        gateway.client(),
        &[
            row(
                "2.2 row 1: terms are null",
                register(&changed("a@example.com", "acceptedTerms", Value::Null)),
                Expected::error(400, "413", TERMS),
            ),
            row(
                "2.2 row 2: passwords differ",
                register(&changed("a@example.com", "confirmPassword", other.clone())),
                Expected::error(422, "406", DIFFERENT),
            ),
            row(
                "2.2 row 2: case counts",
                register(&changed("a@example.com", "confirmPassword", PASSWORD.to_lowercase())),
                Expected::error(422, "406", DIFFERENT),
            ),
            row(
                "2.2 row 1 before row 2",
                register(&sign_up_with(
                    "a@example.com",
                    &[("acceptedTerms", Some(Value::Null)), ("confirmPassword", Some(other))],
                )),
                Expected::error(400, "413", TERMS),
            ),
            row(
                "2.2 row 3: three equal characters in a row",
                register(&with_password("a@example.com", "Vestibule-222-Door!")),
                Expected::error(400, "421", REPETITION),
            ),
            row(
                "2.2 row 2 before row 3",
                register(&sign_up_with("a@example.com", &[("password", Some(json!("Vestibule-222-Door!")))])),
                Expected::error(422, "406", DIFFERENT),
            ),
            row(
                "2.2 row 3: two equal characters are fine",
                register(&with_password("two-equal@example.com", "Vestibule-22-Door!")),
                Expected::data(201),
            ),
            row(
                "2.2 row 3: what holds a listed password is fine",
                register(&with_password("listed@example.com", "qwerty-2nd-Door!")),
                Expected::data(201),
            ),
            row(
                "2.2 row 3 before row 4",
                register(&with_password("a..b@example.com", "Vestibule-222-Door!")),
                Expected::error(400, "421", REPETITION),
            ),
            row("2.2 row 4: two dots", address("a..b@example.com"), Expected::error(422, "416", NO_ADDRESS)),
            row("2.2 row 4: a blank", address("a b@example.com"), Expected::error(422, "416", NO_ADDRESS)),
            row("2.2 row 4: two @", address("a@b@example.com"), Expected::error(422, "416", NO_ADDRESS)),
            row("2.2 row 4: a quoted name", address("\"a\"@example.com"), Expected::error(422, "416", NO_ADDRESS)),
            row(
                "2.2 row 4: a hyphen before the domain",
                address("a@-example.com"),
                Expected::error(422, "416", NO_ADDRESS),
            ),
            row("2.2 row 4: 101 characters", address(&long), Expected::error(422, "417", LONG_ADDRESS)),
            row("2.2 row 4: a hundred characters", address(long.get(1..).unwrap()), Expected::data(201)),
            row(
                "2.2 row 4: all that fails",
                address(&long_and_wrong),
                Expected::errors(&[(422, "416", NO_ADDRESS), (422, "417", LONG_ADDRESS)]),
            ),
            row(
                "2.2 an international domain",
                address("jörg@bücher.example"),
                Expected::data(201).at("/data/attributes/email", "jörg@bücher.example"),
            ),
        ],
    )
    .await;
}

async fn taken_addresses(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    gateway.register("open@example.com").await;
    gateway.sign_in("jörg@bücher.example").await;
    let taken = || Expected::error(422, "400", TAKEN);
    check(
        engine,
        gateway.client(),
        &[
            row("2.2 row 4: a confirmed account has it", register(&sign_up(&session.email)), taken()),
            row("2.2 row 4: whatever the case", register(&sign_up("Mira.OLSEN@Example.Com")), taken()),
            row(
                "2.2 row 4: whatever the spelling of the domain",
                register(&sign_up("jörg@xn--bcher-kva.example")),
                taken(),
            ),
            row(
                "2.2 a tag makes another address",
                register(&sign_up("mira.olsen+shop@example.com")),
                Expected::data(201),
            ),
            row("2.2 an unconfirmed address is not taken", register(&sign_up("open@example.com")), Expected::data(201)),
            row(
                "2.2 row 2 before row 4",
                register(&changed(&session.email, "confirmPassword", "Another-2nd-Door!")),
                Expected::error(422, "406", DIFFERENT),
            ),
            row(
                "2.2 nothing was written: the password is as it was",
                log_in(&session.email, PASSWORD),
                Expected::data(201),
            ),
        ],
    )
    .await;
}

async fn listed_passwords(engine: Engine) {
    let gateway = with_listed_passwords(engine).start().await;
    let with = |password: &str| register(&with_password("a@example.com", password));
    check(
        engine,
        gateway.client(),
        &[
            row("2.2 row 3: a common password", with("Common-2nd-Door!"), Expected::error(400, "422", COMMON)),
            row(
                "2.2 row 3: all that fail, in order",
                with("Common-222-Door!"),
                Expected::errors(&[(400, "422", COMMON), (400, "421", REPETITION)]),
            ),
            row("2.2 row 3: the whole password is compared", with("Common-2nd-Door!!"), Expected::data(201)),
            row("2.2 row 3: an allowed password skips the policy", with("Allowed-222-Door!"), Expected::data(201)),
            row("2.2 row 3: in exact case", with("ALLOWED-222-Door!"), Expected::error(400, "421", REPETITION)),
        ],
    )
    .await;
}

async fn leaked_passwords(engine: Engine) {
    const PASSWORD_SETTING: &str = "VESTIBULE__GLUE__LEAKED_PASSWORDS_URL";
    let gateway = settings(engine).set(PASSWORD_SETTING, &service_of_leaked_passwords()).start().await;
    let both = [("email", Some(json!("nobody"))), ("password", Some(json!(LEAKED_PASSWORD)))];
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.10 NotCompromisedPassword",
                register(&with_password("a@example.com", LEAKED_PASSWORD)),
                Expected::violations(&[LEAKED]),
            ),
            row(
                "1.10 NotCompromisedPassword: with all other violations, in order",
                register(&sign_up_with("nobody", &both)),
                Expected::violations(&["email => This value is not a valid email address.", LEAKED]),
            ),
            row(
                "1.10 NotCompromisedPassword: another password",
                register(&with_password("a@example.com", "Unknown-2nd-Door!")),
                Expected::data(201),
            ),
        ],
    )
    .await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let gateway = settings(engine).set(PASSWORD_SETTING, &url).start().await;
    check(
        engine,
        gateway.client(),
        &[row(
            "1.10 NotCompromisedPassword: a silent service is passed over",
            register(&with_password("a@example.com", LEAKED_PASSWORD)),
            Expected::data(201),
        )],
    )
    .await;
}

async fn rejected_reregistration(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__REREGISTRATION", "reject").start().await;
    gateway.register("open@example.com").await;
    check(
        engine,
        gateway.client(),
        &[
            row(
                "2.2 to the letter: an open claim counts",
                register(&sign_up("open@example.com")),
                Expected::error(422, "400", TAKEN),
            ),
            row(
                "2.2 to the letter: whatever the case",
                register(&sign_up("OPEN@example.com")),
                Expected::error(422, "400", TAKEN),
            ),
            row("2.2 to the letter: another address", register(&sign_up("other@example.com")), Expected::data(201)),
        ],
    )
    .await;
}

async fn reading(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let token = session.access_token.as_str();
    let own = format!("/customers/{}", session.reference);
    let shown = |at: &str| {
        Expected::data(200)
            .at(&format!("{at}/id"), session.reference.as_str())
            .at(&format!("{at}/attributes/email"), session.email.as_str())
            .at(&format!("{at}/attributes/salutation"), "Ms")
            .at(&format!("{at}/attributes/acceptedTerms"), Value::Null)
            .at(&format!("{at}/attributes/confirmPassword"), Value::Null)
            .at(&format!("{at}/links/self"), format!("{BASE}{own}"))
    };
    check(
        engine,
        gateway.client(),
        &[
            row("2.3 the collection", Request::get("/customers").bearer(token), shown("/data/0")),
            row("2.3 one's own", Request::get(&own).bearer(token), shown("/data")),
            row(
                "2.3 with addresses",
                Request::get(&format!("{own}?include=addresses")).bearer(token),
                Expected::data(200),
            ),
            row(
                "2.3 another's",
                Request::get("/customers/DE--2").bearer(token),
                Expected::error(404, "402", "Customer not found."),
            ),
            row(
                "2.3 mine",
                Request::get("/customers/mine").bearer(token),
                Expected::error(404, "402", "Customer not found."),
            ),
            row("2.3 no token", Request::get(&own), Expected::error(403, "002", "Missing access token.")),
            row(
                "2.3 no token, the collection",
                Request::get("/customers"),
                Expected::error(403, "002", "Missing access token."),
            ),
            row(
                "2.3 a bad token",
                Request::get(&own).bearer("x"),
                Expected::error(401, "001", "Invalid access token."),
            ),
        ],
    )
    .await;
}

async fn names_of_references(engine: Engine) {
    for (holds, setting, value, reference) in [
        ("2.1 the prefix is the store's name", "VESTIBULE__STORE__NAME", "AT", "AT--1"),
        ("2.1 or the one that is set", "VESTIBULE__ACCOUNTS__REFERENCE_PREFIX", "customer", "customer--1"),
    ] {
        let gateway = settings(engine).set(setting, value).start().await;
        let expected = Expected::data(201).at("/data/id", reference);
        check(engine, gateway.client(), &[row(holds, register(&sign_up("a@example.com")), expected)]).await;
    }
}

async fn without_double_opt_in(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__ACCOUNTS__DOUBLE_OPT_IN", "false").start().await;
    check(
        engine,
        gateway.client(),
        &[
            row("6.1 without double opt-in: sign up", register(&sign_up("a@example.com")), Expected::data(201)),
            row("6.1 without double opt-in: log in at once", log_in("a@example.com", PASSWORD), Expected::data(201)),
            row(
                "6.1 without double opt-in: taken at once",
                register(&sign_up("a@example.com")),
                Expected::error(422, "400", TAKEN),
            ),
        ],
    )
    .await;
    let welcome = gateway.mailbox().wait_for("a@example.com").await;
    assert_eq!((welcome.token.as_str(), welcome.code.as_str()), ("", ""), "9 nothing to confirm: {welcome:?}");
}

async fn the_owner_of_a_taken_address_is_told(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let first = gateway.mailbox().wait_for(&session.email).await;
    gateway.send(&register(&sign_up(&session.email))).await.expect_status(422);
    let notice: Mail = gateway.mailbox().wait_for_next(&first).await;
    assert_eq!(notice.token, "", "2.2 no key: {notice:?}");
    assert_ne!(notice.subject, first.subject);
    gateway.login(&session.email).await;
}
