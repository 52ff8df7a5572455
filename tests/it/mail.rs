//! E-mails through a real mail server, with its faults and with those of whoever sits on the way.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;
use vestibule::app::{App, Doubles};
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::mail::{Mail, Message, Options, Smtp, Verdict};
use vestibule::model::{EffectId, Email, Profile, Randomness, Secret};
use vestibule::telemetry::{self, Lines};

use crate::support::app::{PHONE, TestApp, config, until};
use crate::support::db::{Folder, TestDb, on_sqlite};
use crate::support::log::Log;
use crate::support::samples::at;
use crate::support::sms::TestSms;
use crate::support::smtp::{SmtpServer, USER, headers, part};

const SUBJECT: &str = "Your Vestibule code (reference KT)";
const TEXT: &str = "Tu código es 123456 (reference KT).\n\nNo lo compartas.";

fn sender(options: &Options) -> Smtp {
    Smtp::new(options, Arc::new(MovableClock::fixed(at(0)))).unwrap().unwrap()
}

fn effect(name: &str) -> EffectId {
    EffectId::new(at(0), &mut Randomness::seeded(5).stream(name))
}

fn message(to: &str) -> Message {
    let html = "<!doctype html>\n<html lang=\"es\"><body><p>Tu código es <strong>123456</strong></p></body></html>\n";
    Message {
        effect: effect(to),
        to: Email::parse(to).unwrap(),
        subject: SUBJECT.to_owned(),
        text: Secret::new(TEXT),
        html: Secret::new(html),
    }
}

fn accepted(message: &Message) -> Verdict {
    Verdict::Accepted { provider_id: format!("<{}@vestibule.test>", message.effect) }
}

fn later(code: &str) -> Verdict {
    Verdict::Later { code: code.to_owned(), after: None }
}

fn refused(code: &str) -> Verdict {
    Verdict::Refused { code: code.to_owned() }
}

fn unknown(code: &str) -> Verdict {
    Verdict::Unknown { code: code.to_owned() }
}

/// Starts a server with those arguments, or ends the test where there can be none.
macro_rules! server {
    ($($argument:expr),* $(,)?) => {{
        let name = concat!(module_path!(), ":", line!());
        let Some(server) = SmtpServer::start(name, &[$($argument),*]).await else { return };
        server
    }};
}

#[tokio::test]
async fn a_message_arrives_whole_and_the_connection_is_kept() {
    let ways = [("starttls", "smtp", ""), ("whole", "smtps", ""), ("none", "smtp", "?tls=none")];
    for (tls, scheme, query) in ways {
        let server = server!("--tls", tls, "--auth");
        let smtp = sender(&server.options(&format!("{scheme}://{USER}@"), query));
        let message = message("Anna.K@example.com");
        assert_eq!(smtp.send(&message).await, accepted(&message), "{tls}");
        assert_eq!(smtp.send(&message).await, accepted(&message), "{tls}");
        let told = server.end().await;
        let events = ["connected", "sign_in", "message"].map(|event| told.all(event).len());
        assert_eq!(events, [1, 1, 2], "{tls}");
        for taken in told.messages() {
            assert_eq!(taken["from"], "codes@vestibule.test");
            assert_eq!(taken["to"], serde_json::json!(["Anna.K@example.com"]));
            assert_eq!(taken["tls"], tls != "none");
            assert_eq!(taken["user"], "codes@example.com");
            let date = format!("{}", at(0).strftime("%a, %d %b %Y %H:%M:%S"));
            let one = |name: &str| match headers(taken, name).as_slice() {
                [value] => (*value).to_owned(),
                all => panic!("{name}: {all:?}"),
            };
            assert_eq!(one("From"), "Vestibule <codes@vestibule.test>");
            assert_eq!((one("To").as_str(), one("Subject").as_str()), ("Anna.K@example.com", SUBJECT));
            assert_eq!(one("Message-ID"), format!("<{}@vestibule.test>", message.effect));
            assert!(one("Date").starts_with(&date), "{}, and not {date}", one("Date"));
            assert_eq!(one("Auto-Submitted"), "auto-generated");
            assert_eq!(
                (one("X-Auto-Response-Suppress").as_str(), one("MIME-Version").as_str()),
                ("All", "1.0")
            );
            assert!(one("Content-Type").starts_with("multipart/alternative"));
            let kinds = taken["parts"].as_array().unwrap().iter().map(|part| part[0].as_str().unwrap());
            assert_eq!(kinds.collect::<Vec<_>>(), ["text/plain", "text/html"], "the best one last");
            assert_eq!(part(taken, "text/plain").trim_end(), TEXT);
            assert_eq!(part(taken, "text/html").trim_end(), message.html.expose().trim_end());
        }
    }
}

