//! What is said to Twilio: at most one text message, as XML.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Longest message, in characters; Twilio takes no more.
const LONGEST: usize = 1_600;

/// The answer that says that, or nothing.
pub(super) fn answer(text: Option<&str>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document(text)).into_response()
}

fn document(text: Option<&str>) -> String {
    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let plain = text.map(|text| cut(&plain(text), LONGEST)).filter(|text| !text.is_empty());
    match plain {
        Some(text) => format!("{HEAD}<Response><Message>{}</Message></Response>", escaped(&text)),
        None => format!("{HEAD}<Response/>"),
    }
}

/// Without what XML cannot hold or a phone does not show.
fn plain(text: &str) -> String {
    let is_kept = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    spaced.filter(is_kept).collect::<String>().trim().to_owned()
}

/// At most so many characters, whole words if there are any.
fn cut(text: &str, longest: usize) -> String {
    let Some((end, next)) = text.char_indices().nth(longest) else { return text.to_owned() };
    let (head, _) = text.split_at(end);
    let whole = if next == ' ' { head } else { head.rsplit_once(' ').map_or(head, |(words, _)| words) };
    whole.trim_end().to_owned()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let all = document(Some(text));
        let (_, rest) = all.split_once("<Response><Message>").unwrap();
        rest.strip_suffix("</Message></Response>").unwrap().to_owned()
    }

    // SEC-43
    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(
            said("</Message><Redirect>\"x\" & 'y'\u{0}\u{1b}\r\nz\u{ffff}"),
            "&lt;/Message&gt;&lt;Redirect&gt;&quot;x&quot; &amp; &apos;y&apos;  z"
        );
        assert_eq!(said("]]>&lt;"), "]]&gt;&amp;lt;");
    }

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        assert_eq!(said(&"1234567 ".repeat(300)).chars().count(), 1_599);
        assert_eq!(said(&"é".repeat(2_000)).chars().count(), 1_600);
        assert_eq!(cut("ab cd", 4), "ab");
        assert_eq!(cut("ab cd", 2), "ab");
        assert_eq!(cut("ab", 2), "ab");
    }

    #[test]
    fn nothing_to_say_is_an_empty_response() {
        for text in [None, Some(""), Some(" \n\u{0}")] {
            assert_eq!(document(text), r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#);
        }
    }
}
