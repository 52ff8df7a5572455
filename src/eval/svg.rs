//! Plots, drawn by hand: each is one SVG element whose colours come from the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Write};

use super::figures::{Calibration, Risk, Share, float};

/// Text as it stands in HTML and SVG.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Neither HTML nor XML has a way to write these.
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A drawing in the making. Its units are CSS pixels where there is room.
struct Drawing {
    width: f64,
    height: f64,
    inside: String,
}

/// Where a text stands to its place.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    fn new(width: f64, height: f64) -> Self {
        Self { width, height, inside: String::new() }
    }

    fn put(&mut self, element: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.inside.write_fmt(element);
    }

    fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], title: &str) {
        let title = Escaped(title);
        self.put(format_args!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{title}</title></rect>", width.max(0.0), height.max(0.0)));
    }

    fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    fn text(&mut self, anchor: Anchor, [x, y]: [f64; 2], text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = Escaped(text);
        self.put(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
    }

    fn done(self, label: &str) -> String {
        let Self { width, height, inside } = self;
        let label = Escaped(label);
        format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" style=\"max-width:{width:.0}px\" role=\"img\" aria-label=\"{label}\">{inside}</svg>"
        )
    }
}

/// A square field with both axes from 0 to 1, and the way into it.
struct Field {
    drawing: Drawing,
    high: f64,
}

impl Field {
    const LEFT: f64 = 46.0;
    const TOP: f64 = 10.0;
    const WIDE: f64 = 360.0;
    const TALL: f64 = 240.0;

    /// `high` is the value at the top; it is written in per cent.
    fn new(across: &str, up: &str, high: f64) -> Self {
        let mut drawing = Drawing::new(Self::LEFT + Self::WIDE + 14.0, Self::TOP + Self::TALL + 40.0);
        for n in 0..=4 {
            let part = float(n) / 4.0;
            let (x, y) = (Self::LEFT + part * Self::WIDE, Self::TOP + (1.0 - part) * Self::TALL);
            drawing.line("grid", [Self::LEFT, y, Self::LEFT + Self::WIDE, y]);
            drawing.text(Anchor::Middle, [x, Self::TOP + Self::TALL + 16.0], &format!("{:.0}", part * 100.0));
            let value = part * high * 100.0;
            let value = if high < 0.2 { format!("{value:.1}") } else { format!("{value:.0}") };
            drawing.text(Anchor::End, [Self::LEFT - 6.0, y + 4.0], &value);
        }
        let below = Self::TOP + Self::TALL + 34.0;
        drawing.text(Anchor::Start, [Self::LEFT, below], &format!("across: {across}, %"));
        drawing.text(Anchor::End, [Self::LEFT + Self::WIDE, below], &format!("up: {up}, %"));
        Self { drawing, high }
    }

    fn at(&self, across: f64, up: f64) -> [f64; 2] {
        [Self::LEFT + across * Self::WIDE, Self::TOP + (1.0 - up / self.high) * Self::TALL]
    }

    fn path(&mut self, class: &str, points: impl Iterator<Item = [f64; 2]>) {
        let points: Vec<String> = points.map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        self.drawing.put(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" ")));
    }
}

/// Confidence against how often it is right: the bars should end on the diagonal.
pub(super) fn reliability(calibration: &Calibration) -> String {
    let mut field = Field::new("confidence", "right", 1.0);
    for bin in calibration.bins.iter().filter(|bin| bin.share.of > 0) {
        let [x, y] = field.at(bin.from, bin.share.value());
        let [right, bottom] = field.at(bin.to, 0.0);
        let title = format!("{:.0}–{:.0} %: {}", bin.from * 100.0, bin.to * 100.0, bin.share);
        field.drawing.rect("bar", [x + 1.0, y, right - x - 2.0, bottom - y], &title);
        let ((low, high), middle) = (bin.share.interval(), f64::midpoint(bin.from, bin.to));
        let ([x, top], [_, bottom]) = (field.at(middle, high.min(1.0)), field.at(middle, low));
        field.drawing.line("whisker", [x, top, x, bottom]);
    }
    let ([x1, y1], [x2, y2]) = (field.at(0.0, 0.0), field.at(1.0, 1.0));
    field.drawing.line("ideal", [x1, y1, x2, y2]);
    field.drawing.done("Reliability: confidence against the share of right answers")
}

/// What is wrong among the surest answers.
pub(super) fn risk_curve(risks: &[Risk]) -> String {
    let worst = risks.iter().map(|risk| risk.risk).fold(0.0, f64::max);
    let high = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0].into_iter().find(|high| worst <= *high).unwrap_or(1.0);
    let mut field = Field::new("answered", "of them wrong", high);
    let points: Vec<[f64; 2]> = risks.iter().map(|risk| field.at(risk.coverage, risk.risk)).collect();
    field.path("curve", points.into_iter());
    field.drawing.done("Coverage against risk")
}

