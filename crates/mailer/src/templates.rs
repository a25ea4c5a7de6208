//! Handlebars templates: embedded, each replaceable by a file, rendered strictly.
//!
//! A message has three parts: `subject.txt.hbs`, `body.txt.hbs` and `body.html.hbs`. Only what ends in `.html.hbs` is escaped
//! for HTML. `{{t "key" name=value}}` is the text of that key in the message's language.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{Locale, MessageKind};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError, RenderErrorReason, ScopedJson,
    no_escape,
};

use crate::letter::LetterContext;
use crate::locales::{Catalogue, Locales};
use crate::mailer::MailerError;

/// The largest file that is read from the templates folder.
const MAX_FILE_BYTES: u64 = 256 * 1024;

macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../../templates/", $path)))),+]
    };
}

const EMBEDDED: [(&str, &str); 28] = embedded![
    "mail/layout.txt.hbs",
    "mail/layout.html.hbs",
    "mail/button.html.hbs",
    "mail/code.html.hbs",
    "mail/registration-confirmation/subject.txt.hbs",
    "mail/registration-confirmation/body.txt.hbs",
    "mail/registration-confirmation/body.html.hbs",
    "mail/registration-code/subject.txt.hbs",
    "mail/registration-code/body.txt.hbs",
    "mail/registration-code/body.html.hbs",
    "mail/registration-welcome/subject.txt.hbs",
    "mail/registration-welcome/body.txt.hbs",
    "mail/registration-welcome/body.html.hbs",
    "mail/registration-notice/subject.txt.hbs",
    "mail/registration-notice/body.txt.hbs",
    "mail/registration-notice/body.html.hbs",
    "mail/restore-password/subject.txt.hbs",
    "mail/restore-password/body.txt.hbs",
    "mail/restore-password/body.html.hbs",
    "mail/password-changed/subject.txt.hbs",
    "mail/password-changed/body.txt.hbs",
    "mail/password-changed/body.html.hbs",
    "mail/email-change/subject.txt.hbs",
    "mail/email-change/body.txt.hbs",
    "mail/email-change/body.html.hbs",
    "mail/email-change-notice/subject.txt.hbs",
    "mail/email-change-notice/body.txt.hbs",
    "mail/email-change-notice/body.html.hbs",
];

/// A template or a catalogue of texts, and where it came from.
pub(crate) struct Source {
    name: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn embedded(path: &str, text: &str) -> Self {
        Self { name: format!("embedded {path}"), text: text.to_owned() }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, MailerError> {
        let mut source = Self { name: path.display().to_string(), text: String::new() };
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut source.text));
        match read {
            Ok(bytes) if bytes as u64 > MAX_FILE_BYTES => Err(source.error(None, "it is larger than 256 KiB")),
            Ok(_) => Ok(source),
            Err(error) => Err(source.error(None, &error.to_string())),
        }
    }

    pub(crate) fn error(&self, line: Option<usize>, problem: &str) -> MailerError {
        let line = line.map_or_else(String::new, |line| format!(", line {line}"));
        MailerError::Template { file: format!("{}{line}", self.name), problem: one_line(problem) }
    }
}

/// The files with this extension directly in `folder`, sorted; none when there is no such folder.
pub(crate) fn list_files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, MailerError> {
    let is_wanted = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|found| found == extension);
    Ok(list(folder)?.into_iter().filter(is_wanted).collect())
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, MailerError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let unreadable = |error: std::io::Error| MailerError::Template {
        file: folder.display().to_string(),
        problem: error.to_string(),
    };
    let mut paths = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// The parts of a message as its templates made them.
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// All templates, once a locale.
pub(crate) struct Templates {
    sets: BTreeMap<Locale, TemplateSet>,
    sources: BTreeMap<&'static str, Source>,
}

struct TemplateSet {
    text: Handlebars<'static>,
    html: Handlebars<'static>,
}

