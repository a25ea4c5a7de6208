//! Sections 1.5, 1.7 and 1.8: content types, languages, query parameters.

use serde_json::json;
use testkit::{
    Engine, Expected, Gateway, PASSWORD, Request, check, document, on_both_databases, register, row, sign_up,
};

use crate::messages::{INVALID_PAGE, no_document, no_route, no_token, not_logged_in};
use crate::shop::{BASE, Shop, preflight, settings};

on_both_databases! {
    tables: [pagination, content_types, a_strict_accept, languages, query_parameters]
    scenarios: [the_language_of_a_sign_up_is_that_of_its_mail]
}

async fn pagination(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let ask = |query: &str| Request::get(&format!("/customers?{query}")).bearer(&session.access_token);
    let refused = || Expected::generic(400, INVALID_PAGE);
    let answered = || Expected::data(200).at("/data/0/id", session.reference.as_str());
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 2b: an offset that is no number", ask("page[offset]=x&page[limit]=10"), refused()),
            row("1.4 row 2b: a limit that is no number", ask("page[offset]=0&page[limit]=ten"), refused()),
            row("1.4 row 2b: a limit of zero", ask("page[offset]=0&page[limit]=0"), refused()),
            row("1.4 row 2b: a limit below zero", ask("page[offset]=0&page[limit]=-1"), refused()),
            row("1.4 row 2b: an offset alone", ask("page[offset]=10"), refused()),
            row("1.4 row 2b: a limit of zero alone", ask("page[limit]=0"), refused()),
            row("1.4 row 2b: brackets in percent-encoding", ask("page%5Boffset%5D=x&page%5Blimit%5D=10"), refused()),
            row("1.4 row 2b: before 404", Request::get("/coffees?page[limit]=0"), refused()),
            row("1.4 row 2b: before a missing token", Request::get("/customers?page[limit]=0"), refused()),
            row("1.8 a limit alone has no effect", ask("page[limit]=10"), answered()),
            row(
                "1.8 a page of what has no total",
                ask("page[offset]=0&page[limit]=10"),
                answered().nothing_at("/links/next"),
            ),
        ],
    )
    .await;
}

async fn content_types(engine: Engine) {
    let gateway = settings(engine).start().await;
    let body = document("access-tokens", &json!({ "username": "nobody@example.com", "password": PASSWORD }));
    let post = || Request::post("/access-tokens", &body);
    let typed = |value: &str| post().header("Content-Type", value);
    let accepting = |value: &str| post().header("Accept", value);
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.5 plain JSON, as the acceptance client posts it",
                typed("application/json").header("Accept", "*/*"),
                not_logged_in(),
            ),
            row("1.5 no content type", post().without("Content-Type"), not_logged_in()),
            row("1.5 any other type is read as JSON", typed("text/plain"), not_logged_in()),
            row("1.5 a charset", typed("application/vnd.api+json; charset=utf-8"), not_logged_in()),
            row("1.5 XML has no decoder", typed("application/vnd.api+xml"), no_document()),
            row("1.4 row 2e: an empty content type", typed(""), Expected::generic(415, "Unsupported media type.")),
            row(
                "1.4 row 2e: a content type given twice",
                post().also("Content-Type", "text/plain"),
                Expected::generic(400, "A header that may be given once only is given more than once."),
            ),
            row(
                "1.5 an answer in XML",
                accepting("application/vnd.api+xml"),
                Expected::generic(415, "Unsupported Media Type"),
            ),
            row("1.5 an answer in HTML is JSON all the same", accepting("text/html"), not_logged_in()),
            row("1.5 an answer in anything", accepting("*/*"), not_logged_in()),
            row("1.4 row 2d: no Accept is accepted", post().without("Accept"), not_logged_in()),
            row("1.5 a version: no route", typed("application/vnd.api+json; version=1.0"), no_route()),
            row("1.5 a version in Accept: no route", accepting("application/vnd.api+json; version=1.0"), no_route()),
            row("1.5 a version of two digits", typed("application/vnd.api+json; version=12"), no_route()),
            row("1.5 one digit is no version", typed("application/vnd.api+json; version=1"), not_logged_in()),
            row(
                "1.5 an extension that is not known",
                typed("application/vnd.api+json; ext=\"https://example.com/ext\""),
                Expected::generic(415, "Unsupported media type."),
            ),
            row(
                "1.5 an answer with an extension that is not known",
                accepting("application/vnd.api+json; ext=\"https://example.com/ext\""),
                Expected::generic(406, "Not acceptable."),
            ),
            row(
                "1.5 a profile never matters",
                typed("application/vnd.api+json; profile=\"https://example.com/p\""),
                not_logged_in(),
            ),
        ],
    )
    .await;
}

async fn a_strict_accept(engine: Engine) {
    let gateway = settings(engine).set("VESTIBULE__GLUE__REQUIRE_ACCEPT", "true").start().await;
    let refused = || Expected::generic(406, "Not acceptable.");
    check(
        engine,
        gateway.client(),
        &[
            row("1.4 row 2d: no Accept, strictly", Request::get("/access-tokens").without("Accept"), refused()),
            row("1.4 2d before 404", Request::get("/coffees").without("Accept"), refused()),
            row(
                "1.4 2b before 2d",
                Request::get("/access-tokens?page[limit]=0").without("Accept"),
                Expected::generic(400, INVALID_PAGE),
            ),
            row(
                "1.4 2c before 2d",
                preflight("/access-tokens", "PUT", "accept").without("Accept"),
                Expected::generic(403, "Not allowed."),
            ),
            row(
                "1.4 2d before 2e",
                Request::post("/access-tokens", &json!({})).without("Accept").header("Content-Type", ""),
                refused(),
            ),
            row(
                "1.4 row 2d: any Accept will do",
                Request::get("/access-tokens").header("Accept", "*/*"),
                Expected::data(200),
            ),
        ],
    )
    .await;
}

