//! What no client should send: a clear answer in the contract's shape, nothing written, and a gateway that goes on.

use testkit::{
    Engine, Expected, Gateway, JSON_API, PASSWORD, Request, check, confirm, document, log_in, on_both_databases,
    refresh, register, row, sign_up,
};

use crate::shop::{Shop, changed, settings};

on_both_databases! {
    tables: [bodies, characters, long_tokens]
    scenarios: [large_bodies, headers_twice, broken_requests, a_full_outbox]
}

const INVALID_BODY: &str = "Post data is invalid.";

async fn bodies(engine: Engine) {
    let gateway = settings(engine).start().await;
    let text = |body: Vec<u8>| Request::new("POST", "/customers").body(body).header("Content-Type", JSON_API);
    let invalid = || Expected::generic(400, INVALID_BODY);
    let whole = document("customers", &sign_up("bodies@example.com")).to_string();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let with_bytes = |bytes: &[u8]| {
        [br#"{"data":{"type":"customers","attributes":{"email":""#.as_slice(), bytes, br#""}}}"#].concat()
    };
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 4: half a document", text(whole.get(..whole.len() / 2).unwrap().into()), invalid()),
            row("1.4 row 4: two documents", text(format!("{whole}{whole}").into()), invalid()),
            row("1.4 row 4: nested without end", text(deep.into()), invalid()),
            row("1.4 row 4: bytes that are no UTF-8", text(with_bytes(b"\xff\xfe@example.com")), invalid()),
            row("1.4 row 4: half a surrogate pair", text(with_bytes(br"\ud800@example.com")), invalid()),
            row("1.4 row 4: a NUL in clear", text(with_bytes(b"\0@example.com")), invalid()),
            row("1.4 row 4: a line break in clear", text(with_bytes(b"a\n@example.com")), invalid()),
            row(
                "1.4 row 4: a number beyond all numbers",
                text(br#"{"data":{"type":"customers","attributes":{"x":1e999}}}"#.into()),
                invalid(),
            ),
            row("1.4 row 4: a form", Request::form("/customers", &[("email", "x")]), invalid()),
            row("a document after all that", text(whole.into()), Expected::data(201)),
        ],
    )
    .await;
    assert_sound(&gateway);
}

async fn characters(engine: Engine) {
    let gateway = settings(engine).start().await;
    let sign_up_as = |name: &str, value: &str| register(&changed("characters@example.com", name, value));
    let mut rows = Vec::new();
    for name in ["firstName", "lastName"] {
        for value in ["Mi\0ra", "Mira\r\nBcc: all@example.com", "Mi\u{7}ra", "Mi\tra", "Mi\u{85}ra"] {
            let expected = Expected::violations(&[&format!("{name} => This value is not valid.")]);
            rows.push(row("a control character in a name", sign_up_as(name, value), expected));
        }
    }
    for value in ["a\0@example.com", "a@exam\0ple.com", "a\r\nBcc: b@example.com"] {
        let sent = sign_up_as("email", value);
        let refused = if value.contains(' ') || value.contains('\n') {
            Expected::violations(&["email => This value is not a valid email address."])
        } else {
            Expected::error(422, "416", "Invalid Email address format.")
        };
        rows.push(row("a control character in an address", sent, refused));
    }
    rows.push(row("a control character in a choice", sign_up_as("gender", "Male\0"), {
        Expected::violations(&["gender => The value you selected is not a valid choice."])
    }));
    let spent = || Expected::error(422, "423", "This email confirmation code is invalid or has been already used.");
    rows.push(row("a control character in a key", confirm("\0"), spent()));
    rows.push(row("a line break in a key", confirm("x\r\ny"), spent()));
    let failed = || Expected::error(401, "003", "Failed to authenticate user.");
    rows.push(row("a control character in a password at a login", log_in("a@example.com", "\0"), failed()));
    rows.push(row(
        "a control character in a refresh token",
        refresh("\0"),
        Expected::error(401, "004", "Failed to refresh token."),
    ));
    rows.push(row("any script is a name", sign_up_as("firstName", "Мира 美良 😀 O’Neill-Ó"), {
        Expected::data(201).at("/data/attributes/firstName", "Мира 美良 😀 O’Neill-Ó")
    }));
    rows.push(row("markup is a name and stays one", sign_up_as("lastName", "<b>'; DROP TABLE customers; --"), {
        Expected::data(201).at("/data/attributes/lastName", "<b>'; DROP TABLE customers; --")
    }));
    check(engine, gateway.client(), &rows).await;
    assert_sound(&gateway);
}

