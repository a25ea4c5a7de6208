//! A gateway of one step's own: on a free port, in a temporary folder, gone with the step.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;

use crate::command::{Outcome, cargo, program, root, show};

/// A running gateway on an SQLite database of its own.
pub struct Gateway {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Gateway {
    /// Builds it, starts it with these settings beside its defaults, and waits until it listens.
    pub fn start(settings: &[(&str, &str)]) -> Outcome<Self> {
        show(&mut cargo(&["build", "--quiet", "--package", "vestibule-gateway", "--locked"]))?;
        // Its folder keeps what it makes only until the step is over.
        let folder = env::temp_dir().join(format!("vestibule-gateway-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut command = program(root().join("target/debug/vestibule"), &["serve"]);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VESTIBULE")) {
            command.env_remove(name);
        }
        let mut child = command
            .current_dir(&folder)
            .env("VESTIBULE__SERVER__BIND", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("log"))?)
            .spawn()?;
        let mut lines = child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines());
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("Listening on ")?;
            Some(rest.split_whitespace().next()?.trim_end_matches('/').to_owned())
        });
        let gateway = Self { child, folder, url: url.unwrap_or_default() };
        if gateway.url.is_empty() {
            return Err(format!("the gateway does not start:\n{}", gateway.log()).into());
        }
        // A pipe that nobody reads would block it one day.
        thread::spawn(move || lines.for_each(drop));
        Ok(gateway)
    }

    /// Runs another command of it beside it, and answers the first line that it prints.
    pub fn tell(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = program(root().join("target/debug/vestibule"), arguments);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VESTIBULE")) {
            command.env_remove(name);
        }
        let output = command.current_dir(&self.folder).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.lines().next() {
            Some(line) if output.status.success() => Ok(line.to_owned()),
            _ => Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    /// A key for a storefront of Bagisto's shop API, good for any number of requests.
    pub fn storefront_key(&self) -> Outcome<String> {
        self.tell(&["storefront-keys", "create", "--name", "tools", "--limit", "0"])
    }

    /// A merchant's client for 10npay's onboarding API: one line of JSON with `merchantId`, `clientId` and `clientSecret`.
    pub fn merchant_client(&self) -> Outcome<String> {
        self.tell(&["merchants", "create", "--name", "tools", "--json"])
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}
