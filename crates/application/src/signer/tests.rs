use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Barrier, LazyLock};

use aws_lc_rs::signature::KeyPair as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Account, Customer, EmailAddress, Locale, Marks, Profile, SystemRandomness};
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// 2026-03-04T10:15:00.5Z
const NOW: Timestamp = Timestamp::from_micros(1_772_619_300_500_000);

/// RSA keys take long to make; tests that need one copy this.
static RSA_PEM: LazyLock<String> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    fs::read_to_string(generate_signing_key(folder.path(), Algorithm::Rs256, NOW).unwrap()).unwrap()
});

fn settings(algorithm: Algorithm) -> TokenSettings {
    TokenSettings {
        algorithm,
        audience: "frontend".to_owned(),
        access_lifetime_seconds: 28_800,
        refresh_lifetime_seconds: 2_678_400,
    }
}

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn ed25519_pem() -> String {
    let folder = TempDir::new().unwrap();
    fs::read_to_string(generate_signing_key(folder.path(), Algorithm::EdDsa, NOW).unwrap()).unwrap()
}

fn rsa_signer() -> (Signer, TempDir) {
    let folder = folder_with(&[("a.pem", &RSA_PEM)]);
    (Signer::load(folder.path(), &settings(Algorithm::Rs256)).unwrap(), folder)
}

fn customer() -> Customer {
    let account = Account {
        id: CustomerId(35),
        reference: "DE--35".to_owned(),
        email: EmailAddress::parse("mira@example.com").unwrap(),
        profile: Profile::default(),
        locale: Locale::parse("de_DE").unwrap(),
        store: "DE".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    };
    Customer::from_marks(account, Marks { confirmed_at: Some(NOW), ..Marks::default() })
}

fn token(signer: &Signer) -> String {
    let customer = customer();
    signer.sign(customer.confirmed().unwrap().subject().unwrap(), NOW, &SystemRandomness).unwrap()
}

fn mira() -> Caller {
    let issued_at = Timestamp::from_micros(1_772_619_300_000_000);
    Caller { id: CustomerId(35), reference: "DE--35".to_owned(), issued_at }
}

fn decoded(part: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_token_has_the_claims_of_spryker_in_their_order() {
    let (signer, _folder) = rsa_signer();
    let jwt = token(&signer);
    let parts: Vec<&str> = jwt.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(decoded(parts[0]), r#"{"typ":"JWT","alg":"RS256","kid":"a"}"#);
    let claims: Value = serde_json::from_str(&decoded(parts[1])).unwrap();
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "jti", "iat", "nbf", "exp", "sub", "scopes"]);
    let jti = claims["jti"].as_str().unwrap();
    assert!(jti.len() == 80 && jti.bytes().all(|byte| byte.is_ascii_hexdigit()), "{jti}");
    assert_eq!(
        claims,
        json!({
            "aud": "frontend",
            "jti": jti,
            "iat": 1_772_619_300,
            "nbf": 1_772_619_300,
            "exp": 1_772_648_100,
            "sub": "{\"id_company_user\":null,\"id_agent\":null,\"customer_reference\":\"DE--35\",\"id_customer\":35,\"permissions\":null}",
            "scopes": ["customer"],
        })
    );
    assert_ne!(jwt, token(&signer));
}

#[test]
fn a_token_is_good_from_five_seconds_before_its_own_until_its_expiry() {
    let (signer, _folder) = rsa_signer();
    let jwt = token(&signer);
    let at = |micros: i64| signer.verify(&jwt, Timestamp::from_micros(micros));
    assert_eq!(at(1_772_619_294_999_999), Err(InvalidAccessToken));
    assert_eq!(at(1_772_619_295_000_000), Ok(mira()));
    assert_eq!(at(1_772_648_099_999_999), Ok(mira()));
    assert_eq!(at(1_772_648_100_000_000), Err(InvalidAccessToken));
}

