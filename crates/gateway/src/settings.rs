//! All settings: the embedded defaults, a file over them, the environment over both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use application::{AccountSettings, CartSettings, CatalogueSettings, HasherSettings, TokenSettings};
use config::{Config, FileFormat};
use dialects::DialectSettings;
use jobs::JobSettings;
use mailer::MailSettings;
use serde::Deserialize;
use store::StoreSettings;
use toml::{Table, Value};

use crate::environment;
use crate::logging::LogSettings;

/// The reference of all settings, with their defaults.
pub(crate) const DEFAULT_TOML: &str = include_str!("../../../config/default.toml");

/// Everything that can be set.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) test_mode: bool,
    pub(crate) server: ServerSettings,
    pub(crate) http: http::HttpSettings,
    pub(crate) glue: http::GlueSettings,
    pub(crate) jsonapi: http::JsonApiSettings,
    pub(crate) dialects: DialectSettings,
    pub(crate) database: StoreSettings,
    pub(crate) store: ShopSettings,
    pub(crate) accounts: AccountSettings,
    pub(crate) carts: CartSettings,
    pub(crate) catalogue: CatalogueSettings,
    pub(crate) passwords: HasherSettings,
    pub(crate) tokens: TokenSettings,
    pub(crate) keys: KeySettings,
    pub(crate) mail: MailSettings,
    pub(crate) jobs: JobSettings,
    pub(crate) log: LogSettings,
}

/// Section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// Address and port to listen on; port 0 takes a free one.
    pub(crate) bind: String,
    /// Where clients and mail readers reach this gateway; empty = the bound address.
    pub(crate) public_url: String,
    /// Lets development features run on a public address, together with the next.
    pub(crate) allow_public_development: bool,
    /// The same, said a second time.
    pub(crate) allow_public_development_really: bool,
    /// Seconds that requests are given to finish at shutdown.
    pub(crate) shutdown_seconds: u64,
}

/// Section `[store]`: the shop's store, in Glue's sense.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShopSettings {
    /// Its name, `DE`.
    pub(crate) name: String,
}

/// Section `[keys]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeySettings {
    /// The folder of the signing keys and the server key. Nodes of one shop share its content.
    pub(crate) path: PathBuf,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// A file that cannot be read.
    #[error("{0}")]
    Source(#[from] config::ConfigError),
    /// A key that does not exist.
    #[error("unknown setting `{path}`; did you mean `{nearest}`? `vestibule config default` lists them all")]
    Unknown { path: String, nearest: String },
    /// An environment variable with a bad value.
    #[error("environment variable {name} {problem}")]
    Variable { name: String, problem: String },
    /// A value out of bounds.
    #[error("{0}")]
    Refused(String),
    /// The defaults do not parse, which a test rules out.
    #[error("the embedded defaults are broken: {0}")]
    Defaults(#[from] toml::de::Error),
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    ///
    /// One line that names the setting and what it may be.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let defaults: Table = toml::from_str(DEFAULT_TOML)?;
        let mut builder = Config::builder().add_source(config::File::from_str(DEFAULT_TOML, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(FileFormat::Toml).required(true));
        }
        for (path, value) in environment::read(variables, &defaults)? {
            builder = builder.set_override(path, override_value(value))?;
        }
        let config = builder.build()?;
        let merged: Table = config.clone().try_deserialize()?;
        if let Some(path) = unknown_key(&merged, &defaults, "") {
            return Err(SettingsError::Unknown { nearest: nearest_key(&path, &defaults), path });
        }
        let settings: Self = config.try_deserialize()?;
        settings.check().map_err(SettingsError::Refused)?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.store.name;
        let name_fits = (1..=32).contains(&name.len())
            && name.chars().all(|character| character.is_ascii_alphanumeric() || "_-".contains(character));
        if !name_fits {
            return Err("store.name must be 1 to 32 letters, digits, `_` or `-`".to_owned());
        }
        let url = &self.server.public_url;
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) || url.ends_with('/') {
            return Err(
                "server.public_url must be empty or begin with http:// or https:// and not end with /".to_owned()
            );
        }
        if !(1..=600).contains(&self.server.shutdown_seconds) {
            return Err("server.shutdown_seconds must be 1 to 600".to_owned());
        }
        self.http.check()?;
        self.glue.check()?;
        self.dialects.check()?;
        self.database.check()?;
        self.accounts.check()?;
        self.carts.check()?;
        self.catalogue.check()?;
        self.passwords.check()?;
        self.tokens.check()?;
        self.mail.check()?;
        self.jobs.check()
    }
}

fn override_value(value: Value) -> config::Value {
    let kind = match value {
        Value::Integer(number) => config::ValueKind::I64(number),
        Value::Float(number) => config::ValueKind::Float(number),
        Value::Boolean(flag) => config::ValueKind::Boolean(flag),
        Value::Array(items) => config::ValueKind::Array(items.into_iter().map(override_value).collect()),
        Value::String(text) => config::ValueKind::String(text),
        Value::Datetime(_) | Value::Table(_) => config::ValueKind::Nil,
    };
    config::Value::new(Some(&"the environment".to_owned()), kind)
}