/// Wanted labels down, said ones across; each row is shaded by its shares.
pub(super) fn heat_map(confusion: &BTreeMap<String, BTreeMap<String, usize>>) -> String {
    const CELL: f64 = 62.0;
    const NAMES: f64 = 130.0;
    let said: BTreeSet<&String> =
        confusion.keys().chain(confusion.values().flat_map(BTreeMap::keys)).collect();
    let (rows, columns) = (float(confusion.len()), float(said.len()));
    let mut drawing = Drawing::new(NAMES + columns * CELL, 34.0 + rows * 40.0);
    for (n, name) in said.iter().enumerate() {
        let short: String = name.split('_').next().unwrap_or_default().chars().take(8).collect();
        drawing.text(Anchor::Middle, [NAMES + (float(n) + 0.5) * CELL, 22.0], &short);
    }
    for (down, (wanted, row)) in confusion.iter().enumerate() {
        let top = 34.0 + float(down) * 40.0;
        drawing.text(Anchor::End, [NAMES - 8.0, top + 24.0], wanted);
        let all = float(row.values().sum::<usize>().max(1));
        for (across, said) in said.iter().enumerate() {
            let times = row.get(*said).copied().unwrap_or_default();
            let class = if wanted == *said { "right" } else { "wrong" };
            let left = NAMES + float(across) * CELL;
            let opacity = float(times) / all;
            drawing.put(format_args!("<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"60\" height=\"38\" fill-opacity=\"{:.2}\"/>", 0.06 + 0.84 * opacity));
            if times > 0 {
                drawing.text(Anchor::Middle, [left + 30.0, top + 24.0], &times.to_string());
            }
        }
    }
    drawing.done("Confusion: wanted labels down, said ones across")
}

/// Shares as bars, each with its interval.
pub(super) fn bars(shares: &BTreeMap<String, Share>) -> String {
    const NAMES: f64 = 140.0;
    const WIDE: f64 = 230.0;
    const TALL: f64 = 24.0;
    let mut drawing = Drawing::new(NAMES + WIDE + 60.0, float(shares.len()) * TALL + 4.0);
    for (n, (name, share)) in shares.iter().enumerate() {
        let top = float(n) * TALL + 4.0;
        let name = if name.is_empty() { "(none)" } else { name };
        drawing.text(Anchor::End, [NAMES - 8.0, top + 14.0], name);
        drawing.rect("bar", [NAMES, top, share.value() * WIDE, TALL - 6.0], &format!("{name}: {share}"));
        let (low, high) = share.interval();
        let middle = top + (TALL - 6.0) / 2.0;
        drawing.line("whisker", [NAMES + low * WIDE, middle, NAMES + high.min(1.0) * WIDE, middle]);
        drawing.text(
            Anchor::Start,
            [NAMES + WIDE + 8.0, top + 14.0],
            &format!("{}/{}", share.right, share.of),
        );
    }
    drawing.done("Shares of right answers with their intervals at 95 %")
}

/// Edges of the histogram, in microseconds: three to a power of ten.
const EDGES: [f64; 19] = [
    0.0,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    1e2,
    2e2,
    5e2,
    1e3,
    2e3,
    5e3,
    1e4,
    2e4,
    5e4,
    1e5,
    1e6,
    f64::INFINITY,
];

/// How many answers took how long.
pub(super) fn histogram(all: &[f64]) -> String {
    const TALL: f64 = 180.0;
    let counted: Vec<(f64, usize)> = (EDGES.windows(2))
        .filter_map(|edges| match edges {
            &[from, to] => Some((to, all.iter().filter(|us| (from..to).contains(*us)).count())),
            _ => None,
        })
        .collect();
    let first = counted.iter().position(|(_, count)| *count > 0).unwrap_or_default();
    let last = counted.iter().rposition(|(_, count)| *count > 0).unwrap_or_default();
    let shown = counted.get(first..=last).unwrap_or_default();
    let most = float(shown.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1));
    let wide = 400.0 / float(shown.len().max(1));
    let mut drawing = Drawing::new(420.0, TALL + 50.0);
    for (n, (to, count)) in shown.iter().enumerate() {
        let tall = float(*count) / most * TALL;
        let left = 10.0 + float(n) * wide;
        drawing.rect(
            "bar",
            [left + 1.0, 20.0 + TALL - tall, wide - 2.0, tall],
            &format!("under {to} µs: {count}"),
        );
        drawing.text(Anchor::Middle, [left + wide / 2.0, 14.0 + TALL - tall], &count.to_string());
        let edge = if *to >= 1e3 { format!("{}k", to / 1e3) } else { to.to_string() };
        drawing.text(Anchor::Middle, [left + wide / 2.0, TALL + 38.0], &edge);
    }
    drawing.done("Latency histogram")
}
