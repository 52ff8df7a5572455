//! The trace that a request says it belongs to (W3C Trace Context).

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

/// What the request's spans are children of: the caller's span, or nothing. Whether it is traced is not left to the
/// caller, and of what else a caller may send along (`tracestate`) nothing is taken over.
pub(super) fn context(headers: &HeaderMap) -> Context {
    let given = headers.get("traceparent").and_then(|value| parse(value.to_str().ok()?));
    given.map_or_else(Context::new, |span| Context::new().with_remote_span_context(span))
}

/// `00-{trace}-{span}-{flags}`; a later version may have more parts.
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_known = [(version, 2), (trace, 32), (span, 16), (flags, 2)].into_iter().all(|(p, n)| is_hex(p, n));
    if !is_known || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE))
        .filter(SpanContext::is_valid)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_caller_s_span_is_read() {
        let span = parse(GOOD).unwrap();
        assert_eq!(span.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span.span_id().to_string(), "00f067aa0ba902b7");
        assert!(
            parse(&GOOD.replacen("00-", "01-", 1)).is_some()
                && parse(&format!("01{}-x", &GOOD[2..])).is_some()
        );
        assert!(parse(&GOOD.replace("-01", "-00")).unwrap().is_sampled());
    }

    #[test]
    fn what_is_none_is_passed_over() {
        let zeros = "0".repeat(32);
        for wrong in [
            "",
            "00",
            &GOOD[3..],
            &format!("{GOOD}-x"),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace("4bf9", "+bf9"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros),
            &GOOD.replace("00f067aa0ba902b7", &zeros[..16]),
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