async fn languages(engine: Engine) {
    let gateway = settings(engine).start().await;
    let speaking = |languages: &str| Request::get("/access-tokens").header("Accept-Language", languages);
    let spoken = |locale: &str| Expected::data(200).header("Content-Language", locale);
    check(
        engine,
        gateway.client(),
        &[
            row("1.7 no header: the store's own", Request::get("/access-tokens"), spoken("de_DE")),
            row("1.7 a language", speaking("en"), spoken("en_US")),
            row("1.7 a locale", speaking("de-DE"), spoken("de_DE")),
            row("1.7 another locale", speaking("en-US"), spoken("en_US")),
            row("1.7 the heaviest wins", speaking("de;q=0.3, en;q=0.9"), spoken("en_US")),
            row("1.7 no weight is the heaviest", speaking("en;q=0.9, de"), spoken("de_DE")),
            row("1.7 the first of what is known", speaking("fr, en;q=0.5"), spoken("en_US")),
            row("1.7 nothing known: the store's own", speaking("fr"), spoken("de_DE")),
            row("1.7 anything: the store's own", speaking("*"), spoken("de_DE")),
            row("1.7 nonsense: the store's own", speaking(";;,q=,en=1"), spoken("de_DE")),
            row(
                "1.7 details are not translated",
                Request::get("/customers").header("Accept-Language", "de"),
                no_token().header("Content-Language", "de_DE"),
            ),
            row(
                "1.6 an error has a language too",
                Request::get("/coffees").header("Accept-Language", "en"),
                no_route().header("Content-Language", "en_US"),
            ),
        ],
    )
    .await;
}

async fn query_parameters(engine: Engine) {
    let Shop { gateway, session } = Shop::open(engine).await;
    let ask =
        |query: &str| Request::get(&format!("/customers/{}?{query}", session.reference)).bearer(&session.access_token);
    let whole = || {
        Expected::data(200)
            .at("/data/attributes/email", session.email.as_str())
            .at("/data/attributes/firstName", "Mira")
    };
    check(
        engine,
        gateway.client(),
        &[
            row(
                "1.8 nothing is included unasked",
                ask(""),
                whole().nothing_at("/included").nothing_at("/data/relationships"),
            ),
            row("1.8 unknown relations are ignored", ask("include=coffees,wishlists"), whole().nothing_at("/included")),
            row("1.8 an empty include", ask("include="), whole()),
            row("1.8 sort is ignored", ask("sort=email,-createdAt"), whole()),
            row("1.8 filter is ignored", ask("filter[customers.email]=x"), whole()),
            row("1.8 unknown parameters are ignored", ask("colour=blue"), whole()),
            row(
                "1.8 a set of fields",
                ask("fields[customers]=email,firstName"),
                Expected::data(200).at("/data/attributes", json!({ "firstName": "Mira", "email": session.email })),
            ),
            row(
                "1.8 in percent-encoding",
                ask("fields%5Bcustomers%5D=lastName"),
                Expected::data(200).at("/data/attributes", json!({ "lastName": "Olsen" })),
            ),
            row(
                "1.8 unknown fields are ignored",
                ask("fields[customers]=email,colour"),
                Expected::data(200).at("/data/attributes", json!({ "email": session.email })),
            ),
            row(
                "1.8 nothing left is an empty object",
                ask("fields[customers]=colour"),
                Expected::data(200).at("/data/attributes", json!({})).at("/data/type", "customers"),
            ),
            row("1.8 the fields of another type", ask("fields[addresses]=city"), whole()),
            row(
                "1.8 fields of a login",
                Request::post(
                    "/access-tokens?fields[access-tokens]=tokenType",
                    &document("access-tokens", &json!({ "username": session.email, "password": PASSWORD })),
                ),
                Expected::data(201).at("/data/attributes", json!({ "tokenType": "Bearer" })),
            ),
        ],
    )
    .await;
}

async fn the_language_of_a_sign_up_is_that_of_its_mail(engine: Engine) {
    let gateway: Gateway = settings(engine).start().await;
    for (language, locale, phrase) in
        [("de", "de_DE", "Bestätigen Sie Ihre E-Mail-Adresse"), ("en-US", "en_US", "Validate your email address")]
    {
        let address = format!("{locale}@example.com");
        gateway.send(&register(&sign_up(&address)).header("Accept-Language", language)).await.expect_status(201);
        let mail = gateway.mailbox().wait_for(&address).await;
        assert!(mail.text.contains(phrase) && mail.html.contains(phrase), "1.7, 9: {mail:?}");
        let link = format!("{BASE}/register/confirm?token={}&_store=DE&_locale={locale}", mail.token);
        assert_eq!(mail.link, link, "9 the link");
        assert!(mail.text.contains(&link), "9 the text part has the link too: {}", mail.text);
    }
}