async fn long_tokens(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let long = "a".repeat(6_000);
    check(
        engine,
        gateway.client(),
        &[
            row(
                "a long access token",
                Request::get("/customers").bearer(&long),
                Expected::error(401, "001", "Invalid access token."),
            ),
            row(
                "a long key",
                confirm(&long),
                Expected::error(422, "423", "This email confirmation code is invalid or has been already used."),
            ),
            row("a long refresh token", refresh(&long), Expected::error(401, "004", "Failed to refresh token.")),
            row(
                "a long refresh token in a path",
                Request::delete(&format!("/refresh-tokens/{long}")).bearer(&session.access_token),
                Expected::no_content(),
            ),
            row(
                "a long reference",
                Request::get(&format!("/customers/{long}")).bearer(&session.access_token),
                Expected::error(404, "402", "Customer not found."),
            ),
            row(
                "a long password at a login",
                log_in(&session.email, &long),
                Expected::error(401, "003", "Failed to authenticate user."),
            ),
        ],
    )
    .await;
    assert_sound(&gateway);
}

async fn large_bodies(engine: Engine) {
    let gateway = settings(engine).start().await;
    let padded = |bytes: usize| {
        let padding = "x".repeat(bytes);
        register(&changed("large@example.com", "padding", padding))
    };
    gateway.send(&padded(60_000)).await.expect_status(201);
    for kilobytes in [65, 1_000, 20_000] {
        let answer = gateway.send(&padded(kilobytes * 1024)).await;
        let refused = answer.errors();
        assert_eq!((answer.status, answer.reason.as_str()), (413, "Content Too Large"), "{answer:?}");
        assert_eq!((refused.len(), answer.header("Content-Type")), (1, Some(JSON_API)), "{answer:?}");
    }
    assert_sound(&gateway);
}

async fn headers_twice(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let bearer = format!("Bearer {}", session.access_token);
    let read = || Request::get("/customers").header("Authorization", &bearer);
    let answers = [
        (read().also("Authorization", &bearer), [200, 400, 401].as_slice()),
        (read().also("Authorization", "Bearer x"), &[400, 401]),
        (read().also("Accept-Language", "de").also("Accept-Language", "en"), &[200]),
        (read().also("Accept", "text/html"), &[200]),
        (log_in(&session.email, PASSWORD).also("Content-Type", "text/plain"), &[201, 400, 415]),
        (read().also("X-Request-Id", "a").also("X-Request-Id", "b"), &[200]),
    ];
    for (request, allowed) in answers {
        let answer = gateway.send(&request).await;
        assert!(allowed.contains(&answer.status), "{request}: {answer:?}");
        assert_eq!(answer.header("Content-Type"), Some(JSON_API));
    }
    let two_lengths = gateway
        .client()
        .send_bytes(b"POST /customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
        .await;
    assert_eq!(two_lengths.status, 400, "two lengths are how requests are smuggled");
    assert_sound(&gateway);
}

async fn broken_requests(engine: Engine) {
    let gateway = settings(engine).start().await;
    for bytes in [
        b"GARBAGE\r\n\r\n".as_slice(),
        b"GET /customers HTTP/9.9\r\n\r\n",
        b"GET /customers HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        b"POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n",
        b"POST /customers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n",
    ] {
        let answer = gateway.client().send_bytes(bytes).await;
        assert!((400..500).contains(&answer.status), "{}: {answer:?}", String::from_utf8_lossy(bytes));
    }
    for path in
        ["/customers/%", "/customers/%zz", "/%c3%28", "/customers/%00", "/customers/..%2f..%2fetc", "/./../customers"]
    {
        let answer = gateway.send(&Request::get(path)).await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(answer.header("Content-Type"), Some(JSON_API), "{path}");
    }
    // Whoever hangs up in the middle of a body leaves nothing behind.
    let half = b"POST /customers HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{\"data\":{";
    gateway.client().hang_up_after(half).await;
    gateway.register("after@example.com").await;
    assert_sound(&gateway);
}

async fn a_full_outbox(engine: Engine) {
    // Nobody listens on port 1, so that nothing leaves.
    let gateway = settings(engine)
        .set("VESTIBULE__MAIL__TRANSPORT", "smtp")
        .set("VESTIBULE__MAIL__SMTP__HOST", "127.0.0.1")
        .set("VESTIBULE__MAIL__SMTP__PORT", "1")
        .set("VESTIBULE__MAIL__SMTP__TLS", "none")
        .set("VESTIBULE__DATABASE__OUTBOX_LIMIT", "3")
        .start()
        .await;
    for index in 0..3 {
        gateway.register(&format!("mira-{index}@example.com")).await;
    }
    let refused = gateway.send(&register(&sign_up("mira-3@example.com"))).await.expect_status(503);
    assert!(refused.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{refused:?}");
    assert_eq!((refused.errors().len(), refused.header("Content-Type")), (1, Some(JSON_API)), "{refused:?}");
    let login = gateway.send(&log_in("mira-0@example.com", PASSWORD)).await;
    assert_eq!(login.status, 401, "the rest of the gateway goes on");
    assert_sound(&gateway);
}

fn assert_sound(gateway: &Gateway) {
    let log = gateway.log();
    assert!(!log.contains("panicked"), "{log}");
}
