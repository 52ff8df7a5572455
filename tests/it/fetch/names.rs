//! Names, and what they lead to.

use vestibule::fetch::{Error, Fetch, Trust};

use super::{Names, fetch, get, options, person, refused};
use crate::support::site::{Act, Site};

// SEC-54
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_after_resolution() {
    let inner = Site::start(|_, _| Act::ok("secret")).await;
    let names = Names::of(&[
        ("inner.test", &[&["127.0.0.1"]]),
        ("localhost.", &[&["127.0.0.1"]]),
        ("mapped.test", &[&["::ffff:127.0.0.1"]]),
        ("both.test", &[&["10.0.0.1", "127.0.0.1", "fd00::1"]]),
        ("metadata.test", &[&["169.254.169.254"]]),
    ]);
    let fetch = Fetch::with_resolver(&options(&[]), names).unwrap();
    for name in ["inner.test", "localhost.", "mapped.test", "both.test", "metadata.test"] {
        let to = person(&fetch, &format!("https://{name}:{}/", inner.port()));
        let error = fetch.send(get(to)).await.unwrap_err();
        assert_eq!(refused(&error), Some(name), "{error:?}");
        assert!(!error.was_sent());
    }
    assert_eq!(inner.connections(), 0);
}

// SEC-54
#[tokio::test]
async fn a_name_server_that_changes_its_mind_gains_nothing() {
    // One machine is allowed, and the other stands for what must not be reached. Neither speaks TLS: it is the
    // connections that count.
    let allowed = Site::at("127.0.0.2:0", |_, _| Act::ok("")).await;
    let inner = Site::at(&format!("127.0.0.1:{}", allowed.port()), |_, _| Act::ok("secret")).await;
    let names = Names::of(&[("rebind.test", &[&["127.0.0.2"], &["127.0.0.1"]])]);
    let fetch = Fetch::with_resolver(&options(&["127.0.0.2/32"]), names).unwrap();
    let to = person(&fetch, &format!("https://rebind.test:{}/", allowed.port()));
    assert_eq!(fetch.send(get(to.clone())).await.unwrap_err(), Error::Unreachable);
    assert_eq!((allowed.connections(), inner.connections()), (1, 0));
    // The second look-up is checked like the first.
    let error = fetch.send(get(to)).await.unwrap_err();
    assert_eq!(refused(&error), Some("rebind.test"), "{error:?}");
    assert_eq!((allowed.connections(), inner.connections()), (1, 0));
}

// SEC-54
#[tokio::test]
async fn of_several_addresses_only_those_that_are_allowed_are_called() {
    let allowed = Site::at("127.0.0.2:0", |_, _| Act::ok("")).await;
    let inner = Site::at(&format!("127.0.0.1:{}", allowed.port()), |_, _| Act::ok("secret")).await;
    let names = Names::of(&[("two.test", &[&["127.0.0.1", "127.0.0.2", "::1"]])]);
    let fetch = Fetch::with_resolver(&options(&["127.0.0.2/32"]), names).unwrap();
    let to = person(&fetch, &format!("https://two.test:{}/", allowed.port()));
    assert_eq!(fetch.send(get(to)).await.unwrap_err(), Error::Unreachable);
    assert_eq!((allowed.connections(), inner.connections()), (1, 0));
}

#[tokio::test]
async fn a_host_that_the_operator_names_may_lead_inside() {
    let site = Site::start(|_, _| Act::ok("in-house")).await;
    let names = Names::of(&[("mcp.test", &[&["127.0.0.1"]]), ("other.test", &[&["127.0.0.1"]])]);
    let allow = format!("mcp.test:{}", site.port());
    let fetch = Fetch::with_resolver(&options(&[&allow]), names).unwrap();
    for trust in [Trust::Person, Trust::Operator] {
        let to = fetch.endpoint(&format!("http://MCP.test:{}/", site.port()), trust).unwrap();
        assert_eq!(fetch.send(get(to)).await.unwrap().body, b"in-house");
        let other = fetch.endpoint(&format!("http://other.test:{}/", site.port()), trust).unwrap_err();
        assert_eq!(refused(&other), Some("other.test"));
    }
}

// SEC-54
#[tokio::test]
async fn what_is_called_this_machine_is_this_machine() {
    let site = Site::start(|_, _| Act::ok("here")).await;
    let url = format!("http://localhost:{}/", site.port());
    let here = fetch(&[]);
    let to = here.endpoint(&url, Trust::Operator).unwrap();
    assert_eq!(here.send(get(to)).await.unwrap().body, b"here");
    // A name server that says otherwise would get what is meant to stay here.
    let names = Names::of(&[("localhost", &[&["192.0.2.1"]])]);
    let fetch = Fetch::with_resolver(&options(&[]), names).unwrap();
    let to = fetch.endpoint(&url, Trust::Operator).unwrap();
    assert_eq!(refused(&fetch.send(get(to)).await.unwrap_err()), Some("localhost"));
}
