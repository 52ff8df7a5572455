//! `vestibule chat`, piped: it goes on where it was, with an engine of its own and with a server.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{Folder, TestDb, on_sqlite};
use crate::support::server::{Server, command, with_store};

/// What a chat wrote, and its exit code.
struct Ended {
    output: String,
    errors: String,
    code: Option<i32>,
}

/// Chats with these lines until the input ends.
async fn chat(folder: &Path, db: &TestDb, (arguments, lines): (&[&str], &str)) -> Ended {
    let mut command = command(folder, &[&["chat"], arguments].concat());
    with_store(&mut command, &db.options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // A chat that cannot start reads nothing, and its pipe is closed.
    let _closed = input.write_all(lines.as_bytes()).await;
    drop(input);
    let ended = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { output: text(ended.stdout), errors: text(ended.stderr), code: ended.status.code() }
}

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    folder
}

const PHONE_ASKED: &str = "What is your phone number?";

/// Where the chat keeps its tokens: beside the database.
fn kept(db: &TestDb) -> std::path::PathBuf {
    db.file.as_deref().unwrap().with_file_name("chat.json")
}

#[tokio::test]
async fn it_goes_on_where_it_was() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let first = chat(folder.path(), &db, (&[], "I want to log in\n")).await;
        assert_eq!(first.code, Some(0), "{}", first.errors);
        assert!(first.output.contains(&format!("\n< {PHONE_ASKED}")), "{}", first.output);
        let mode = std::fs::metadata(kept(&db)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = chat(folder.path(), &db, (&[], "+1 415 555 2671\n/quit\nnot read\n")).await;
        assert!(again.output.starts_with(&format!("You were here: {PHONE_ASKED}")), "{}", again.output);
        assert_eq!(again.output.matches("  [sms to +1•••••••2671] Your Vestibule code is ").count(), 1);
        assert!(!again.output.contains("not read"));
        // What was sent before is nobody's news.
        let third = chat(folder.path(), &db, (&[], "/new\nhi\n")).await;
        assert!(!third.output.contains("[sms"), "{}", third.output);
        assert!(third.output.contains("This is a new device."));
    })
    .await;
}

#[tokio::test]
async fn a_refused_token_makes_a_new_device() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        chat(folder.path(), &db, (&[], "")).await;
        let written = std::fs::read_to_string(kept(&db)).unwrap();
        let (start, _) = written.split_once("dev_").unwrap();
        std::fs::write(kept(&db), format!("{start}dev_nobodys\",\"sessionToken\":\"ses_nobodys\"}}}}"))
            .unwrap();
        let ended = chat(folder.path(), &db, (&[], "log in\n")).await;
        assert!(ended.output.starts_with("This device is not known any more"), "{}", ended.output);
        assert!(ended.output.contains(PHONE_ASKED));

        std::fs::write(kept(&db), "nonsense").unwrap();
        let ended = chat(folder.path(), &db, (&[], "log in\n")).await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.errors.contains("remove it to begin anew"), "{}", ended.errors);
    })
    .await;
}

#[tokio::test]
async fn it_speaks_with_a_server() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let server = Server::start(folder.path(), &db, &[]).await;
        let with_server: &[&str] = &["--url", &server.url];
        let ended = chat(folder.path(), &db, (with_server, "log in\n+1 415 555 2671\n/logout\n")).await;
        assert_eq!(ended.code, Some(0), "{}", ended.errors);
        let code = ended.output.split("Your Vestibule code is ").nth(1).unwrap()[..6].to_owned();
        assert!(ended.output.ends_with("You are not logged in.\n"), "{}", ended.output);

        let lines = format!("{code}\nMaria Lopez\n/logout\nlog in\n");
        let ended = chat(folder.path(), &db, (with_server, &lines)).await;
        assert!(ended.output.starts_with("You were here: Verification code sent to"), "{}", ended.output);
        assert!(ended.output.contains("< Welcome, Maria Lopez!"), "{}", ended.output);
        assert!(!ended.output.contains("[sms"), "what was sent before is nobody's news: {}", ended.output);
        let (_, after) = ended.output.split_once("You're logged out.").unwrap();
        assert!(after.contains(PHONE_ASKED), "{after}");
        assert!(std::fs::read_to_string(kept(&db)).unwrap().contains(&server.url));

        let url = server.url.clone();
        server.kill().await;
        let ended = chat(folder.path(), &db, (&["--url", &url], "hi\n")).await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.errors.contains(&format!("{url} does not answer")), "{}", ended.errors);
        let ended = chat(folder.path(), &db, (&["--url", "nowhere"], "")).await;
        assert_eq!((ended.code, ended.errors.contains("`nowhere` is no address")), (Some(1), true));
    })
    .await;
}

/// What the sign-in says of itself where no code is typed.
const REMINDED: &str = "Are you still waiting for your code? It may take a moment longer to arrive. Say \"resend\" for a new one, \
                        or \"cancel\" to stop.";
const STOPPED: &str = "All right, I've stopped. Say \"log in\" whenever you want to begin again.";

/// A server that reminds of a code after two minutes, and has just sent one to whoever chats.
async fn asked_for_a_code(folder: &Path, db: &TestDb) -> TestApp {
    let app = TestApp::start_with(db, |config| config.graph.silence_seconds = 120).await;
    let ended = chat(folder, db, (&["--url", &app.base], &format!("log in with {PHONE}\n"))).await;
    assert!(ended.output.contains("< Verification code sent to"), "{}", ended.output);
    app
}

/// Two minutes pass, and the server speaks up.
async fn is_reminded(app: &TestApp) {
    app.advance(120);
    until(async || app.count("outbox WHERE kind = 'timer'").await == 0).await;
}

#[tokio::test]
async fn what_was_said_while_it_was_away_is_shown_once() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let app = asked_for_a_code(folder.path(), &db).await;
        is_reminded(&app).await;
        let ended = chat(folder.path(), &db, (&["--url", &app.base], "\n\ncancel\n\n")).await;
        let expected = format!("You were here: {REMINDED}\n> \n> \n> cancel\n< {STOPPED}\n> \n");
        assert_eq!(ended.output, expected, "{}", ended.errors);
        app.finish().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_said_after_it_came_back_is_shown_once() {
    on_sqlite(async |db: TestDb| {
        let folder = folder();
        let app = asked_for_a_code(folder.path(), &db).await;
        let mut command = command(folder.path(), &["chat", "--url", &app.base]);
        with_store(&mut command, &db.options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, mut output) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut shown = String::new();
        output.read_line(&mut shown).await.unwrap();
        assert!(shown.starts_with("You were here: Verification code sent to"), "{shown}");

        is_reminded(&app).await;
        input.write_all(b"\n\ncancel\n\n").await.unwrap();
        drop(input);
        shown.clear();
        output.read_to_string(&mut shown).await.unwrap();
        assert_eq!(shown, format!("> \n< {REMINDED}\n> \n> cancel\n< {STOPPED}\n> \n"));
        assert!(child.wait().await.unwrap().success());
        app.finish().await;
    })
    .await;
}
