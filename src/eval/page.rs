//! A report as one page: no script, nothing from elsewhere, readable on a phone, in the light and in the dark.

use std::fmt::Write;

use super::figures::Latency;
use super::svg::{Escaped, bars, heat_map, histogram, reliability, risk_curve};
use super::{IntentReport, Prediction, Report, Share};

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6b7e;--paper:#f7f8fa;--card:#fff;--line:#dfe4ea;--bar:#3d7bd9;--good:#2e9e6b;--bad:#d1495b}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#98a5b8;--paper:#12161c;--card:#1b212a;--line:#2f3947;--bar:#6ea3f2;--good:#4cc38a;--bad:#f0788a}}
*{box-sizing:border-box}
body{margin:0;padding:1.2rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:auto}
h1{font-size:1.4rem;margin:.2rem 0 1rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:0 0 .2rem}
p{margin:.1rem 0 .7rem;color:var(--soft);font-size:.88rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.7rem;margin-bottom:.8rem}
.tile,section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}
.tile b{display:block;font-size:1.35rem;font-weight:650}.tile span{font-size:.82rem;color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:.8rem;align-items:start}
section{overflow-x:auto}svg{width:100%;height:auto;display:block}
text{fill:var(--ink);font:12px system-ui,sans-serif}
.grid{stroke:var(--line)}.bar{fill:var(--bar)}.right{fill:var(--good)}.wrong{fill:var(--bad)}
.whisker{stroke:var(--ink);stroke-width:1.6;opacity:.7}.ideal{stroke:var(--soft);stroke-dasharray:5 4}
.curve{fill:none;stroke:var(--bad);stroke-width:2}
table{border-collapse:collapse;width:100%;font-size:.86rem}td,th{padding:.3rem .5rem;border-top:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}td:first-child{white-space:nowrap}
";

/// What a page is put together from.
struct Page {
    tiles: String,
    plots: String,
}

impl Page {
    fn new() -> Self {
        Self { tiles: String::new(), plots: String::new() }
    }

    fn tile(&mut self, name: &str, value: &str, note: &str) {
        let (name, value, note) = (Escaped(name), Escaped(value), Escaped(note));
        let _ = write!(
            self.tiles,
            "<div class=\"tile\"><span>{name}</span><b>{value}</b><span>{note}</span></div>"
        );
    }

    fn share(&mut self, name: &str, share: Share) {
        let (low, high) = share.interval();
        let note = format!("{} of {}, 95 %: {:.1}–{:.1}", share.right, share.of, low * 100.0, high * 100.0);
        self.tile(name, &percent(share.value()), &note);
    }

    fn latency(&mut self, latency: &Latency) {
        let note = format!("p90 {:.1} µs, p99 {:.1} µs", latency.p90, latency.p99);
        self.tile("latency, median", &format!("{:.1} µs", latency.p50), &note);
    }

    /// `inside` is markup; heading and note are text.
    fn section(&mut self, heading: &str, note: &str, inside: &str) {
        let (heading, note) = (Escaped(heading), Escaped(note));
        let _ = write!(self.plots, "<section><h2>{heading}</h2><p>{note}</p>{inside}</section>");
    }

    fn histogram(&mut self, predictions: &[Prediction]) {
        let us: Vec<f64> = predictions.iter().map(|p| p.us).collect();
        self.section("Latency", "Answers that took less than so many microseconds, and no less than the step before; k is a thousand.", &histogram(&us));
    }