fn unknown_key(table: &Table, defaults: &Table, prefix: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let path = format!("{prefix}{key}");
        match (value, defaults.get(key)) {
            (Value::Table(table), None) => {
                Some(table.keys().next().map_or(path.clone(), |key| format!("{path}.{key}")))
            }
            (_, None) => Some(path),
            (Value::Table(table), Some(Value::Table(defaults))) => unknown_key(table, defaults, &format!("{path}.")),
            (_, Some(_)) => None,
        }
    })
}

fn nearest_key(path: &str, defaults: &Table) -> String {
    let mut known = Vec::new();
    collect_keys(defaults, "", &mut known);
    known.into_iter().min_by_key(|candidate| strsim::damerau_levenshtein(path, candidate)).unwrap_or_default()
}

fn collect_keys(table: &Table, prefix: &str, keys: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::Table(table) => collect_keys(table, &format!("{prefix}{key}."), keys),
            _ => keys.push(format!("{prefix}{key}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::load(None, variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
    }

    #[test]
    fn the_defaults_are_in_order() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.server.bind, "127.0.0.1:8080");
        assert_eq!(settings.database.url, "sqlite://data/vestibule.db");
        assert_eq!(settings.store.name, "DE");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_nearest_neighbour() {
        let error = load(&[("VESTIBULE__SERVER__BINDD", "x")]).err().unwrap().to_string();
        assert!(error.contains("`server.bindd`") && error.contains("`server.bind`"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vestibule.toml");
        std::fs::write(&file, "[acounts]\ndouble_opt_in = true\n").unwrap();
        let error = Settings::load(Some(&file), []).err().unwrap().to_string();
        assert!(error.contains("acounts") && error.contains("accounts.double_opt_in"), "{error}");
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vestibule.toml");
        std::fs::write(&file, "[store]\nname = \"AT\"\n[server]\nbind = \"127.0.0.1:1\"\n").unwrap();
        let variables = [(OsString::from("VESTIBULE__STORE__NAME"), OsString::from("CH"))];
        let settings = Settings::load(Some(&file), variables).unwrap();
        assert_eq!((settings.store.name.as_str(), settings.server.bind.as_str()), ("CH", "127.0.0.1:1"));
    }

    #[test]
    fn values_are_read_as_what_the_default_is() {
        let settings = load(&[("VESTIBULE__STORE__NAME", "0123"), ("VESTIBULE__TEST_MODE", "true")]).unwrap();
        assert_eq!(settings.store.name, "0123");
        assert!(settings.test_mode);
        let error = load(&[("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "many")]).err().unwrap().to_string();
        assert!(error.contains("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS must be a whole number"), "{error}");
    }

    #[test]
    fn a_text_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "postgres://vestibule@db/shop\n").unwrap();
        let settings = load(&[("VESTIBULE__DATABASE__URL_FILE", file.to_str().unwrap())]).unwrap();
        assert_eq!(settings.database.url, "postgres://vestibule@db/shop");
    }

    #[test]
    fn values_out_of_bounds_are_refused_by_name() {
        for (variable, value, named) in [
            ("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "0", "accounts.max_open_claims"),
            ("VESTIBULE__ACCOUNTS__RESTORE_LIFETIME_SECONDS", "31622401", "accounts.restore_lifetime_seconds"),
            ("VESTIBULE__ACCOUNTS__RESTORE_COOL_DOWN_SECONDS", "86401", "accounts.restore_cool_down_seconds"),
            ("VESTIBULE__ACCOUNTS__LOGIN_ATTEMPTS", "-1", "accounts.login_attempts"),
            ("VESTIBULE__ACCOUNTS__LOGIN_WINDOW_SECONDS", "0", "accounts.login_window_seconds"),
            ("VESTIBULE__ACCOUNTS__LOGIN_BLOCK_SECONDS", "0", "accounts.login_block_seconds"),
            ("VESTIBULE__ACCOUNTS__MAX_ADDRESSES", "0", "accounts.max_addresses"),
            ("VESTIBULE__ACCOUNTS__EMAIL_CHANGES_PER_DAY", "0", "accounts.email_changes_per_day"),
            ("VESTIBULE__CATALOGUE__URL", "https://products.example/", "catalogue.url"),
            ("VESTIBULE__CATALOGUE__CACHE_ENTRIES", "0", "catalogue.cache_entries"),
            ("VESTIBULE__STORE__NAME", "a b", "store.name"),
            ("VESTIBULE__SERVER__PUBLIC_URL", "shop.example", "server.public_url"),
            ("VESTIBULE__JOBS__BATCH", "0", "jobs.batch"),
            ("VESTIBULE__JSONAPI__MODE", "lax", "jsonapi.mode"),
        ] {
            let error = load(&[(variable, value)]).err().unwrap().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
