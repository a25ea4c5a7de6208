//! What comes to a page: a person with a browser, and what looks at mails before the person does.

use testkit::{Answer, Gateway, Mail, Request};

/// The target of the link in a mail.
pub fn path(mail: &Mail) -> &str {
    let (_, rest) = mail.link.split_once("://").expect("a link");
    &rest[rest.find('/').expect("a path")..]
}

/// A page, as a browser asks for it.
pub fn page(target: &str) -> Request {
    Request::get(target).header("Accept", "text/html")
}

/// Opens the link in a mail.
pub async fn open(gateway: &Gateway, mail: &Mail) -> Answer {
    let answer = gateway.send(&page(path(mail))).await;
    assert!(answer.header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")), "{answer:?}");
    answer
}

/// The values between these two texts, wherever they are.
pub fn all_between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

/// The value of a field that is filled in already.
pub fn field<'a>(form: &'a str, name: &str) -> &'a str {
    let before = format!("name=\"{name}\" value=\"");
    all_between(form, &before, "\"").first().copied().unwrap_or_default()
}

/// Sends the form of the page that confirms.
pub async fn submit(gateway: &Gateway, fields: &[(&str, &str)]) -> Answer {
    gateway.send(&Request::form("/register/confirm", fields).header("Accept", "text/html")).await
}

/// Opens the link and presses the button of the page that confirms, as its script does it.
pub async fn click(gateway: &Gateway, mail: &Mail) -> Answer {
    let shown = open(gateway, mail).await;
    let challenge = field(&shown.body, "challenge");
    let answer: String = challenge.chars().rev().collect();
    let [lang, moves] = ["lang", "moves"].map(|name| field(&shown.body, name));
    let fields =
        [("lang", lang), ("token", &mail.token), ("moves", moves), ("challenge", challenge), ("answer", &answer)];
    submit(gateway, &fields).await
}

/// A mail scanner: fetches the link, follows what the page links to, and submits its forms, as they stand and with something
/// typed into every field.
pub async fn scan(gateway: &Gateway, mail: &Mail) {
    for method in ["HEAD", "GET", "GET"] {
        gateway.send(&Request::new(method, path(mail)).header("Accept", "*/*")).await.expect_status(200);
    }
    let shown = open(gateway, mail).await;
    for link in all_between(&shown.body, "href=\"", "\"").into_iter().filter(|link| link.starts_with('/')) {
        gateway.send(&page(link)).await;
    }
    for form in all_between(&shown.body, "<form", "</form>") {
        for typed in ["", "123456"] {
            let fields: Vec<(&str, &str)> = all_between(form, "<input", ">")
                .into_iter()
                .filter_map(|input| {
                    let name = *all_between(input, "name=\"", "\"").first()?;
                    Some((
                        name,
                        all_between(input, "value=\"", "\"")
                            .first()
                            .copied()
                            .filter(|value| !value.is_empty())
                            .unwrap_or(typed),
                    ))
                })
                .collect();
            let action = all_between(form, "action=\"", "\"")[0];
            gateway.send(&Request::form(action, &fields).header("Accept", "text/html")).await;
        }
    }
}