// SEC-38
#[tokio::test]
async fn each_fault_has_its_verdict_and_no_message_comes_twice() {
    let table = [
        ("anna", None, 1),
        ("rcpt451", Some(later("smtp_451")), 0),
        ("rcpt550", Some(refused("smtp_550")), 0),
        ("data554", Some(refused("smtp_554")), 0),
        ("data451", Some(later("smtp_451")), 0),
        // Before the server asks for the words nothing was handed over, whatever becomes of the connection.
        ("rude", Some(later("unreachable")), 0),
        ("silent", Some(later("unreachable")), 0),
        // From then on they may have been taken, as they were here.
        ("slow", Some(unknown("late")), 1),
        ("cut", Some(unknown("cut_off")), 1),
        ("odd", Some(unknown("cut_off")), 1),
        ("anna", None, 1),
    ];
    let mut server = server!();
    let options = Options { timeout_ms: 2_500, ..server.options("smtp://", "?tls=none") };
    let smtp = sender(&options);
    let mut taken = 0;
    for (name, verdict, messages) in &table {
        let message = message(&format!("{name}@example.com"));
        let expected = verdict.clone().unwrap_or_else(|| accepted(&message));
        assert_eq!(smtp.send(&message).await, expected, "{name}");
        taken += messages;
        server.hear("recipient").await;
    }
    let told = server.end().await;
    assert_eq!(told.messages().len(), taken);
    assert_eq!(told.all("recipient").len(), table.len(), "none was said again by itself");
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_and_its_message_not_lost() {
    // It was closed; it was closed with an answer that stands for no command; nobody answers on it any more.
    for death in ["last", "bye", "mute"] {
        let mut server = server!();
        let options = Options { timeout_ms: 6_000, ..server.options("smtp://", "?tls=none") };
        let smtp = sender(&options);
        let first = message(&format!("{death}@example.com"));
        assert_eq!(smtp.send(&first).await, accepted(&first));
        server.hear("ready").await;
        let second = message("anna@example.com");
        assert_eq!(smtp.send(&second).await, accepted(&second), "{death}");
        let told = server.end().await;
        let to: Vec<&Value> = told.messages().iter().map(|message| &message["to"][0]).collect();
        assert_eq!(to, [&Value::from(first.to.as_str()), &Value::from("anna@example.com")]);
        assert_eq!(told.all("connected").len(), 2, "{death}");
    }
}

#[tokio::test]
async fn many_at_once_share_a_few_connections() {
    let server = server!();
    let smtp = sender(&Options { connections: 2, ..server.options("smtp://", "?tls=none") });
    let messages: Vec<Message> = (0..20).map(|n| message(&format!("anna{n}@example.com"))).collect();
    let sent = futures::future::join_all(messages.iter().map(|message| smtp.send(message))).await;
    assert_eq!(sent, messages.iter().map(accepted).collect::<Vec<_>>());
    let told = server.end().await;
    assert_eq!((told.messages().len(), told.all("connected").len()), (20, 2));
}

/// What is the operator's to put right costs no message: it may come later.
#[tokio::test]
async fn what_the_operator_can_put_right_is_later() {
    let whole = |server: &SmtpServer, user: &str| server.options(&format!("smtps://{user}@"), "");
    let server = server!("--tls", "whole", "--auth");
    let message = message("anna@example.com");
    assert_eq!(sender(&whole(&server, "codes%40example.com:no")).send(&message).await, later("smtp_535"));
    // The server wants somebody signed in, and nobody is named.
    assert_eq!(sender(&server.options("smtps://", "")).send(&message).await, later("smtp_530"));
    let told = server.end().await;
    assert_eq!((told.messages().len(), told.all("sign_in").len()), (0, 1));

    let server = server!("--tls", "whole", "--auth", "--sign-in-later");
    assert_eq!(sender(&whole(&server, USER)).send(&message).await, later("smtp_454"));
    let server = server!("--sender-refused");
    assert_eq!(sender(&server.options("smtp://", "?tls=none")).send(&message).await, later("smtp_550"));
    // A server where nobody can sign in.
    let server = server!("--tls", "whole");
    assert_eq!(sender(&whole(&server, USER)).send(&message).await, later("no_auth"));
    assert_eq!(server.end().await.messages().len(), 0);
}

#[tokio::test]
async fn where_nobody_listens_it_is_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let options = |url: &str| Options {
        smtp_url: Some(format!("{url}:{port}").parse().unwrap()),
        from: Some("codes@vestibule.test".parse().unwrap()),
        ..Options::default()
    };
    for url in ["smtps://127.0.0.1", "smtp://localhost"] {
        assert_eq!(
            sender(&options(url)).send(&message("anna@example.com")).await,
            later("unreachable"),
            "{url}"
        );
    }
}

