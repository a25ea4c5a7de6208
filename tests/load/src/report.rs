//! The table at the end.

use std::fmt;

/// One line: what was measured, against what, and what was promised.
pub(crate) struct Figure {
    name: &'static str,
    measured: String,
    against: String,
    result: String,
    promise: String,
    holds: bool,
}

impl Figure {
    /// A rate as a share of a limit measured in the same run.
    pub(crate) fn ratio(name: &'static str, rate: f64, limit: f64, at_least: f64, against: &str) -> Self {
        let ratio = rate / limit;
        Self {
            name,
            measured: format!("{rate:.0}/s"),
            against: format!("{limit:.0}/s {against}"),
            result: format!("{ratio:.2}"),
            promise: format!(">= {at_least}"),
            holds: ratio >= at_least,
        }
    }

    /// By how much something became dearer: `rate_before` over `rate`, which must stay below a bound.
    pub(crate) fn growth(name: &'static str, rate: f64, rate_before: f64, below: f64, before: &str) -> Self {
        let growth = rate_before / rate;
        Self {
            name,
            measured: format!("{rate:.0}/s"),
            against: format!("{rate_before:.0}/s {before}"),
            result: format!("{growth:.2}"),
            promise: format!("< {below}"),
            holds: growth < below,
        }
    }

    /// A figure that must stay below a bound.
    pub(crate) fn at_most(name: &'static str, value: f64, bound: f64, unit: &str) -> Self {
        Self {
            name,
            measured: format!("{value:.1} {unit}"),
            against: "-".to_owned(),
            result: "-".to_owned(),
            promise: format!("< {bound} {unit}"),
            holds: value < bound,
        }
    }
}

/// A row of the table, in Markdown.
impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, measured, against, result, promise, holds } = self;
        let verdict = if *holds { "kept" } else { "MISSED" };
        write!(formatter, "| {name} | {measured} | {against} | {result} | {promise} | {verdict} |")
    }
}

/// All lines, and what is to be said beside them.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        // At once, too: whatever fails later does not take it along.
        eprintln!("measured: {figure}");
        self.figures.push(figure);
    }

    /// Adds a sentence that explains a figure.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether every promise is kept.
    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|figure| figure.holds)
    }

    /// Prints the table, in Markdown.
    pub(crate) fn print(&self) {
        println!("| what | measured | against | ratio | promised | |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for figure in &self.figures {
            println!("{figure}");
        }
        for note in &self.notes {
            println!("\n{note}");
        }
    }
}
