//! Where things lie, seen from a running test.

use std::env;
use std::path::PathBuf;

/// `target/<profile>`: a test runs from the `deps` folder below it.
fn profile_folder() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").to_owned()
}

/// What tests share and keep for a run: `target/testkit`.
pub(crate) fn kit() -> PathBuf {
    profile_folder().with_file_name("testkit")
}

/// Tools that `cargo xtask test` installs: `target/tools`.
pub fn tools() -> PathBuf {
    profile_folder().with_file_name("tools")
}

/// The gateway.
pub(crate) fn binary() -> PathBuf {
    let binary = profile_folder().join("vestibule");
    assert!(binary.exists(), "{} is not there: run cargo build -p vestibule-gateway", binary.display());
    binary
}
