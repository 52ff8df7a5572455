//! `vestibule graph check --against-store`, by the real binary, on rows that conversations left.

use std::path::Path;

use vestibule::model::Actor;
use vestibule::store::{Conversation, conversations};

use crate::restart::Person;
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::samples::done;
use crate::support::server::{Server, command, with_store};

on_both!(threads: what_becomes_of_stored_conversations_is_told);

fn agent(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/regraph").join(name).display().to_string()
}

/// Runs the check with that agent; gives its exit code and both outputs.
async fn check(folder: &Path, db: &TestDb, name: &str) -> (Option<i32>, String) {
    let mut command = command(folder, &["graph", "check", "--against-store"]);
    with_store(&mut command, &db.options);
    let output = command.env("VESTIBULE__GRAPH__AGENTS", agent(name)).output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), text)
}

/// Says these things one after the other, the last of which must be answered so.
async fn says(server: &Server, texts: &[&str], action: &str) {
    let mut person = Person::new(server).await;
    let (last, before) = texts.split_last().unwrap();
    for text in before {
        person.say_any(server, text).await;
    }
    person.say(server, last, action).await;
}

async fn what_becomes_of_stored_conversations_is_told(db: TestDb) {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let before = agent("before");
    let server = Server::start(folder.path(), &db, &[("VESTIBULE__GRAPH__AGENTS", &before)]).await;
    let begin = ["I want to send something back", "AB-12345", "broken", "yes"];
    says(&server, &begin[..1], "details_requested").await;
    says(&server, &begin[..1], "details_requested").await;
    says(&server, &begin[..2], "details_requested").await;
    says(&server, &begin[..3], "confirmation_requested").await;
    says(&server, &begin, "details_requested").await;
    says(&server, &["I want to send something back", "log me in"], "phone_requested").await;
    assert_eq!(server.interrupt().await, Some(0));

    let (code, told) = check(folder.path(), &db, "before").await;
    assert!(code == Some(0) && told.ends_with("6 conversations are stored; 7 wait as they are\n"), "{told}");
    let (code, told) = check(folder.path(), &db, "after").await;
    let expected = "6 conversations are stored; 1 wait as they are\n\
                    send_back v1 ask_box: 1 pinned\n\
                    send_back v1 ask_order: 2 migrated to ask_order\n\
                    send_back v1 ask_order, set aside: 1 migrated to ask_order\n\
                    send_back v1 ask_sure: 1 restarted\n\
                    send_back v1 ask_why: 1 migrated to ask_reason\n";
    assert!(code == Some(0) && told.ends_with(expected), "{told}");

    let server = Server::start(folder.path(), &db, &[("VESTIBULE__GRAPH__AGENTS", &before)]).await;
    says(&server, &[begin[0], begin[1], begin[2], "no"], "details_requested").await;
    assert_eq!(server.interrupt().await, Some(0));
    let store = db.open().await;
    let all = store.every_conversation(&Actor::System, None, 99).await.unwrap();
    let (first, stranded) = (all[0].clone(), all[6].id.clone());
    let broken = Conversation { state: r#"{"v": 99}"#.to_owned(), ..first.clone() };
    done(&store, vec![conversations::save(&broken, broken.version)]).await;
    store.close().await;

    let (code, told) = check(folder.path(), &db, "after").await;
    assert_eq!(code, Some(1), "{told}");
    for line in [
        "send_back v1 ask_order: 1 migrated to ask_order\n",
        "send_back v1 ask_instead: 1 stranded: write into [stored] of `send_back`: ask_instead = \"NODE\", \"restart\", or \
         \"pinned\" with the former file kept\n",
        "1 cannot be read, whatever the graphs are; their rows are kept\n",
        "one conversation would be stranded\n",
        &format!("  {stranded}\n"),
        &format!("  {}\n", first.id),
    ] {
        assert!(told.contains(line), "{line}\n--\n{told}");
    }
    // What somebody said is nobody's business here.
    assert!(!told.contains("AB-12345"), "{told}");
    // The row that cannot be read is as it was.
    let store = db.open().await;
    let kept = store.conversation(&Actor::System, &first.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.version), (broken.state, first.version + 1));
    store.close().await;
}
