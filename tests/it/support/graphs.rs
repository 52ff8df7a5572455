//! The product's graphs, with changes.

use std::path::Path;

use super::db::Folder;

/// A folder of the product's graphs, each as `change` makes it of its file's name and text.
pub(crate) fn changed_graphs(change: impl Fn(&str, &str) -> String) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("graphs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(folder.path().join(&name), change(&name, &text)).unwrap();
        }
    }
    folder
}