impl Templates {
    /// The embedded templates, replaced by files of the same path below `folder`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is no template, or replaces nothing.
    pub(crate) fn load(folder: Option<&Path>, locales: &Locales) -> Result<Self, MailerError> {
        let mut sources: BTreeMap<&'static str, Source> =
            EMBEDDED.into_iter().map(|(path, text)| (path, Source::embedded(path, text))).collect();
        for (path, file) in folder.map_or_else(|| Ok(Vec::new()), overrides)? {
            sources.insert(path, Source::read(&file)?);
        }
        let mut text = strict_registry();
        text.register_escape_fn(no_escape);
        let mut html = strict_registry();
        html.register_escape_fn(escape_html);
        for (path, source) in &sources {
            let registry = if path.ends_with(".html.hbs") { &mut html } else { &mut text };
            registry
                .register_template_string(partial_name(path).unwrap_or(path), &source.text)
                .map_err(|error| source.error(error.pos().map(|(line, _)| line), &error.reason().to_string()))?;
        }
        let set = |catalogue: &Arc<Catalogue>| {
            let translating = |registry: &Handlebars<'static>| {
                let mut registry = registry.clone();
                registry.register_helper("t", Box::new(Translate(Arc::clone(catalogue))));
                registry
            };
            TemplateSet { text: translating(&text), html: translating(&html) }
        };
        let sets = locales.iter().map(|(locale, catalogue)| (locale.clone(), set(catalogue))).collect();
        Ok(Self { sets, sources })
    }

    /// Renders the three parts. The subject becomes one line and can be used by the bodies.
    ///
    /// # Errors
    ///
    /// When a template uses a variable or a text that does not exist: it names the template and the line, never a value.
    pub(crate) fn render(
        &self,
        kind: MessageKind,
        locale: &Locale,
        mut context: LetterContext<'_>,
    ) -> Result<Rendered, MailerError> {
        let set = self.sets.get(locale).ok_or_else(|| MailerError::Message(format!("no texts for {locale}")))?;
        let wrap = |context: &LetterContext<'_>| {
            Context::wraps(context).map_err(|_| MailerError::Message("its variables are no JSON".to_owned()))
        };
        let render = |registry: &Handlebars<'static>, part: &str, context: &Context| {
            let path = format!("mail/{kind}/{part}");
            registry.render_with_context(&path, context).map_err(|error| self.render_error(&path, part, &error))
        };
        let subject = one_line(&render(&set.text, "subject.txt.hbs", &wrap(&context)?)?);
        context.letter.subject.clone_from(&subject);
        let context = wrap(&context)?;
        let text = render(&set.text, "body.txt.hbs", &context)?;
        let html = render(&set.html, "body.html.hbs", &context)?;
        Ok(Rendered { subject, text, html })
    }

    fn render_error(&self, path: &str, part: &str, error: &RenderError) -> MailerError {
        let is_html = part.ends_with(".html.hbs");
        let is_named = |path: &&str| {
            path.ends_with(".html.hbs") == is_html && partial_name(path) == error.template_name.as_deref()
        };
        let partial = error.template_name.as_ref().and_then(|_| self.sources.keys().copied().find(is_named));
        let path = partial.unwrap_or(path);
        let problem = error.reason().to_string();
        match self.sources.get(path) {
            Some(source) => source.error(error.line_no, &problem),
            None => MailerError::Template { file: path.to_owned(), problem },
        }
    }
}

/// What other templates call a template that is directly in `mail/`: the name of its file up to the first dot.
fn partial_name(path: &str) -> Option<&str> {
    let file = path.strip_prefix("mail/").filter(|rest| !rest.contains('/'))?;
    file.split('.').next()
}

/// The files below `folder` that replace an embedded template, with the path they replace.
fn overrides(folder: &Path) -> Result<Vec<(&'static str, PathBuf)>, MailerError> {
    let mail = folder.join("mail");
    let mut files = list_files(&mail, "hbs")?;
    for entry in list(&mail)? {
        files.extend(list_files(&entry, "hbs")?);
    }
    files
        .into_iter()
        .map(|file| match EMBEDDED.iter().find(|(path, _)| folder.join(path) == file) {
            Some((path, _)) => Ok((*path, file)),
            None => Err(MailerError::Template {
                file: file.display().to_string(),
                problem: "there is no template of this path that it could replace".to_owned(),
            }),
        })
        .collect()
}

fn strict_registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.set_prevent_indent(true);
    registry
}

/// Escapes what has a meaning in HTML text and in quoted attributes, and nothing else, so that links stay readable.
fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Blanks, line breaks and control characters become single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let separates = |character: char| {
        character.is_whitespace() || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
    };
    text.split(separates).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The helper `t`. Its result passes through the escaping of the template that calls it.
struct Translate(Arc<Catalogue>);

impl HelperDef for Translate {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let key = helper
            .param(0)
            .and_then(|key| key.value().as_str())
            .ok_or_else(|| RenderErrorReason::Other("helper `t` needs the key of a text".to_owned()))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in helper.hash() {
            if value.is_value_missing() {
                return Err(RenderErrorReason::MissingVariable(value.relative_path().cloned()).into());
            }
            parameters.insert(*name, value.value().render());
        }
        let text = self.0.text(key, &parameters).map_err(RenderErrorReason::Other)?;
        Ok(ScopedJson::Derived(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_three_templates() {
        for kind in MessageKind::ALL {
            for part in ["subject.txt.hbs", "body.txt.hbs", "body.html.hbs"] {
                let path = format!("mail/{kind}/{part}");
                assert!(EMBEDDED.iter().any(|(embedded, _)| *embedded == path), "{path}");
            }
        }
    }

    #[test]
    fn html_loads_nothing_from_elsewhere() {
        for (path, text) in EMBEDDED.iter().filter(|(path, _)| path.ends_with(".html.hbs")) {
            for external in ["http:", "https:", "//", "src=", "url(", "<img", "<link", "@import", "<script"] {
                assert!(!text.contains(external), "{path} has {external}");
            }
        }
    }

    #[test]
    fn one_line_leaves_no_way_to_begin_another() {
        assert_eq!(one_line(" a\r\nBcc: b\u{0}c\u{2028}d\te \n"), "a Bcc: b c d e");
    }

    #[test]
    fn escaping_covers_text_and_quoted_attributes() {
        assert_eq!(escape_html(r#"<a href="x?a=1&b='2'">"#), "&lt;a href=&quot;x?a=1&amp;b=&#39;2&#39;&quot;&gt;");
    }
}
