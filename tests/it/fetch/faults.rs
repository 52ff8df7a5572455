//! What goes wrong on the way, and whether the request may have been sent.

use std::time::Duration;

use tokio::net::TcpListener;
use vestibule::fetch::{Error, Fetch, Request, Trust};

use super::{Names, fetch, get, options, person};
use crate::support::site::{Act, Site};

/// What comes of asking a server that does this.
async fn asked(act: Act) -> Result<Vec<u8>, Error> {
    let site = Site::start(move |_, _| act.clone()).await;
    let fetch = fetch(&[&site.host]);
    let answer = fetch.send(get(person(&fetch, &site.url("/")))).await;
    assert_eq!(site.requests().len(), 1, "it was sent, and once");
    answer.map(|answer| answer.body)
}

// SEC-54
#[tokio::test]
async fn an_answer_is_read_up_to_its_bound() {
    let whole = "x".repeat(1024);
    assert_eq!(asked(Act::ok(&whole)).await.unwrap().len(), 1024);
    assert_eq!(asked(Act::ok(&format!("{whole}x"))).await.unwrap_err(), Error::TooLarge);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(100_000));
    let error = asked(Act::SayAndHang(endless)).await.unwrap_err();
    assert_eq!((error.was_sent(), error), (true, Error::TooLarge));
    let packed = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc";
    assert_eq!(asked(Act::Say(packed.to_owned())).await.unwrap(), b"abc", "nothing is unpacked");
}

#[tokio::test]
async fn whoever_says_nothing_or_stops_is_late() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"] {
        let site = Site::start(|_, _| Act::SayAndHang(said.to_owned())).await;
        let fetch = fetch(&[&site.host]);
        let request = Request { timeout: Duration::from_millis(300), ..get(person(&fetch, &site.url("/"))) };
        let error = fetch.send(request).await.unwrap_err();
        assert_eq!((error.was_sent(), error), (true, Error::Late));
    }
}

#[tokio::test]
async fn whoever_breaks_off_may_have_got_it() {
    for act in [
        Act::Reset,
        Act::SayAndClose(String::new()),
        Act::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_owned()),
        Act::SayAndClose("SSH-2.0-x\r\n\r\n".to_owned()),
    ] {
        let error = asked(act.clone()).await.unwrap_err();
        assert_eq!((error.was_sent(), error), (true, Error::Broken), "{act:?}");
    }
}

#[tokio::test]
async fn where_nobody_is_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = Site::start(|_, _| Act::ok("")).await;
    let names = Names::of(&[]);
    let fetch = Fetch::with_resolver(&options(&["nowhere.test"]), names).unwrap();
    for url in
        [format!("http://{closed}/"), format!("https://{}/", plain.host), "https://nowhere.test/".to_owned()]
    {
        let error = fetch.send(get(fetch.endpoint(&url, Trust::Operator).unwrap())).await.unwrap_err();
        assert_eq!((error.was_sent(), error), (false, Error::Unreachable), "{url}");
    }
}

#[tokio::test]
async fn a_redirect_to_nobody_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let location = format!("http://{closed}/");
    let site = Site::start(move |_, _| Act::redirect(307, &location)).await;
    let fetch = fetch(&[&site.host, &closed]);
    let error = fetch.send(get(person(&fetch, &site.url("/")))).await.unwrap_err();
    assert_eq!((error.was_sent(), error), (true, Error::Redirected(Box::new(Error::Unreachable))));
}

// SEC-54
#[tokio::test]
async fn a_library_s_request_goes_to_its_endpoint_s_host_alone() {
    let site = Site::start(|_, _| Act::ok("here")).await;
    let other = Site::start(|_, _| Act::redirect(302, "/again")).await;
    let fetch = fetch(&[&site.host, &other.host]);
    let to = person(&fetch, &site.url("/base"));
    let drafted = |url: &str| fetch.client(&to).unwrap().get(url).build().unwrap();
    let response = fetch.execute(&to, drafted(&site.url("/elsewhere"))).await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "here");
    let error = fetch.execute(&to, drafted(&other.url("/base"))).await.unwrap_err();
    assert!(matches!(error, Error::NotAllowed { .. }), "{error:?}");
    assert_eq!(other.connections(), 0);
    let to = person(&fetch, &other.url("/"));
    let response = fetch.execute(&to, drafted(&other.url("/"))).await.unwrap();
    assert_eq!((response.status().as_u16(), other.requests().len()), (302, 1));
}
