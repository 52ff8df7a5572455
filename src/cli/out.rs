//! The one way in which the command line writes.

use std::io::Write;

/// A line for whoever reads the output.
pub(super) fn line(text: &str) {
    // A reader that closed its end wants no more; there is nobody left to tell.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line for whoever has to mend something.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
