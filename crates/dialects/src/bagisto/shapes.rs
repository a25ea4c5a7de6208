//! The bodies of answers, whose types are not the same everywhere: a number here is a text there.

use domain::{Account, CustomerId, Gender, ServerKey};
use serde_json::{Value, json};

/// The length of what Bagisto calls an API token.
const API_TOKEN_CHARACTERS: usize = 80;

/// A customer, as far as answers tell of them.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) account: &'a Account,
    pub(super) is_verified: bool,
}

/// Opens nothing, and is always the same for a customer: clients expect one.
pub(super) fn api_token(id: CustomerId, key: &ServerKey) -> String {
    let half = |number: u8| hex::encode(key.mac(&[b"bagisto api token", &id.0.to_be_bytes(), &[number]]).as_bytes());
    let mut token = half(0) + &half(1);
    token.truncate(API_TOKEN_CHARACTERS);
    token
}

/// Somebody who has just signed up. `token` is empty where nobody is let in yet.
pub(super) fn registered(shown: Shown<'_>, api_token: &str, token: &str) -> Value {
    let Shown { account, is_verified } = shown;
    let profile = &account.profile;
    json!({
        "id": account.id.0,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "gender": gender(account),
        "dateOfBirth": date_of_birth(account),
        "email": account.email.as_typed(),
        "phone": profile.phone,
        "status": 1,
        "apiToken": api_token,
        "customerGroupId": null,
        "channelId": null,
        "subscribedToNewsLetter": profile.subscribed_to_newsletter,
        "isVerified": u8::from(is_verified),
        "isSuspended": 0,
        "token": token,
        "rememberToken": null,
        "deviceToken": null,
        "name": full_name(account),
    })
}

/// Somebody who has logged in.
pub(super) fn logged_in(id: CustomerId, api_token: &str, token: &str) -> Value {
    json!({
        "id": id.0,
        "_id": id.0,
        "apiToken": api_token,
        "token": token,
        "message": "You have logged in successfully",
        "success": true,
    })
}

/// Somebody who has not, with the same status.
pub(super) fn not_logged_in(message: &str) -> Value {
    json!({ "id": 0, "_id": 0, "apiToken": "", "token": "", "message": message, "success": false })
}

/// Whose bearer token it is.
pub(super) fn valid_token(account: &Account) -> Value {
    json!({
        "id": account.id.0,
        "firstName": account.profile.first_name.as_deref().unwrap_or_default(),
        "lastName": account.profile.last_name.as_deref().unwrap_or_default(),
        "email": account.email.as_typed(),
        "isValid": true,
        "message": "Token is valid",
    })
}

/// A bearer token that is nobody's.
pub(super) fn invalid_token(message: &str) -> Value {
    json!({ "id": 0, "firstName": "", "lastName": "", "email": "", "isValid": false, "message": message })
}

/// A list of one: the caller's profile.
pub(super) fn profile(shown: Shown<'_>, image: Option<&str>) -> Value {
    let Shown { account, is_verified } = shown;
    let profile = &account.profile;
    json!([{
        "id": account.id.to_string(),
        "firstName": profile.first_name.as_deref().unwrap_or_default(),
        "lastName": profile.last_name.as_deref().unwrap_or_default(),
        "email": account.email.as_typed(),
        "phone": profile.phone,
        "gender": gender(account),
        "dateOfBirth": date_of_birth(account),
        "password": null,
        "confirmPassword": null,
        "status": "1",
        "subscribedToNewsLetter": profile.subscribed_to_newsletter,
        "isVerified": if is_verified { "1" } else { "0" },
        "isSuspended": "0",
        "image": image,
        "success": null,
        "message": null,
    }])
}

/// A profile after a change, without what is null.
pub(super) fn updated(shown: Shown<'_>) -> Value {
    let Shown { account, is_verified } = shown;
    let profile = &account.profile;
    let id = account.id.to_string();
    let mut body = json!({
        "id": id,
        "_id": id,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "email": account.email.as_typed(),
        "phone": profile.phone,
        "gender": gender(account),
        "dateOfBirth": date_of_birth(account),
        "status": "1",
        "subscribedToNewsLetter": profile.subscribed_to_newsletter,
        "isVerified": if is_verified { "true" } else { "false" },
        "isSuspended": "false",
        "success": true,
        "message": "Customer profile updated successfully",
    });
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    body
}

/// What many calls say, and nothing else.
pub(super) fn outcome(success: bool, message: &str) -> Value {
    json!({ "success": success, "message": message })
}

fn gender(account: &Account) -> Option<&'static str> {
    account.profile.gender.map(Gender::as_str)
}

fn date_of_birth(account: &Account) -> Option<String> {
    account.profile.date_of_birth.map(|date| date.to_string())
}

