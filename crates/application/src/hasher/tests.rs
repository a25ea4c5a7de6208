use domain::SystemRandomness;

use super::*;

fn settings() -> HasherSettings {
    HasherSettings {
        memory_kib: 7_168,
        iterations: 5,
        parallelism: 1,
        threads: 1,
        queue: 16,
        release_memory_after_seconds: 60,
    }
}

fn hasher(settings: &HasherSettings) -> Hasher {
    Hasher::start(settings, Arc::new(SystemRandomness)).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

async fn check(hasher: &Hasher, text: &str, stored: &str) -> Verification {
    hasher.verify(&password(text), Some(&PasswordHash::from_stored(stored.to_owned()))).await.unwrap()
}

#[tokio::test]
async fn a_new_hash_is_a_phc_string_with_a_salt_of_its_own() {
    let hasher = hasher(&settings());
    let secret = password("Supp0rt!Supp0rt");
    let hash = hasher.hash(&secret).await.unwrap();
    let fields: Vec<&str> = hash.expose().split('$').collect();
    assert_eq!(fields[..4], ["", "argon2id", "v=19", "m=7168,t=5,p=1"]);
    // 16 and 32 bytes in base64 without padding.
    assert_eq!((fields[4].len(), fields[5].len(), fields.len()), (22, 43, 6));
    assert_ne!(hash.expose(), hasher.hash(&secret).await.unwrap().expose());

    assert_eq!(hasher.verify(&secret, Some(&hash)).await, Ok(Verification::Right));
    for wrong in ["", "Supp0rt!Supp0r", "Supp0rt!Supp0rt ", "supp0rt!Supp0rt"] {
        assert_eq!(hasher.verify(&password(wrong), Some(&hash)).await, Ok(Verification::Wrong), "{wrong}");
    }
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_outdated() {
    let (before, today) = (hasher(&settings()), hasher(&HasherSettings { iterations: 6, ..settings() }));
    let secret = password("Supp0rt!Supp0rt");
    let hash = before.hash(&secret).await.unwrap();
    assert_eq!(today.verify(&secret, Some(&hash)).await, Ok(Verification::RightButOutdated));
    assert_eq!(today.verify(&password("other"), Some(&hash)).await, Ok(Verification::Wrong));
}

/// From the test suite of Argon2's reference implementation, libxcrypt's `crypt` and Python's `hashlib`.
#[tokio::test]
async fn hashes_of_other_programs_are_recognised() {
    let hasher = hasher(&settings());
    let long = "Ab1!".repeat(25);
    for (text, stored) in [
        ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("pässwörd", "$2b$05$abcdefghijklmnopqrstuuZVEMa1pjhlynBQ1qXmSvGBJpN9h1w8G"),
        ("Supp0rt!Supp0rt", "$2y$05$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK"),
        // Symfony's way with passwords of more than 72 bytes, then Laravel's.
        (&long, "$2y$05$abcdefghijklmnopqrstuuc91H/tDA3TSlFo6NZ.4G3Yi07BEoXDW"),
        (&long, "$2y$05$abcdefghijklmnopqrstuuojiD0YyD4HNo8nP9q91piDfH.6gfa.C"),
        ("letmein", "pbkdf2_sha256$1000$seasalt$R1/GfWtwog1T8Ev9VndgDjzkiRzbFr8JpmJtL9cMmQU="),
        ("lètmein", "pbkdf2_sha256$260000$seasalt$YlZ2Vggtqdc61YjArZuoApoBh9JNGYoDRBUGu6tcJQo="),
    ] {
        assert_eq!(check(&hasher, text, stored).await, Verification::RightButOutdated, "{stored}");
        assert_eq!(check(&hasher, &format!("x{text}"), stored).await, Verification::Wrong, "{stored}");
    }
}

#[tokio::test]
async fn whatever_is_no_usable_hash_costs_a_hash_and_is_wrong() {
    let recipe_bytes = 7_168 * 1024;
    for stored in [
        None,
        Some(""),
        Some("password"),
        Some("5f4dcc3b5aa765d61d8327deb882cf99"),
        Some("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"),
        Some("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65"),
        Some("$argon2id$v=18$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        Some("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"),
        Some("$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        Some("$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        Some("$argon2id$v=19$m=65536,t=2,p=4096$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        Some("$2y$31$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK"),
        Some("$2y$03$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK"),
        Some("$2x$05$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhombsK"),
        Some("$2y$05$abcdefghijklmnopqrstuuqvgTFVZER.oSE8p1kTiCN9lPxhomb"),
        Some("pbkdf2_sha256$4000000000$seasalt$R1/GfWtwog1T8Ev9VndgDjzkiRzbFr8JpmJtL9cMmQU="),
        Some("pbkdf2_sha256$0$seasalt$R1/GfWtwog1T8Ev9VndgDjzkiRzbFr8JpmJtL9cMmQU="),
        Some("pbkdf2_sha256$1000$seasalt$R1/G"),
        Some("pbkdf2_sha256$1000$seasalt$R1/GfWtwog1T8Ev9VndgDjzkiRzbFr8JpmJtL9cMmQU=$"),
        Some("pbkdf2_sha256$1000$seasalt"),
    ] {
        let hasher = hasher(&settings());
        let stored = stored.map(|text| PasswordHash::from_stored(text.to_owned()));
        let text = format!("{:?}", stored.as_ref().map(PasswordHash::expose));
        assert_eq!(hasher.verify(&password("password"), stored.as_ref()).await, Ok(Verification::Wrong), "{text}");
        assert_eq!(*hasher.pool.held().borrow(), recipe_bytes, "{text}");
    }
}

#[tokio::test]
async fn a_long_password_is_not_cut_off_by_a_new_hash() {
    let hasher = hasher(&settings());
    let long = "Ab1!".repeat(2_000);
    let hash = hasher.hash(&password(&long)).await.unwrap();
    assert_eq!(hasher.verify(&password(&long), Some(&hash)).await, Ok(Verification::Right));
    assert_eq!(hasher.verify(&password(&long[..long.len() - 1]), Some(&hash)).await, Ok(Verification::Wrong));
}

#[test]
fn weak_and_absurd_settings_are_refused_by_name() {
    let change = |change: fn(&mut HasherSettings)| {
        let mut settings = settings();
        change(&mut settings);
        settings.check().err()
    };
    assert_eq!(change(|_| ()), None);
    for (memory_kib, iterations, is_strong) in [
        (19_456, 2, true),
        (19_455, 2, false),
        (1_048_576, 1, false),
        (12_288, 3, true),
        (12_287, 3, false),
        (9_216, 4, true),
        (9_215, 4, false),
        (7_168, 5, true),
        (7_167, 5, false),
        (7_167, 500, false),
        (1_048_576, 8, true),
        (1_048_577, 2, false),
        (1_048_576, 9, false),
    ] {
        let settings = HasherSettings { memory_kib, iterations, ..settings() };
        assert_eq!(settings.check().is_ok(), is_strong, "{memory_kib} {iterations}");
    }
    for (problem, key) in [
        (change(|settings| settings.memory_kib = 8), "passwords.memory_kib"),
        (change(|settings| settings.parallelism = 0), "passwords.parallelism"),
        (change(|settings| settings.parallelism = 17), "passwords.parallelism"),
        (change(|settings| settings.threads = 257), "passwords.threads"),
        (change(|settings| settings.queue = 0), "passwords.queue"),
        (change(|settings| settings.release_memory_after_seconds = 0), "passwords.release_memory_after_seconds"),
    ] {
        assert!(problem.as_ref().is_some_and(|text| text.starts_with(key)), "{problem:?} {key}");
    }
    let weak = HasherSettings { iterations: 1, ..settings() };
    assert!(matches!(Hasher::start(&weak, Arc::new(SystemRandomness)), Err(HasherError::Settings(_))));
}