/// Whoever sits on the way gets neither the password nor a message, and cannot answer in the server's stead.
#[tokio::test]
async fn nobody_on_the_way_reads_or_answers() {
    let message = message("anna@example.com");
    let upgraded = |server: &SmtpServer| server.options(&format!("smtp://{USER}@"), "");
    // The offer of STARTTLS was taken out.
    let stripped = server!();
    assert_eq!(sender(&upgraded(&stripped)).send(&message).await, later("tls"));
    // An answer was put behind that to STARTTLS, to be believed as if it had come under TLS.
    let injected = server!("--tls", "starttls", "--auth", "--inject");
    assert_eq!(sender(&upgraded(&injected)).send(&message).await, later("tls"));
    // The certificate is nobody's whom this machine trusts, or another server's.
    let strange = server!("--tls", "starttls", "--auth");
    assert_eq!(sender(&Options { ca_file: None, ..upgraded(&strange) }).send(&message).await, later("tls"));
    let whole = server!("--tls", "whole", "--auth");
    let options = whole.options(&format!("smtps://{USER}@"), "");
    assert_eq!(sender(&Options { ca_file: None, ..options.clone() }).send(&message).await, later("tls"));
    let mut other = options.clone();
    other.smtp_url = Some(format!("smtps://{USER}@127.0.0.1:{}", whole.port).parse().unwrap());
    assert_eq!(sender(&other).send(&message).await, later("tls"));
    for server in [&upgraded(&strange), &options] {
        assert_eq!(sender(server).send(&message).await, accepted(&message), "nothing else is wrong with it");
    }
    for (server, messages) in [(stripped, 0), (injected, 0), (strange, 1), (whole, 1)] {
        let told = server.end().await;
        let events = ["sign_in", "recipient", "message"].map(|event| told.all(event).len());
        assert_eq!(events, [messages; 3]);
    }
}

