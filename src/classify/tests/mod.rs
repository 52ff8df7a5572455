//! The cascade as a whole.

mod awaited;
mod control;
mod examples;
mod human;
mod properties;
mod several;
mod wanted;

use std::sync::LazyLock;

use super::{Classifier, Input, Options, Training};
use crate::graph;
use crate::model::{Assurance, Region, Route, Slot, SubIntent, Understanding};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    Classifier::new(&Options { region: Region::parse("US"), ..Options::default() }).unwrap()
});

fn understand(text: &str, awaiting: Option<Slot>, active: Option<SubIntent>) -> Understanding {
    CLASSIFIER.understand(&Input { text, awaiting, active: active.map(Route::User), ..Input::default() })
}

fn idle(text: &str) -> Understanding {
    understand(text, None, None)
}

#[test]
fn a_threshold_that_is_no_probability_is_refused() {
    for accept in [-0.1, 1.1, f64::NAN] {
        assert!(Classifier::new(&Options { accept, ..Options::default() }).is_err(), "{accept}");
    }
}

#[test]
fn a_graph_with_examples_is_a_route_of_its_own() {
    let graph = |name: &str, nodes: &str, rest: &str| {
        let text = format!("[graph]\nname = \"{name}\"\nversion = 1\nentry = \"a\"\n{nodes}{rest}");
        graph::Source::graph(name, text)
    };
    let says =
        ["book a haircut", "I need an appointment at the barber", "haircut on Friday", "a beard trim please"];
    let learned = |says: &[&str]| {
        let lines = says.iter().map(|text| format!("[[intent.example]]\ntext = \"{text}\"\nlang = \"en\"\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let stop = "[node.a]\nhandler = \"stop\"\n";
    let root = "[node.a]\nagent = \"barber\"\non = { done = \"b\" }\n[node.b]\nagent = \"authenticator\"\non = { done = \"c\" }\n[node.c]\nhandler = \"stop\"\n";
    let sources = [
        graph("orchestrator", root, ""),
        graph("barber", stop, &learned(&says)),
        graph("authenticator", stop, &learned(&["open sesame barrel roll"])),
    ];
    let stop = graph::HandlerSpec { name: "stop", needs: Assurance::Anonymous, outcomes: &[] };
    let catalog =
        graph::Catalog { handlers: vec![stop], root: "orchestrator".into(), ..graph::Catalog::default() };
    let graphs = graph::load(&sources, &catalog).unwrap();
    let training = Training { graphs: Some(&graphs), cache: None };
    let classifier = Classifier::trained(&Options::default(), training).unwrap();
    let route = |text: &str| classifier.understand(&Input { text, ..Input::default() }).route;
    assert_eq!(route("book me a haircut for Friday"), Route::Agent("barber".into()));
    assert_eq!(route("open sesame barrel roll"), Route::User(SubIntent::Authenticate));
    assert_eq!(route("what's the weather"), Route::OutOfScope);
}
