//! The member `errors` of a problem document: for each field what is wrong with it.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// What is wrong, by field, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors(Vec<(Cow<'static, str>, Vec<Cow<'static, str>>)>);

impl Errors {
    /// One thing that is wrong with one field.
    pub(crate) fn one(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds one.
    pub(crate) fn add(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        let (field, message) = (field.into(), message.into());
        match self.0.iter_mut().find(|(existing, _)| *existing == field) {
            Some((_, messages)) => messages.push(message),
            None => self.0.push((field, vec![message])),
        }
    }

    /// Whether nothing is wrong.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` where nothing is wrong.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(crate) fn unless_empty<T>(self, value: impl FnOnce() -> T) -> Result<T, Self> {
        if self.is_empty() { Ok(value()) } else { Err(self) }
    }
}

impl Serialize for Errors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, messages) in &self.0 {
            map.serialize_entry(field, messages)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_field_stand_together() {
        let mut errors = Errors::one("Email", "a");
        errors.add("Id", "b");
        errors.add("Email", "c");
        assert_eq!(serde_json::to_string(&errors).unwrap(), r#"{"Email":["a","c"],"Id":["b"]}"#);
        assert_eq!(errors.clone().unless_empty(|| ()), Err(errors));
        assert_eq!(Errors::default().unless_empty(|| 7), Ok(7));
    }
}