// SEC-43: nothing of this is in a message, whose words are all ours; and if it were, it would be words.
#[tokio::test]
async fn words_stay_words() {
    let attacks = [
        "one\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\nSubject: two\r\n\r\nx\r\n.",
        "one\n.\nMAIL FROM:<eve@example.com>\n",
        "one\n.\r\nQUIT\r\n",
        "one\r.\rtwo",
        ".\n..\n.start\n\n.",
        "x\r\nBcc: eve@example.com\r\nSubject: two\r\n\r\nbody",
        "\u{202e}edoc\u{202c} \u{200b}\u{feff}",
        "--=_x--\r\nContent-Type: text/html\r\n\r\n<script>",
        "\0\u{7}\u{1b}[2J",
    ];
    let server = server!();
    let smtp = sender(&server.options("smtp://", "?tls=none"));
    for (n, attack) in attacks.iter().enumerate() {
        let mut message = message("anna@example.com");
        message.effect = effect(&format!("attack {n}"));
        message.subject = format!("S {attack}");
        message.text = Secret::new(*attack);
        message.html = Secret::new(format!("<p>{attack}</p>"));
        assert_eq!(smtp.send(&message).await, accepted(&message), "{attack:?}");
    }
    let told = server.end().await;
    assert_eq!((told.messages().len(), told.all("recipient").len()), (attacks.len(), attacks.len()));
    let lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
    for (taken, attack) in told.messages().into_iter().zip(attacks) {
        assert_eq!(taken["to"], serde_json::json!(["anna@example.com"]));
        let names: Vec<&str> =
            taken["headers"].as_array().unwrap().iter().map(|header| header[0].as_str().unwrap()).collect();
        let ours = [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Date",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, ours, "{attack:?}");
        assert_eq!(taken["parts"].as_array().unwrap().len(), 2, "{attack:?}");
        assert_eq!(taken["bare"], false, "a line end of its own making: {attack:?}");
        assert_eq!(lines(&part(taken, "text/plain")), lines(attack));
    }
}

#[tokio::test]
async fn no_log_line_has_an_address_a_subject_or_the_password() {
    let server = server!("--tls", "whole", "--auth");
    let refusing = server!("--sender-refused");
    let log = Log::default();
    let sink = log.clone();
    let lines = Lines::new(move || sink.clone(), Arc::new(MovableClock::fixed(at(0))), str::to_owned);
    let subscriber = tracing_subscriber::registry().with(telemetry::filter("trace").unwrap()).with(lines);
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        let good = sender(&server.options(&format!("smtps://{USER}@"), ""));
        for name in ["anna", "rcpt550", "rcpt451", "cut"] {
            let _verdict = good.send(&message(&format!("{name}@example.com"))).await;
        }
        let message = message("anna@example.com");
        let bad = sender(&server.options("smtps://codes%40example.com:hunter2@", ""));
        assert_eq!(bad.send(&message).await, later("smtp_535"));
        let bad = sender(&refusing.options("smtp://", "?tls=none"));
        assert_eq!(bad.send(&message).await, later("smtp_550"));
        tracing::info!("{good:?} {bad:?} {message:?}");
    }
    let log = log.text();
    for told in ["mail.smtp_url", "smtp_535", "mail.from", "smtp_550"] {
        assert!(log.contains(told), "an operator should read of {told}: {log}");
    }
    // The message's own line has the subject; it stands for what no module logs.
    let log = log.replace(SUBJECT, "");
    for secret in ["example.com", "anna@", "KT", "123456", "hunter2", "ss:%", "No such mailbox", "rcpt"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_broken_file_of_certificates_stops_the_start() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let told = |name: &str, text: Option<&str>| {
        let path = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let options = Options {
            smtp_url: Some("smtps://mail.example.com".parse().unwrap()),
            from: Some("codes@example.com".parse().unwrap()),
            ca_file: Some(path),
            ..Options::default()
        };
        Smtp::new(&options, Arc::new(MovableClock::fixed(Timestamp::UNIX_EPOCH))).unwrap_err().to_string()
    };
    assert!(told("absent.pem", None).contains("absent.pem cannot be read"));
    assert!(told("empty.pem", Some("")).contains("empty.pem has no certificate"));
    let broken = "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n";
    assert!(told("broken.pem", Some(broken)).contains("broken.pem has no certificate"));
}

#[tokio::test]
async fn a_service_without_a_mail_server_does_not_start() {
    on_sqlite(async |db: TestDb| {
        let doubles = Doubles { sms: Some(Arc::new(TestSms::default())), ..Doubles::default() };
        let config = Config { profile: Profile::Prod, ..config(&db) };
        let told = App::build(config, doubles).await.unwrap_err().to_string();
        assert_eq!(told, "the profile `prod` needs a sender of e-mails: set mail.smtp_url and mail.from");
    })
    .await;
}

// D5
#[tokio::test]
async fn a_sign_in_by_email_goes_through_a_real_server() {
    let mut server = server!("--tls", "starttls", "--auth");
    let mail = server.options(&format!("smtp://{USER}@"), "");
    on_sqlite(async |db: TestDb| {
        let app = TestApp::start_with(&db, |config| config.mail = mail).await;
        app.sign_in(PHONE).await;
        app.verified_email(PHONE, "anna@example.com").await;
        app.advance(61);
        let anna = app.awaiting_code(PHONE).await;
        app.advance(61);
        let asked = app.say(&anna, "by e-mail").await;
        assert_eq!(asked.action(), "otp_sent");
        let reference = asked.data()["response"]["data"]["reference"].as_str().unwrap();
        let taken = server.hear("message").await;
        assert_eq!(taken["to"], serde_json::json!(["anna@example.com"]));
        assert_eq!(headers(&taken, "Subject"), [format!("Your Vestibule code (reference {reference})")]);
        let (text, html) = (part(&taken, "text/plain"), part(&taken, "text/html"));
        let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).unwrap();
        assert!(text.contains(&format!("(reference {reference})")), "{text}");
        assert!(html.contains("<html lang=\"en\">") && html.contains(&format!(">{code}</strong>")), "{html}");
        until(async || app.count("outbox WHERE kind = 'email' AND status = 'sent'").await == 1).await;
        let ids = app.texts("SELECT provider_id FROM outbox WHERE kind = 'email'").await;
        assert_eq!(ids, headers(&taken, "Message-ID"));
        assert_eq!(app.say(&anna, code).await.action(), "login_successful");
        app.finish().await;
    })
    .await;
    assert_eq!(server.end().await.messages().len(), 1);
}
