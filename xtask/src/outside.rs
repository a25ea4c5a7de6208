//! What tests the gateway from outside with other people's tools: each step against a fresh one on a free port.

use std::process::Command;

use crate::command::{Outcome, program, root, show};
use crate::gateway::Gateway;
use crate::test::{Count, run_counted};
use crate::tools::{self, Node};

/// Many requests in a short time are what these steps are about.
const UNLIMITED: [(&str, &str); 2] =
    [("VESTIBULE__HTTP__REQUESTS_PER_SECOND", "0"), ("VESTIBULE__HTTP__REQUEST_BURST", "1000000")];

/// Customers with several carts, so that many can be made and removed.
const SEVERAL_CARTS: [(&str, &str); 3] = [
    ("VESTIBULE__CARTS__MULTI_CART", "true"),
    ("VESTIBULE__CARTS__MAX_CARTS", "1000"),
    ("VESTIBULE__CARTS__MAX_ITEMS", "50"),
];

/// Codes are mailed again as often as they are asked for.
const ANY_NUMBER_OF_CODES: [(&str, &str); 2] =
    [("VESTIBULE__DIALECTS__SEND_COOL_DOWN_SECONDS", "0"), ("VESTIBULE__DIALECTS__SENDS_PER_DAY", "0")];

/// The API's description keeps to what a linter of such descriptions asks for.
pub fn lint_description(count: &mut Count) -> Outcome<()> {
    let node = tools::install_node()?;
    let gateway = Gateway::start(&[])?;
    let mut lint = node.package("@redocly/cli/bin/cli.js");
    lint.arg("lint")
        .arg(format!("{}/openapi.json", gateway.url()))
        .args(["--config", "tests/openapi/redocly.yaml", "--format", "codeframe", "--max-problems", "100"])
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    show(&mut lint)?;
    count.pass(1);
    Ok(())
}

/// The Postman collection, as a person would run it.
pub fn run_collection(count: &mut Count) -> Outcome<()> {
    against_fresh(count, |node| node.script("tests/postman/run.cjs"))
}

/// A session of a storefront that uses a client library of others.
pub fn run_client(count: &mut Count) -> Outcome<()> {
    against_fresh(count, |node| node.script("tests/client/session.cjs"))
}

fn against_fresh(count: &mut Count, command: impl FnOnce(&Node) -> Command) -> Outcome<()> {
    let node = tools::install_node()?;
    let gateway = Gateway::start(&[])?;
    let mut command = command(&node);
    command.env("STOREFRONT_KEY", gateway.storefront_key()?).env("MERCHANT_CLIENT", gateway.merchant_client()?);
    run_counted(command.arg(gateway.url()), count)
        .map_err(|error| format!("{error}; the gateway's log:\n{}", gateway.log()).into())
}

/// Requests made up from the API's description, whose answers must keep to it.
pub fn fuzz(count: &mut Count) -> Outcome<()> {
    let python = tools::install_schemathesis()?;
    let gateway = Gateway::start(&[UNLIMITED.as_slice(), &SEVERAL_CARTS, &ANY_NUMBER_OF_CODES].concat())?;
    let report = root().join("target/schemathesis");
    let mut run = program(&python, &["tests/openapi/run.py"]);
    // Nothing is left beside the sources.
    run.env("PYTHONDONTWRITEBYTECODE", "1");
    run.env("STOREFRONT_KEY", gateway.storefront_key()?).env("MERCHANT_CLIENT", gateway.merchant_client()?);
    run_counted(run.arg(gateway.url()).arg(report), count)
}
