//! The settings of a gateway that nobody configured.

use serde::de::DeserializeOwned;

const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// A section of the configuration with its defaults: `accounts`.
pub fn default_settings<T: DeserializeOwned>(section: &str) -> T {
    let mut defaults: toml::Table = toml::from_str(DEFAULTS).expect("the defaults are TOML");
    let section = defaults.remove(section).expect("there is such a section");
    section.try_into().expect("the defaults are settings")
}
