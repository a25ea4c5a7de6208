//! Structured logs on standard error.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::format::FmtSpan;

/// The renderer of mails tells every value that it puts in, names and links, when it is asked for more than warnings.
const NEVER_MORE: &str = "handlebars=warn";

/// Section `[log]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// What to log, in the directives of `tracing-subscriber`.
    filter: String,
    /// How to write it.
    format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LogFormat {
    Text,
    Json,
}

/// Starts logging.
///
/// # Errors
///
/// A sentence about `log.filter` when it cannot be read.
pub(crate) fn start(settings: &LogSettings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| format!("log.filter cannot be read: {error}"))?;
    let never_more: Directive = NEVER_MORE.parse().map_err(|error| format!("{NEVER_MORE}: {error}"))?;
    let filter = filter.add_directive(never_more);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(false);
    match settings.format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