#[test]
fn anybody_can_check_a_token_with_the_published_keys() {
    for (pem, algorithm) in [(RSA_PEM.clone(), Algorithm::Rs256), (ed25519_pem(), Algorithm::EdDsa)] {
        let folder = folder_with(&[("a.pem", &pem)]);
        let signer = Signer::load(folder.path(), &settings(algorithm)).unwrap();
        let jwt = token(&signer);
        let text = signer.jwks().to_string();
        assert!(!text.contains("\"d\""), "{text}");
        let set: JwkSet = serde_json::from_str(&text).unwrap();
        let header = jsonwebtoken::decode_header(&jwt).unwrap();
        let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.set_audience(&["frontend"]);
        let claims =
            jsonwebtoken::decode::<Value>(&jwt, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims;
        assert_eq!(claims["aud"], "frontend");
        assert_eq!(signer.verify(&jwt, NOW), Ok(mira()));
    }
}

#[test]
fn the_newest_key_signs_and_the_older_ones_still_verify() {
    let folder = TempDir::new().unwrap();
    let at = |second: u64| NOW.plus(Duration::from_secs(second));
    let settings = settings(Algorithm::EdDsa);
    let first = generate_signing_key(folder.path(), Algorithm::EdDsa, at(0)).unwrap();
    let before = Signer::load(folder.path(), &settings).unwrap();
    let old_token = token(&before);

    let second = generate_signing_key(folder.path(), Algorithm::EdDsa, at(1)).unwrap();
    fs::write(folder.path().join("0.pem"), RSA_PEM.as_bytes()).unwrap();
    let after = Signer::load(folder.path(), &settings).unwrap();
    assert_eq!(after.verify(&old_token, NOW), Ok(mira()));
    let new_token = token(&after);
    assert_eq!(after.verify(&new_token, NOW), Ok(mira()));
    assert_eq!(before.verify(&new_token, NOW), Err(InvalidAccessToken));
    let kid = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    assert_eq!(jsonwebtoken::decode_header(&new_token).unwrap().kid, Some(kid(&second)));
    let jwks = after.jwks();
    let published: Vec<&str> =
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(published, [kid(&second), kid(&first), "0".to_owned()]);

    fs::remove_file(first).unwrap();
    assert_eq!(Signer::load(folder.path(), &settings).unwrap().verify(&old_token, NOW), Err(InvalidAccessToken));
}

#[test]
fn keys_of_the_other_algorithm_verify_after_a_change_of_algorithm() {
    let folder = folder_with(&[("a.pem", &RSA_PEM), ("b.pem", &ed25519_pem())]);
    let rsa = Signer::load(folder.path(), &settings(Algorithm::Rs256)).unwrap();
    let ed = Signer::load(folder.path(), &settings(Algorithm::EdDsa)).unwrap();
    assert_eq!(ed.verify(&token(&rsa), NOW), Ok(mira()));
    assert_eq!(rsa.verify(&token(&ed), NOW), Ok(mira()));
}

fn claims() -> Value {
    json!({
        "aud": "frontend", "jti": "00", "iat": 1_772_619_300, "nbf": 1_772_619_300, "exp": 1_772_648_100,
        "sub": "{\"customer_reference\":\"DE--35\",\"id_customer\":35}", "scopes": ["customer"],
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// Whatever header and claims, with a right signature over them.
fn signed(pair: &KeyPair, header: &Value, claims: &Value) -> String {
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()).unwrap());
    format!("{message}.{signature}")
}

#[test]
fn only_well_formed_claims_for_us_and_for_now_are_taken() {
    let (signer, _folder) = rsa_signer();
    let verify = |claims: &Value| {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": "a"});
        signer.verify(&signed(&signer.signing.pair, &header, claims), NOW)
    };
    for good in [
        claims(),
        with(claims(), "nbf", json!(1_772_619_305)),
        with(claims(), "nbf", json!(1_772_619_305.5)),
        with(claims(), "exp", json!(1_772_619_300.500_001)),
        with(claims(), "exp", json!(u64::MAX)),
        with(claims(), "aud", json!(["other", "frontend"])),
        with(claims(), "iss", json!("ignored")),
    ] {
        assert_eq!(verify(&good), Ok(mira()), "{good}");
    }
    for bad in [
        with(claims(), "exp", json!(1_772_619_300)),
        with(claims(), "exp", json!(1_772_619_300.5)),
        with(claims(), "exp", json!("1772648100")),
        with(claims(), "exp", json!(-1)),
        with(claims(), "exp", Value::Null),
        without(claims(), "exp"),
        with(claims(), "iat", json!(1_772_619_306)),
        without(claims(), "iat"),
        with(claims(), "nbf", json!(1_772_619_305.500_001)),
        without(claims(), "nbf"),
        with(claims(), "aud", json!("backoffice")),
        with(claims(), "aud", json!([])),
        with(claims(), "aud", Value::Null),
        without(claims(), "aud"),
        with(claims(), "scopes", json!([])),
        with(claims(), "scopes", json!("customer")),
        without(claims(), "scopes"),
        with(claims(), "sub", json!({"customer_reference": "DE--35", "id_customer": 35})),
        with(claims(), "sub", json!("35")),
        with(claims(), "sub", json!("{\"id_customer\":35}")),
        with(claims(), "sub", json!("{\"customer_reference\":\"DE--35\",\"id_customer\":\"35\"}")),
        without(claims(), "sub"),
        json!([]),
    ] {
        assert_eq!(verify(&bad), Err(InvalidAccessToken), "{bad}");
    }
}

#[test]
fn the_time_of_issue_is_told_as_the_token_has_it() {
    let (signer, _folder) = rsa_signer();
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "a"});
    for (iat, micros) in [
        (json!(1_772_619_299), 1_772_619_299_000_000),
        (json!(1_772_619_299.25), 1_772_619_299_250_000),
        (json!(1_772_619_305), 1_772_619_305_000_000),
    ] {
        let jwt = signed(&signer.signing.pair, &header, &with(claims(), "iat", iat));
        let caller = signer.verify(&jwt, NOW).unwrap();
        assert_eq!(caller.issued_at, Timestamp::from_micros(micros));
    }
}

