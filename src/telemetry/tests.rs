use std::io;
use std::sync::Mutex;

use serde_json::{Map, Value};
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::model::Sleep;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2025-12-26T14:30:45.123987Z".parse().unwrap()
    }

    fn sleep_until(&self, _: jiff::Timestamp) -> Sleep<'_> {
        Box::pin(std::future::ready(()))
    }
}

/// Everything written so far.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(level: &str, work: impl FnOnce()) -> String {
    let page = Page::default();
    let target = page.clone();
    let lines = Lines::new(move || target.clone(), Arc::new(Noon), |text| text.replace("4155552671", "•••"));
    let directives = filter(level).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(directives).with(lines), work);
    String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_line_has_time_level_message_and_fields_of_the_spans_around() {
    let text = written("info", || {
        let outer = tracing::info_span!("turn", conversationId = "cnv_1", userId = tracing::field::Empty);
        let _turn = outer.enter();
        outer.record("userId", "usr_1");
        let inner = tracing::info_span!("node", conversationId = "cnv_2");
        let node = inner.entered();
        tracing::info!(promptLength = 50, fast = true, r#type = "a \"b\"", "Agent query started");
        drop(node);
        tracing::error!("Failed");
    });
    assert_eq!(
        text,
        "2025-12-26 14:30:45.123 [INFO]: Agent query started \
         {\"conversationId\":\"cnv_2\",\"userId\":\"usr_1\",\"promptLength\":50,\"fast\":true,\"type\":\"a \\\"b\\\"\"}\n\
         2025-12-26 14:30:45.123 [ERROR]: Failed {\"conversationId\":\"cnv_1\",\"userId\":\"usr_1\"}\n"
    );
}

#[test]
fn traces_change_no_line_and_are_never_made_where_nobody_takes_them() {
    let work = |is_traced: bool| {
        let _turn = tracing::info_span!("turn", conversationId = "cnv_1").entered();
        let workflow = crate::trace::workflow("orchestrator");
        assert_eq!(workflow.is_disabled(), !is_traced);
        let _traced = workflow.entered();
        tracing::error!(target: crate::trace::TOOL, error = "away");
        tracing::debug!("Quiet");
        tracing::info!("Turn answered");
    };
    let line = "2025-12-26 14:30:45.123 [INFO]: Turn answered {\"conversationId\":\"cnv_1\"}\n";
    let provider = SdkTracerProvider::builder().build();
    for is_traced in [false, true] {
        let page = Page::default();
        let target = page.clone();
        let lines = Lines::new(move || target.clone(), Arc::new(Noon), str::to_owned);
        let directives = filter("info").unwrap();
        if is_traced {
            let subscriber = logs_and_traces(directives, lines, &provider);
            tracing::subscriber::with_default(subscriber, || work(true));
        } else {
            tracing::subscriber::with_default(logs(directives, lines), || work(false));
        }
        assert_eq!(String::from_utf8(page.0.lock().unwrap().clone()).unwrap(), line);
    }
    let all = written("trace", || work(true));
    assert_eq!(
        all.replace("2025-12-26 14:30:45.123 [DEBUG]: Quiet {\"conversationId\":\"cnv_1\"}\n", ""),
        line
    );
}

#[test]
fn without_fields_there_is_no_object() {
    assert_eq!(written("info", || tracing::warn!("Alone")), "2025-12-26 14:30:45.123 [WARN]: Alone\n");
}

#[test]
fn nobody_forges_a_second_line_or_speaks_to_the_terminal() {
    let evil = "a\r\n2025 [INFO]: forged\u{1b}[2J\u{9b}1m\u{2028}\u{202e}\u{0}z";
    let text = written("info", || {
        let _span = tracing::info_span!("request", userAgent = evil).entered();
        tracing::info!(name = evil, "{evil}");
    });
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    assert!(
        !text.trim_end().chars().any(|c| c.is_control() || c == '\u{2028}' || c == '\u{202e}'),
        "{text:?}"
    );
    let json = text.get(text.rfind("{\"").unwrap()..).unwrap();
    let fields: Map<String, Value> = serde_json::from_str(json).unwrap();
    assert_eq!(fields["name"], evil);
    assert_eq!(fields["userAgent"], evil);
}

#[test]
fn every_text_passes_the_masker() {
    let secret = "+14155552671";
    let failure = io::Error::other(secret);
    let text = written("info", || {
        let _span = tracing::info_span!("turn", phone = secret).entered();
        tracing::info!(a = secret, b = ?secret, c = %secret, d = &failure as &dyn std::error::Error, "to {secret}");
    });
    assert!(!text.contains("4155552671"), "{text}");
    assert_eq!(text.matches("+1•••").count(), 6, "{text}");
}

#[test]
fn a_failure_is_told_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("the store is away")]
    struct Away(#[source] io::Error);

    let away = Away(io::Error::other("refused"));
    let text = written("info", || tracing::error!(error = &away as &dyn std::error::Error, "Turn failed"));
    assert!(text.ends_with("[ERROR]: Turn failed {\"error\":\"the store is away: refused\"}\n"), "{text}");
}

#[test]
fn the_filter_decides_and_a_misspelt_one_is_refused() {
    let both = || {
        tracing::debug!("quiet");
        tracing::info!("loud");
    };
    assert!(!written("info", both).contains("quiet"));
    assert!(written("warn,vestibule=debug", both).contains("quiet"));
    assert_eq!(written("off", both), "");
    for wrong in ["", "inof", "info,", "vestibule=loud", "info,[a"] {
        assert!(filter(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_process_sets_up_its_logs_once() {
    let quiet = Options { level: "off".to_owned(), ..Options::default() };
    let fetch = Fetch::new(&fetch::Options::default()).unwrap();
    let set_up = |options: &Options| init(options, &fetch, Arc::new(Noon), str::to_owned);
    assert!(
        matches!(set_up(&Options { level: "inof".to_owned(), ..Options::default() }), Err(Error::Level { word }) if word == "inof")
    );
    assert!(matches!(
        set_up(&Options { level: "vestibule=loud".to_owned(), ..Options::default() }),
        Err(Error::Filter { .. })
    ));
    let to = |collector: &str| Options { otlp_endpoint: Some(collector.to_owned()), ..quiet.clone() };
    assert!(matches!(set_up(&to("http://collector.example:4318")), Err(Error::Collector(_))));
    assert!(matches!(set_up(&to("http://127.0.0.1:4318")), Err(Error::Runtime(_))));
    assert!(set_up(&quiet).is_ok());
    assert!(matches!(set_up(&quiet), Err(Error::Twice(_))));
}
