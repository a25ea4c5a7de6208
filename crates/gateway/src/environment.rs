//! Settings from environment variables: `VESTIBULE__SECTION__KEY`.
//!
//! A value is read as what the default is: text stays text, so that a password of digits keeps its leading zeros. A text
//! setting may also come from a file: `VESTIBULE__SECTION__KEY_FILE=/run/secrets/key`.

use std::ffi::OsString;

use toml::{Table, Value};

use crate::settings::SettingsError;

const PREFIX: &str = "VESTIBULE__";

/// The settings among `variables`, as dotted paths and values.
///
/// # Errors
///
/// Names the variable and what is wrong with it.
pub(crate) fn read(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    defaults: &Table,
) -> Result<Vec<(String, Value)>, SettingsError> {
    let mut settings = Vec::new();
    for (name, text) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let refuse = |problem: String| SettingsError::Variable { name: name.to_owned(), problem };
        let text = text.into_string().map_err(|_| refuse("is not UTF-8".to_owned()))?;
        let path = name.get(PREFIX.len()..).unwrap_or_default().to_lowercase().replace("__", ".");
        let (path, text) = match (find(defaults, &path), path.strip_suffix("_file")) {
            (None, Some(base)) if matches!(find(defaults, base), Some(Value::String(_))) => {
                let content =
                    std::fs::read_to_string(&text).map_err(|error| refuse(format!("names a file: {error}")))?;
                (base.to_owned(), content.trim_end_matches(['\r', '\n']).to_owned())
            }
            _ => (path, text),
        };
        let value = match find(defaults, &path) {
            Some(default) => parse(&text, default).map_err(refuse)?,
            // Kept, so that the check for unknown settings can name it together with its nearest neighbour.
            None => Value::String(text),
        };
        settings.push((path, value));
    }
    settings.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(settings)
}

/// The value at a dotted path.
pub(crate) fn find<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    let first = table.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

fn parse(text: &str, like: &Value) -> Result<Value, String> {
    match like {
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| "must be a whole number".to_owned()),
        Value::Float(_) => text.trim().parse().map(Value::Float).map_err(|_| "must be a number".to_owned()),
        Value::Boolean(_) => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
            "false" | "0" | "no" | "off" => Ok(Value::Boolean(false)),
            _ => Err("must be true or false".to_owned()),
        },
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        Value::String(_) | Value::Datetime(_) => Ok(Value::String(text.to_owned())),
        Value::Table(_) => Err("is a section, not a setting".to_owned()),
    }
}