    fn table<const N: usize>(
        &mut self,
        heading: &str,
        columns: [&str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) {
        let mut inside = String::from("<table><tr>");
        for name in columns {
            let _ = write!(inside, "<th>{}</th>", Escaped(name));
        }
        for row in rows {
            inside.push_str("</tr><tr>");
            for cell in row {
                let _ = write!(inside, "<td>{}</td>", Escaped(&cell));
            }
        }
        inside.push_str("</tr></table>");
        self.section(heading, "", &inside);
    }

    fn done(self, title: &str) -> String {
        let (title, Self { tiles, plots }) = (Escaped(title), self);
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1><div class=\"tiles\">{tiles}</div><div class=\"plots\">{plots}</div></main></body></html>\n"
        )
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

const RELIABILITY: &str = "How often answers of a confidence are right; whiskers are intervals at 95 %. On the dashed line confidence is honest.";
const RISK: &str = "The share of wrong answers if only the surest were given.";

impl Report {
    /// The report as one page.
    pub fn html(&self, title: &str) -> String {
        let mut page = Page::new();
        page.share("sub-intent, lenient", self.lenient);
        page.share("sub-intent, strict", self.strict);
        page.share("all entities right", self.entities);
        page.tile("forbidden", &self.forbidden.len().to_string(), &self.forbidden.join(" "));
        page.tile(
            "calibration error",
            &percent(self.calibration.error),
            "of the label, or either if ambiguous",
        );
        if let Some(auroc) = self.out_of_scope_auroc {
            page.tile("out of scope, AUROC", &percent(auroc), "nobody's work told from the rest");
        }
        page.latency(&self.latency);
        page.section("Confusion", "Wanted labels down, said ones across.", &heat_map(&self.confusion));
        page.section("Reliability", RELIABILITY, &reliability(&self.calibration));
        page.section("Coverage against risk", RISK, &risk_curve(&self.risks));
        page.section("By language", "Lenient; whiskers are intervals at 95 %.", &bars(&self.by_language));
        page.section("By tag", "Lenient; whiskers are intervals at 95 %.", &bars(&self.by_tag));
        page.histogram(&self.predictions);
        let wrong = self.wrong.iter().map(|(id, wanted, said)| [id.clone(), wanted.clone(), said.clone()]);
        page.table("Wrong labels", ["row", "wanted", "said"], wrong);
        let entities = self.wrong_entities.iter();
        let entities =
            entities.map(|(id, wanted, found)| [id.clone(), wanted.to_string(), found.to_string()]);
        page.table("Wrong entities", ["row", "wanted", "found"], entities);
        page.done(title)
    }
}

impl IntentReport {
    /// The report as one page.
    pub fn html(&self, title: &str) -> String {
        let mut page = Page::new();
        page.share("accuracy, in scope", self.accuracy);
        if let Some(auroc) = self.refusals.auroc {
            page.tile("out of scope, AUROC", &percent(auroc), "");
        }
        if self.refusals.threshold.is_some() && self.refusals.recall.of > 0 {
            page.share("out of scope, recall", self.refusals.recall);
            page.share("out of scope, precision", self.refusals.precision);
            page.share("right and not refused", self.refusals.in_scope);
        }
        page.tile("calibration error", &percent(self.calibration.error), "in scope");
        let (labels, rows, outside) = self.trained_on;
        let on = format!("{rows} rows of {labels} intents, {outside} outside");
        page.tile("training", &format!("{:.2} s", self.training_ms / 1_000.0), &on);
        page.latency(&self.latency);
        page.section("Reliability", RELIABILITY, &reliability(&self.calibration));
        page.section("Coverage against risk", RISK, &risk_curve(&self.risks));
        page.histogram(&self.predictions);
        let confused = self.confused.iter().map(|c| [c.wanted.clone(), c.said.clone(), c.times.to_string()]);
        page.table("Most confused", ["wanted", "said", "times"], confused);
        page.done(title)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{evaluate, read};
    use crate::classify::Options;

    #[test]
    fn the_page_stands_alone_and_holds_no_markup_of_the_rows() {
        let row = serde_json::json!({"id": "<script>alert(1)</script>", "lang": "\"><u>", "text": "log me in",
            "sub_intent": "out_of_scope", "tags": ["a&b"]});
        let report = evaluate(&Options::default(), &read("rows", &row.to_string()).unwrap()).unwrap();
        let page = report.html("rows <i>");
        for bad in ["<script", "<u>", "<i>", "http:", "https:", "url(", "src=", "href="] {
            assert!(!page.contains(bad), "{bad}");
        }
        for part in [
            "&lt;script&gt;",
            "a&amp;b",
            "Reliability",
            "Confusion",
            "By language",
            "Latency",
            "prefers-color-scheme",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 6);
        assert_eq!(page.matches("<section").count(), page.matches("</section").count());
    }
}
