//! Redirects.

use vestibule::fetch::{Error, HeaderValue, Method, Trust, header};

use super::{fetch, get, person, refused};
use crate::support::site::{Act, Site};

// SEC-54
#[tokio::test]
async fn a_redirect_does_not_lead_to_where_the_address_itself_must_not() {
    let inner = Site::start(|_, _| Act::ok("secret")).await;
    let port = inner.port();
    for location in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://0177.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://LOCALHOST:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://10.0.0.1/".to_owned(),
    ] {
        let to = location.clone();
        let outer = Site::start(move |_, _| Act::redirect(302, &to)).await;
        let fetch = fetch(&[&outer.host]);
        let error = fetch.send(get(person(&fetch, &outer.url("/")))).await.unwrap_err();
        let Error::Redirected(inside) = &error else { panic!("{location}: {error:?}") };
        assert!(refused(inside).is_some(), "{location}: {error:?}");
        assert!(error.was_sent(), "the first host has got it");
    }
    for location in
        ["ftp://a.example/", "file:///etc/passwd", "https://ann:pass@a.example/", "https://", "http://["]
    {
        let outer = Site::start(move |_, _| Act::redirect(302, location)).await;
        let fetch = fetch(&[&outer.host]);
        let error = fetch.send(get(person(&fetch, &outer.url("/")))).await.unwrap_err();
        let Error::Redirected(inside) = error else { panic!("{location}: {error:?}") };
        assert!(matches!(*inside, Error::BadUrl(_)), "{location}: {inside:?}");
    }
    assert_eq!(inner.connections(), 0);
}

// SEC-54
#[tokio::test]
async fn a_chain_has_an_end() {
    let site = Site::start(|before, _| Act::redirect(302, &format!("/{before}"))).await;
    let fetch = fetch(&[&site.host]);
    let asked = || get(person(&fetch, &site.url("/")));
    let request = vestibule::fetch::Request { redirects: 3, ..asked() };
    assert_eq!(fetch.send(request).await.unwrap_err(), Error::TooManyRedirects);
    assert_eq!(site.requests().len(), 4);
    // Whoever follows none gets the redirect itself.
    let request = vestibule::fetch::Request { redirects: 0, ..asked() };
    let answer = fetch.send(request).await.unwrap();
    assert_eq!((answer.status, answer.headers.get("location").unwrap().as_bytes()), (302, &b"/4"[..]));
}

/// What a request says to the host that its credentials are for.
const SAID: &[(&str, &str)] = &[
    ("authorization", "Bearer hunter2"),
    ("cookie", "a=hunter2"),
    ("proxy-authorization", "Basic hunter2"),
    ("private-token", "hunter2"),
    ("x-api-key", "hunter2"),
    ("accept", "text/plain"),
];

// SEC-54
#[tokio::test]
async fn credentials_stay_with_the_host_that_they_are_for() {
    let other = Site::start(|before, _| if before == 0 { Act::ok("other") } else { Act::Reset }).await;
    let away = other.url("/away");
    let first =
        Site::start(
            move |_, request| {
                if request.contains("/here") { Act::ok("here") } else { Act::redirect(307, &away) }
            },
        )
        .await;
    let back = first.url("/here");
    let around = Site::start(move |_, _| Act::redirect(307, &back)).await;
    let fetch = fetch(&[&first.host, &other.host, &around.host]);
    let said = |to: &str| {
        let mut request = get(person(&fetch, to));
        request.method = Method::POST;
        request.body = b"asked".to_vec();
        for (name, value) in SAID {
            request.headers.insert(*name, HeaderValue::from_static(value));
        }
        request
    };
    assert_eq!(fetch.send(said(&first.url("/"))).await.unwrap().body, b"other");
    assert_eq!(first.requests()[0].matches("hunter2").count(), 5);
    let got = other.requests().remove(0);
    assert!(!got.contains("hunter2"), "{got}");
    assert!(
        got.starts_with("POST /away ") && got.contains("accept: text/plain") && got.ends_with("asked"),
        "{got}"
    );

    // Not even back where they are for, since it was the other host that chose the path there.
    assert_eq!(fetch.send(said(&around.url("/"))).await.unwrap().body, b"here");
    let got = first.requests().remove(1);
    assert!(!got.contains("hunter2"), "{got}");
}

// SEC-54
#[tokio::test]
async fn on_the_same_host_they_go_along() {
    let site =
        Site::start(|before, _| if before == 0 { Act::redirect(308, "next?a=1") } else { Act::ok("") }).await;
    let fetch = fetch(&[&site.host]);
    let mut request = get(person(&fetch, &site.url("/first/one")));
    request.headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
    assert_eq!(fetch.send(request).await.unwrap().status, 200);
    let got = site.requests().remove(1);
    assert!(got.starts_with("GET /first/next?a=1 ") && got.contains("Bearer hunter2"), "{got}");
}

#[tokio::test]
async fn which_redirects_keep_the_body() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "asked"), (308, "POST", "asked")]
    {
        let answer =
            move |before, _: &str| if before == 0 { Act::redirect(status, "/to") } else { Act::ok("") };
        let site = Site::start(answer).await;
        let fetch = fetch(&[&site.host]);
        let mut request = get(person(&fetch, &site.url("/")));
        request.method = Method::POST;
        request.body = b"asked".to_vec();
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(fetch.send(request).await.unwrap().status, 200);
        let got = site.requests().remove(1);
        assert!(got.starts_with(&format!("{method} /to ")), "{status}: {got}");
        assert_eq!(got.split_once("\r\n\r\n").unwrap().1, body, "{status}");
        assert_eq!(got.contains("content-type"), !body.is_empty(), "{status}");
    }
}

// SEC-54
#[tokio::test]
async fn what_an_operator_named_does_not_send_us_elsewhere() {
    let other = Site::start(|_, _| Act::ok("other")).await;
    let away = other.url("/");
    let site = Site::start(move |before, _| match before {
        0 => Act::redirect(302, "/same"),
        1 => Act::ok("same"),
        _ => Act::redirect(302, &away),
    })
    .await;
    let fetch = fetch(&[]);
    let to = fetch.endpoint(&site.url("/"), Trust::Operator).unwrap();
    assert_eq!(fetch.send(get(to.clone())).await.unwrap().body, b"same");
    let Error::Redirected(inside) = fetch.send(get(to)).await.unwrap_err() else { panic!() };
    assert_eq!(refused(&inside), Some("127.0.0.1"));
    assert_eq!(other.connections(), 0);
}
