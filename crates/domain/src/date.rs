//! Days as clients write them.

use jiff::civil::Date;

/// Reads `YYYY-MM-DD`, a day that there was or will be from the year 1 on.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    let is_well_formed = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date: Date = is_well_formed.then(|| text.parse().ok())??;
    (date.year() > 0).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_ten_characters_and_a_real_day() {
        assert_eq!(parse_date("2024-02-29").unwrap().to_string(), "2024-02-29");
        for wrong in [
            "",
            "2023-02-29",
            "2024-2-29",
            "24-02-29",
            "2024/02/29",
            "2024-02-29T00:00",
            "0000-01-01",
            "2024-00-10",
            "２０２４-02",
        ] {
            assert!(parse_date(wrong).is_none(), "{wrong}");
        }
    }
}