#[test]
fn no_header_talks_us_out_of_the_keys_own_algorithm() {
    let (signer, _folder) = rsa_signer();
    let pair = &signer.signing.pair;
    let verify = |jwt: &str| signer.verify(jwt, NOW);
    let header = |header: Value| signed(pair, &header, &claims());
    assert_eq!(verify(&header(json!({"alg": "RS256", "kid": "a"}))), Ok(mira()));
    for bad in [
        json!({"typ": "JWT", "alg": "none", "kid": "a"}),
        json!({"typ": "JWT", "alg": "HS256", "kid": "a"}),
        json!({"typ": "JWT", "alg": "RS512", "kid": "a"}),
        json!({"typ": "JWT", "alg": "PS256", "kid": "a"}),
        json!({"typ": "JWT", "alg": "EdDSA", "kid": "a"}),
        json!({"typ": "JWT", "alg": "rs256", "kid": "a"}),
        json!({"typ": "JWT", "kid": "a"}),
        json!({"typ": "JWT", "alg": "RS256"}),
        json!({"typ": "JWT", "alg": "RS256", "kid": "b"}),
        json!({"typ": "JWT", "alg": "RS256", "kid": "../a"}),
        json!({"typ": "JWT", "alg": "RS256", "kid": 1}),
        json!({"typ": "JWT", "alg": "RS256", "kid": "a", "crit": ["exp"]}),
        json!("RS256"),
    ] {
        assert_eq!(verify(&header(bad.clone())), Err(InvalidAccessToken), "{bad}");
    }

    // The public key, which everybody knows, taken for the secret of an HMAC.
    let KeyPair::Rsa(rsa) = pair else { panic!("an RSA key was loaded") };
    let public_der = rsa.public_key().as_ref();
    let public_pem = pem::encode(&pem::Pem::new("RSA PUBLIC KEY", public_der));
    for secret in [public_der, public_pem.as_bytes()] {
        let hmac = jsonwebtoken::Header { kid: Some("a".to_owned()), ..jsonwebtoken::Header::default() };
        let jwt = jsonwebtoken::encode(&hmac, &claims(), &jsonwebtoken::EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(verify(&jwt), Err(InvalidAccessToken));
    }
}

#[test]
fn broken_tokens_are_refused() {
    let (signer, _folder) = rsa_signer();
    let jwt = token(&signer);
    let verify = |jwt: &str| signer.verify(jwt, NOW);
    let parts: Vec<&str> = jwt.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let other = token(&signer);
    let other_signature = other.rsplit('.').next().unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2ln".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{other_signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 4]),
        format!(" {jwt}"),
        format!("{jwt}\n"),
        "é".repeat(100),
    ] {
        assert_eq!(verify(&bad), Err(InvalidAccessToken), "{bad}");
    }
    assert_eq!(verify(&jwt), Ok(mira()));
}

