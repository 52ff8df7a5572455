//! The page that an e-mail's words stand on: `prompts/email.html`, compiled in or from the same folder as the replies.
//!
//! Its words are those of the plain text, with the code made easy to find. The page has no picture, no link and no script:
//! nothing tells its sender that it was opened, and nobody learns to follow a link in it.

use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::model::own_or;
use super::{Error, Options, Problem, Replies, environment};

/// The page's file.
const FILE: &str = "email.html";
/// The page that is compiled in.
const TEXT: &str = include_str!("../../prompts/email.html");

/// What an e-mail says.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// What language it is in, as of the one it is for.
    pub locale: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// Its words, with an empty line between two paragraphs.
    pub text: &'a str,
    /// The code among the words.
    pub code: Option<&'a str>,
}

/// What the page is rendered with.
#[derive(Serialize)]
struct Page<'a> {
    language: &'a str,
    subject: &'a str,
    paragraphs: Vec<Vec<Piece<'a>>>,
}

#[derive(Serialize)]
struct Piece<'a> {
    text: &'a str,
    is_code: bool,
}

impl<'a> Letter<'a> {
    fn page(&self, language: &'a str) -> Page<'a> {
        let paragraphs = self.text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
        let paragraphs = paragraphs.map(|paragraph| pieces(paragraph, self.code)).collect();
        Page { language, subject: self.subject, paragraphs }
    }
}

/// A paragraph, cut where the code stands in it.
fn pieces<'a>(paragraph: &'a str, code: Option<&'a str>) -> Vec<Piece<'a>> {
    let plain = |text| Piece { text, is_code: false };
    match code.and_then(|code| Some((code, paragraph.split_once(code)?))) {
        Some((code, (before, after))) => {
            vec![plain(before), Piece { text: code, is_code: true }, plain(after)]
        }
        None => vec![plain(paragraph)],
    }
}

/// Loads the page and renders a sample on it.
pub(super) fn load(options: &Options, problems: &mut Vec<Problem>) -> Environment<'static> {
    let mut page = environment();
    // Here it is markup: what replies hold stays text.
    page.set_auto_escape_callback(|_| AutoEscape::Html);
    let Some((name, text)) = own_or((FILE, TEXT), options, problems) else { return page };
    let sample =
        Letter { locale: "en", subject: "About", text: "It is ABCDEF.\n\nKeep it.", code: Some("ABCDEF") };
    let made = page.add_template_owned(FILE, text).and_then(|()| render(&page, &sample.page("en")));
    if let Err(e) = made {
        problems.push(Problem::new(&name, e.line().unwrap_or(1), e.to_string()));
    }
    page
}

fn render(page: &Environment<'_>, values: &Page<'_>) -> Result<String, minijinja::Error> {
    page.get_template(FILE)?.render(minijinja::value::Serde(values))
}

impl Replies {
    /// An e-mail's words as a page.
    pub fn html(&self, letter: &Letter<'_>) -> Result<String, Error> {
        let language = self.language(Some(letter.locale));
        render(&self.page, &letter.page(language)).map_err(|source| Error {
            key: FILE.to_owned(),
            language: language.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::{REPLIES, Source};
    use super::*;

    fn replies() -> Replies {
        Replies::load(&Options::default(), &Source::compiled_in()).unwrap()
    }

    /// The words of a page, without its markup.
    fn words(html: &str) -> String {
        let body = html.split_once("<body").unwrap().1;
        let pieces = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, words)| words);
        pieces.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    // SEC-43
    #[test]
    fn the_page_says_what_the_text_says_and_nothing_that_anybody_wrote() {
        let replies = replies();
        let emails: Vec<_> = REPLIES.iter().filter(|(key, _)| key.starts_with("email.")).collect();
        assert!(emails.len() > 7, "{emails:?}");
        for (key, sample) in emails {
            let values: Map<String, Value> = serde_json::from_str(sample).unwrap();
            let ours = values.keys().all(|name| ["code", "reference", "minutes"].contains(&name.as_str()));
            assert!(ours, "{key} takes a value that may hold somebody's words");
            assert!(
                *key != "email.subject" || !values.contains_key("code"),
                "a subject shows on locked screens"
            );
            for language in ["en", "es"] {
                let text = replies.say(language, key, &values).unwrap();
                let code = values.get("code").and_then(Value::as_str);
                assert_eq!(code.map(|code| text.matches(code).count()), code.map(|_| 1), "{language} {key}");
                let letter = Letter { locale: language, subject: "S", text: &text, code };
                let html = replies.html(&letter).unwrap();
                assert!(html.contains(&format!("<html lang=\"{language}\">")));
                // The sign is escaped on the page; no other is in the replies.
                assert_eq!(
                    words(&html).replace("&quot;", "\"").replace("&#x27;", "'"),
                    text,
                    "{language} {key}"
                );
                assert_eq!(html.matches("<strong").count(), usize::from(code.is_some()));
                for foreign in ["<img", "<a ", "<script", "href", "src=", "url(", "http"] {
                    assert!(!html.contains(foreign), "{foreign} in {key}");
                }
            }
        }
    }

    #[test]
    fn paragraphs_stay_apart_and_markup_stays_text() {
        let letter = Letter { locale: "es-MX", subject: "</title><b>", text: "a <b>\n\n1 & 2", code: None };
        let html = replies().html(&letter).unwrap();
        assert!(
            html.contains("<html lang=\"es\">") && html.contains("&lt;&#x2f;title&gt;&lt;b&gt;"),
            "{html}"
        );
        assert_eq!((html.matches("<p ").count(), html.matches("<b>").count()), (2, 0), "{html}");
        assert_eq!(words(&html), "a &lt;b&gt; 1 &amp; 2");
    }

    #[test]
    fn a_page_of_ones_own_is_rendered_at_the_start() {
        let folder = std::env::temp_dir().join(format!("vestibule-page-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(FILE), "<p>\n{{ paragraf }}").unwrap();
        let options = Options { folder: Some(folder.clone()), ..Options::default() };
        let problems = Replies::load(&options, &Source::compiled_in()).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(problems.contains("email.html:2:1"), "{problems}");
    }
}