/// First and last name, each with its first letter raised.
fn full_name(account: &Account) -> String {
    let profile = &account.profile;
    let names = [&profile.first_name, &profile.last_name].map(|name| name.as_deref().map(raised).unwrap_or_default());
    names.join(" ").trim().to_owned()
}

fn raised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{EmailAddress, Locale, Profile, Timestamp};

    fn account(profile: Profile) -> Account {
        let moment = Timestamp::from_micros(1);
        Account {
            id: CustomerId(12),
            reference: "DE--12".to_owned(),
            email: EmailAddress::parse("John@example.com").unwrap(),
            profile,
            locale: Locale::parse("de_DE").unwrap(),
            store: "DE".to_owned(),
            created_at: moment,
            updated_at: moment,
        }
    }

    fn bare() -> Account {
        account(Profile {
            first_name: Some("john".to_owned()),
            last_name: Some("élan".to_owned()),
            ..Profile::default()
        })
    }

    fn full() -> Account {
        account(Profile {
            gender: Some(Gender::Male),
            date_of_birth: Some(jiff::civil::Date::constant(1990, 1, 15)),
            phone: Some("49123".to_owned()),
            subscribed_to_newsletter: true,
            ..bare().profile
        })
    }

    #[test]
    fn cases_6_to_8_a_sign_up_tells_everything_in_order() {
        let account = bare();
        let shown = Shown { account: &account, is_verified: false };
        assert_eq!(
            registered(shown, "a", "").to_string(),
            r#"{"id":12,"firstName":"john","lastName":"élan","gender":null,"dateOfBirth":null,"email":"John@example.com","phone":null,"status":1,"apiToken":"a","customerGroupId":null,"channelId":null,"subscribedToNewsLetter":false,"isVerified":0,"isSuspended":0,"token":"","rememberToken":null,"deviceToken":null,"name":"John Élan"}"#
        );
        let account = full();
        let shown = Shown { account: &account, is_verified: true };
        let body = registered(shown, "a", "1|x");
        for (member, expected) in [
            ("gender", json!("Male")),
            ("dateOfBirth", json!("1990-01-15")),
            ("phone", json!("49123")),
            ("subscribedToNewsLetter", json!(true)),
            ("isVerified", json!(1)),
            ("token", json!("1|x")),
        ] {
            assert_eq!(body[member], expected, "{member}");
        }
    }

    #[test]
    fn cases_31_and_33_a_profile_has_other_types() {
        let account = bare();
        let shown = Shown { account: &account, is_verified: true };
        assert_eq!(
            profile(shown, None).to_string(),
            r#"[{"id":"12","firstName":"john","lastName":"élan","email":"John@example.com","phone":null,"gender":null,"dateOfBirth":null,"password":null,"confirmPassword":null,"status":"1","subscribedToNewsLetter":false,"isVerified":"1","isSuspended":"0","image":null,"success":null,"message":null}]"#
        );
        assert_eq!(
            updated(shown).to_string(),
            r#"{"id":"12","_id":"12","firstName":"john","lastName":"élan","email":"John@example.com","status":"1","subscribedToNewsLetter":false,"isVerified":"true","isSuspended":"false","success":true,"message":"Customer profile updated successfully"}"#
        );
        let account = full();
        let all = updated(Shown { account: &account, is_verified: true });
        assert_eq!((&all["phone"], &all["dateOfBirth"]), (&json!("49123"), &json!("1990-01-15")));
    }

    #[test]
    fn cases_23_to_25_logins_and_tokens() {
        for (body, expected) in [
            (
                logged_in(CustomerId(12), "a", "1|x"),
                r#"{"id":12,"_id":12,"apiToken":"a","token":"1|x","message":"You have logged in successfully","success":true}"#,
            ),
            (
                not_logged_in("Invalid email or password"),
                r#"{"id":0,"_id":0,"apiToken":"","token":"","message":"Invalid email or password","success":false}"#,
            ),
            (
                valid_token(&bare()),
                r#"{"id":12,"firstName":"john","lastName":"élan","email":"John@example.com","isValid":true,"message":"Token is valid"}"#,
            ),
            (invalid_token("no"), r#"{"id":0,"firstName":"","lastName":"","email":"","isValid":false,"message":"no"}"#),
            (outcome(true, "yes"), r#"{"success":true,"message":"yes"}"#),
        ] {
            assert_eq!(body.to_string(), expected);
        }
    }

    #[test]
    fn an_api_token_is_a_customers_own() {
        let token = |id: i64, key: u8| api_token(CustomerId(id), &ServerKey::from_bytes([key; 32]));
        assert_eq!(token(1, 1).len(), 80);
        assert!(token(1, 1).bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(token(1, 1), token(1, 1));
        assert!(token(1, 1) != token(2, 1) && token(1, 1) != token(1, 2));
    }
}