#[test]
fn tokens_over_eight_kib_are_refused_unread() {
    let (signer, _folder) = rsa_signer();
    let of_length = |length: usize| {
        let header = json!({"alg": "RS256", "kid": "a"});
        let sign =
            |filler: usize| signed(&signer.signing.pair, &header, &with(claims(), "x", json!("y".repeat(filler))));
        // Base64 makes four characters of three, so only some lengths can be met.
        (0..length * 3 / 4).rev().map(sign).find(|jwt| jwt.len() <= length).unwrap()
    };
    let longest = of_length(MAX_TOKEN_BYTES);
    assert!(longest.len() > MAX_TOKEN_BYTES - 4);
    assert_eq!(signer.verify(&longest, NOW), Ok(mira()));
    assert_eq!(signer.verify(&of_length(MAX_TOKEN_BYTES + 4), NOW), Err(InvalidAccessToken));
}

#[test]
fn a_token_of_somebody_elses_key_is_refused_whatever_its_name() {
    let settings = settings(Algorithm::EdDsa);
    let (ours, theirs) = (folder_with(&[("a.pem", &ed25519_pem())]), folder_with(&[("a.pem", &ed25519_pem())]));
    let (ours, theirs) =
        (Signer::load(ours.path(), &settings).unwrap(), Signer::load(theirs.path(), &settings).unwrap());
    assert_eq!(ours.verify(&token(&theirs), NOW), Err(InvalidAccessToken));
}

const HARBOUR_TOYS: MerchantId = MerchantId(9_101);

/// A token of a merchant's that lives for an hour.
fn merchant_token(signer: &Signer) -> String {
    signer.sign_for_merchant(HARBOUR_TOYS, "merchant-7", 3_600, NOW, &SystemRandomness).unwrap()
}

fn merchant_claims() -> Value {
    json!({
        "aud": "merchants of this gateway", "jti": "00", "iat": 1_772_619_300, "nbf": 1_772_619_300,
        "exp": 1_772_622_900, "sub": "merchant-7", "merchant_id": 9_101,
    })
}

#[test]
fn a_merchants_token_says_whose_it_is_and_no_more() {
    let (signer, _folder) = rsa_signer();
    let jwt = merchant_token(&signer);
    let claims: Value = serde_json::from_str(&decoded(jwt.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(claims, with(merchant_claims(), "jti", claims["jti"].clone()));
    assert_eq!(signer.verify_for_merchant(&jwt, NOW), Ok(HARBOUR_TOYS));
    assert_ne!(jwt, merchant_token(&signer));
}

#[test]
fn a_merchants_token_is_good_from_five_seconds_before_its_own_until_its_expiry() {
    let (signer, _folder) = rsa_signer();
    let jwt = merchant_token(&signer);
    let at = |micros: i64| signer.verify_for_merchant(&jwt, Timestamp::from_micros(micros));
    assert_eq!(at(1_772_619_294_999_999), Err(InvalidAccessToken));
    assert_eq!(at(1_772_619_295_000_000), Ok(HARBOUR_TOYS));
    assert_eq!(at(1_772_622_899_999_999), Ok(HARBOUR_TOYS));
    assert_eq!(at(1_772_622_900_000_000), Err(InvalidAccessToken));
}

#[test]
fn a_merchants_token_of_somebody_elses_key_is_refused_whatever_its_name() {
    let settings = settings(Algorithm::EdDsa);
    let (ours, theirs) = (folder_with(&[("a.pem", &ed25519_pem())]), folder_with(&[("a.pem", &ed25519_pem())]));
    let (ours, theirs) =
        (Signer::load(ours.path(), &settings).unwrap(), Signer::load(theirs.path(), &settings).unwrap());
    assert_eq!(theirs.verify_for_merchant(&merchant_token(&theirs), NOW), Ok(HARBOUR_TOYS));
    assert_eq!(ours.verify_for_merchant(&merchant_token(&theirs), NOW), Err(InvalidAccessToken));
}

#[test]
fn only_well_formed_claims_for_merchants_and_for_now_are_taken() {
    let (signer, _folder) = rsa_signer();
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "a"});
    let verify = |claims: &Value| signer.verify_for_merchant(&signed(&signer.signing.pair, &header, claims), NOW);
    assert_eq!(verify(&merchant_claims()), Ok(HARBOUR_TOYS));
    for bad in [
        with(merchant_claims(), "aud", json!("frontend")),
        with(merchant_claims(), "aud", json!([])),
        without(merchant_claims(), "aud"),
        with(merchant_claims(), "merchant_id", json!("9101")),
        without(merchant_claims(), "merchant_id"),
        with(merchant_claims(), "exp", json!(1_772_619_300)),
        without(merchant_claims(), "exp"),
        with(merchant_claims(), "iat", json!(1_772_619_306)),
        with(merchant_claims(), "nbf", json!(1_772_619_306)),
    ] {
        assert_eq!(verify(&bad), Err(InvalidAccessToken), "{bad}");
    }
}

