//! Section `[dialects]` of the configuration.

use std::time::Duration;

use application::MerchantSettings;
use domain::Locale;
use serde::Deserialize;

use crate::bagisto;

/// Which doors are open, and what they are to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct DialectSettings {
    /// Whether the shop API of Bagisto is served.
    pub bagisto: bool,
    /// Whether the onboarding API of 10npay is served.
    pub tenpay: bool,
    /// Whether a link that a door mails confirms by itself, for browsers too, and for programs that scan mails.
    pub confirm_by_get: bool,
    /// Where a browser is sent that has confirmed by such a link, with `?verified=` added; empty = `/login` of the gateway.
    pub login_url: String,
    /// Seconds for which the requests of one storefront key are counted together.
    pub storefront_window_seconds: u64,
    /// Seconds a code that is mailed without a link is good for.
    pub code_lifetime_seconds: u64,
    /// Seconds between two wishes for another code of one user; 0 = no limit.
    pub send_cool_down_seconds: u64,
    /// Such wishes within 24 hours; 0 = no limit.
    pub sends_per_day: i32,
    /// Whether a confirmed address is all that a merchant's user needs.
    pub email_activates: bool,
    /// Seconds a merchant's access token lives.
    pub merchant_token_lifetime_seconds: u64,
}

impl DialectSettings {
    /// Checks bounds.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        let url = &self.login_url;
        let is_url = url.is_empty() || url.starts_with("http://") || url.starts_with("https://");
        let rules = [
            (
                is_url && url.len() <= 2_000 && url.chars().all(|character| character.is_ascii_graphic()),
                "dialects.login_url must be empty or begin with http:// or https://",
            ),
            (!url.contains(['?', '#']), "dialects.login_url must have neither ? nor #"),
            (
                (1..=86_400).contains(&self.storefront_window_seconds),
                "dialects.storefront_window_seconds must be 1 to 86400",
            ),
            ((60..=86_400).contains(&self.code_lifetime_seconds), "dialects.code_lifetime_seconds must be 60 to 86400"),
            (self.send_cool_down_seconds <= 86_400, "dialects.send_cool_down_seconds must be at most 86400"),
            ((0..=1000).contains(&self.sends_per_day), "dialects.sends_per_day must be 0 to 1000"),
            (
                (60..=31 * 86_400).contains(&self.merchant_token_lifetime_seconds),
                "dialects.merchant_token_lifetime_seconds must be 60 to 2678400",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(text.to_owned()))
    }

    /// The shop's rules for merchants and their users.
    pub const fn merchants(&self) -> MerchantSettings {
        MerchantSettings {
            code_lifetime_seconds: self.code_lifetime_seconds,
            send_cool_down_seconds: self.send_cool_down_seconds,
            sends_per_day: self.sends_per_day,
            token_lifetime_seconds: self.merchant_token_lifetime_seconds,
        }
    }

    /// How the shop API of Bagisto is set up in a gateway that clients reach at `public_url`.
    pub fn bagisto(&self, public_url: &str, locales: &[Locale], default_locale: &Locale) -> bagisto::Settings {
        let login_url = if self.login_url.is_empty() { format!("{public_url}/login") } else { self.login_url.clone() };
        bagisto::Settings {
            public_url: public_url.to_owned(),
            login_url,
            confirm_by_get: self.confirm_by_get,
            storefront_window: Duration::from_secs(self.storefront_window_seconds),
            locales: locales.to_vec(),
            default_locale: default_locale.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_are_refused_by_name() {
        let settings = |login_url: &str, storefront_window_seconds: u64| DialectSettings {
            bagisto: true,
            tenpay: true,
            confirm_by_get: false,
            login_url: login_url.to_owned(),
            storefront_window_seconds,
            code_lifetime_seconds: 900,
            send_cool_down_seconds: 30,
            sends_per_day: 10,
            email_activates: true,
            merchant_token_lifetime_seconds: 3600,
        };
        for (login_url, seconds, named) in [
            ("", 60, None),
            ("https://shop.example.com/login", 1, None),
            ("shop.example.com", 60, Some("dialects.login_url")),
            ("https://shop.example.com/\n", 60, Some("dialects.login_url")),
            ("https://shop.example.com/login?lang=de", 60, Some("dialects.login_url")),
            ("https://shop.example.com/#/login", 60, Some("dialects.login_url")),
            ("", 0, Some("dialects.storefront_window_seconds")),
            ("", 86_401, Some("dialects.storefront_window_seconds")),
        ] {
            let problem = settings(login_url, seconds).check().err();
            assert_eq!(problem.as_deref().and_then(|text| text.split(' ').next()), named, "{login_url} {seconds}");
        }
    }
}