/// Each has all claims of either kind and a right signature, so that the audience alone decides.
#[test]
fn a_token_is_good_for_its_own_audience_alone() {
    let (signer, _folder) = rsa_signer();
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "a"});
    let both = with(claims(), "merchant_id", json!(9_101));
    let of = |audience: Value| signed(&signer.signing.pair, &header, &with(both.clone(), "aud", audience));
    let customers = of(json!("frontend"));
    assert_eq!(signer.verify(&customers, NOW), Ok(mira()));
    assert_eq!(signer.verify_for_merchant(&customers, NOW), Err(InvalidAccessToken));
    let merchants = of(json!("merchants of this gateway"));
    assert_eq!(signer.verify(&merchants, NOW), Err(InvalidAccessToken));
    assert_eq!(signer.verify_for_merchant(&merchants, NOW), Ok(HARBOUR_TOYS));
}

#[test]
fn keys_that_openssl_makes_are_taken() {
    let pkcs8 = pem::parse(&*RSA_PEM).unwrap();
    // An RSA key in PKCS #8 is 26 bytes of algorithm and lengths, then the key in PKCS #1.
    let pkcs1 = pem::encode(&pem::Pem::new("RSA PRIVATE KEY", &pkcs8.contents()[26..]));
    // `openssl genpkey -algorithm ed25519` writes no public key into the file.
    let der = STANDARD.decode("MC4CAQAwBQYDK2VwBCIEIDytX9uHascvImJJBquIdT+jXvqsOn/RhqUKjx4PJ5WZ").unwrap();
    let ed25519 = pem::encode(&pem::Pem::new("PRIVATE KEY", der));
    for (pem, algorithm) in [(pkcs1, Algorithm::Rs256), (ed25519, Algorithm::EdDsa)] {
        let folder = folder_with(&[("shop-2026.pem", &pem)]);
        let signer = Signer::load(folder.path(), &settings(algorithm)).unwrap();
        assert_eq!(signer.verify(&token(&signer), NOW), Ok(mira()));
    }
}

#[test]
fn a_file_that_is_no_key_is_named() {
    let public = {
        let (signer, _folder) = rsa_signer();
        let KeyPair::Rsa(rsa) = &signer.signing.pair else { panic!("an RSA key was loaded") };
        pem::encode(&pem::Pem::new("RSA PUBLIC KEY", rsa.public_key().as_ref()))
    };
    let truncated = &RSA_PEM[..RSA_PEM.len() / 2];
    let oversized = format!("{}{}", " ".repeat(20_000), *RSA_PEM);
    for content in ["", "not a key", truncated, &public, &oversized] {
        let folder = folder_with(&[("good.pem", &RSA_PEM), ("bad.pem", content)]);
        let error = Signer::load(folder.path(), &settings(Algorithm::Rs256)).err().unwrap();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("bad.pem") && !text.contains("BEGIN"), "{text}");
    }
    let folder = folder_with(&[("no name.pem", &RSA_PEM)]);
    let error = Signer::load(folder.path(), &settings(Algorithm::Rs256)).err().unwrap();
    assert!(matches!(error, KeyError::NotAName { .. }), "{error}");
    let folder = folder_with(&[("README.txt", "not a key"), ("a.pem.bak", "not a key"), ("a.pem", &RSA_PEM)]);
    assert!(Signer::load(folder.path(), &settings(Algorithm::Rs256)).is_ok());
}

#[test]
fn without_a_key_of_the_algorithm_the_error_says_how_to_make_one() {
    let folder = folder_with(&[("a.pem", &RSA_PEM)]);
    for path in [folder.path().to_owned(), folder.path().join("absent")] {
        let error = Signer::load(&path, &settings(Algorithm::EdDsa)).err().unwrap();
        assert!(matches!(error, KeyError::NoSigningKey { .. }), "{error}");
        assert!(error.to_string().contains("vestibule keys generate"), "{error}");
    }
}

#[test]
fn generated_files_are_private_and_sorted_by_time() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("data/keys");
    let paths: Vec<_> = (0..3).map(|_| generate_signing_key(&folder, Algorithm::EdDsa, NOW).unwrap()).collect();
    assert!(paths.is_sorted() && paths[0] != paths[1] && paths[1] != paths[2], "{paths:?}");
    assert_eq!(paths[0].file_name().unwrap(), "20260304T101500500000Z.pem");
    load_or_generate_server_key(&folder, &SystemRandomness).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for path in paths.iter().chain([&folder.join("server.key")]) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
}

/// Runs `work` on eight threads that begin at the same moment.
fn at_once<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        let start = || {
            barrier.wait();
            work()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn processes_that_start_at_once_agree_on_one_signing_key() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("keys");
    let signers = at_once(|| Signer::load_or_generate(&folder, &settings(Algorithm::EdDsa), NOW).unwrap());
    let jwt = token(&signers[0]);
    for signer in &signers {
        assert_eq!(signer.jwks()["keys"].as_array().unwrap().len(), 1);
        assert_eq!(signer.verify(&jwt, NOW), Ok(mira()));
    }
}

#[test]
fn processes_that_start_at_once_agree_on_one_server_key() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("keys");
    let keys = at_once(|| load_or_generate_server_key(&folder, &SystemRandomness).unwrap());
    let text = fs::read_to_string(folder.join("server.key")).unwrap();
    assert_eq!(text.trim_end().len(), 64);
    for key in &keys {
        assert_eq!(hex::encode(key.expose()), text.trim_end());
    }
}

#[test]
fn a_server_key_of_another_shape_is_refused_by_name() {
    for content in ["", "abc", &"g".repeat(64), &"a".repeat(66)] {
        let folder = folder_with(&[("server.key", content)]);
        let error = load_or_generate_server_key(folder.path(), &SystemRandomness).err().unwrap();
        assert!(error.to_string().contains("server.key"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("server.key")).unwrap(), content);
    }
}

#[test]
fn settings_out_of_bounds_are_refused_by_name() {
    let right = settings(Algorithm::Rs256);
    assert_eq!(right.check(), Ok(()));
    for (wrong, key) in [
        (TokenSettings { audience: String::new(), ..right.clone() }, "tokens.audience"),
        (TokenSettings { audience: "a b".to_owned(), ..right.clone() }, "tokens.audience"),
        (TokenSettings { access_lifetime_seconds: 0, ..right.clone() }, "tokens.access_lifetime_seconds"),
        (TokenSettings { access_lifetime_seconds: 2_678_401, ..right.clone() }, "tokens.access_lifetime_seconds"),
        (TokenSettings { refresh_lifetime_seconds: 28_799, ..right.clone() }, "tokens.refresh_lifetime_seconds"),
        (TokenSettings { refresh_lifetime_seconds: u64::MAX, ..right.clone() }, "tokens.refresh_lifetime_seconds"),
    ] {
        assert!(wrong.check().unwrap_err().starts_with(key), "{wrong:?}");
    }
}

#[test]
fn the_names_of_algorithms_are_those_of_the_header() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        assert_eq!(serde_json::from_value::<Algorithm>(json!(algorithm.as_str())).unwrap(), algorithm);
    }
    assert!("HS256".parse::<Algorithm>().is_err());
}
