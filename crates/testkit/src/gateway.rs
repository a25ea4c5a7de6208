//! A real gateway: the binary, as its own process, on a free port.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::{Answer, Client, Engine, Mailbox, Request, TestDatabase, paths};

/// A gateway may take as long to start and to stop, on a busy machine.
const AT_MOST: Duration = Duration::from_secs(60);

/// How a gateway is started: the settings, the database and the folder that it works in.
#[derive(Clone, Debug)]
pub struct GatewayBuilder {
    settings: Vec<(String, String)>,
    database: Option<Arc<TestDatabase>>,
    engine: Engine,
    folder: Arc<TempDir>,
    migrated: bool,
}

/// A running gateway. It dies with this value.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    address: SocketAddr,
    log: Log,
    builder: GatewayBuilder,
}

/// What a command of the gateway did.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output and standard error.
    pub output: String,
}

impl Gateway {
    /// A gateway on a database of that kind, of its own unless one is given.
    pub fn on(engine: Engine) -> GatewayBuilder {
        let folder = TempDir::with_prefix("vestibule-").expect("a temporary folder");
        GatewayBuilder { settings: Vec::new(), database: None, engine, folder: Arc::new(folder), migrated: true }
    }

    /// `path` as an absolute URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    pub const fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: &Request) -> Answer {
        match self.client().try_send(request).await {
            Some(answer) => answer,
            None => panic!("no answer to {request}; the gateway said:\n{}", self.log()),
        }
    }

    /// Its mailbox.
    pub const fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.client())
    }

    /// The database it runs on.
    pub fn database(&self) -> Arc<TestDatabase> {
        Arc::clone(self.builder.database.as_ref().expect("a started gateway has a database"))
    }

    /// Moves its clock forward.
    pub async fn advance(&self, seconds: u64) {
        let request = Request::post("/mailbox/api/clock", &json!({ "advance": seconds }));
        self.send(&request.header("Content-Type", "application/json")).await.expect_status(200);
    }

    /// Waits until its outbox is empty.
    ///
    /// # Panics
    /// Where it does not become so.
    pub async fn until_all_mail_is_sent(&self) {
        eventually("the outbox is empty", async || {
            let ready = self.send(&Request::get("/health/ready")).await.json();
            let queued = ready.pointer("/outbox/queued").and_then(serde_json::Value::as_i64);
            queued.unwrap_or_else(|| panic!("no outbox in {ready}")) == 0
        })
        .await;
    }

    /// All it has written to its output so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has said that, in whatever case.
    ///
    /// # Panics
    /// Where it does not, with all that it has said.
    pub async fn until_it_says(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().to_lowercase().contains(&text.to_lowercase()) {
            assert!(begun.elapsed() < AT_MOST, "it never said {text:?}, but:\n{}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every file of its database and of its working folder with its content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.builder.folder.path(), &mut files);
        if let Some(database) = self.database().url.strip_prefix("sqlite://") {
            collect(Path::new(database).parent().expect("a database lies in a folder"), &mut files);
        }
        files
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Path {
        self.builder.folder.path()
    }

    /// Ends it without a word (SIGKILL). What comes back starts one on the same files.
    pub async fn kill(mut self) -> GatewayBuilder {
        self.child.kill().await.expect("a gateway that can be killed");
        self.builder.clone()
    }

    /// Asks it to leave (SIGTERM) and does not wait.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("a running gateway"), Signal::TERM).expect("a gateway that takes signals");
    }

    /// Asks it to leave and waits until it has. What comes back starts one on the same files.
    ///
    /// # Panics
    /// Where it does not leave in order, with exit code 0.
    pub async fn stop(self) -> GatewayBuilder {
        self.ask_to_stop();
        self.stopped().await
    }

    /// Waits until it has left after [`Gateway::ask_to_stop`].
    ///
    /// # Panics
    /// Where it does not leave in order, with exit code 0.
    pub async fn stopped(mut self) -> GatewayBuilder {
        let status = timeout(AT_MOST, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not stop:\n{}", self.log())).expect("an exit code");
        assert!(status.success(), "{status}:\n{}", self.log());
        self.builder.clone()
    }
}

impl GatewayBuilder {
    /// With that setting: `("VESTIBULE__STORE__NAME", "AT")`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(existing, _)| existing != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// On that database, which others may use too.
    #[must_use]
    pub fn database(mut self, database: &Arc<TestDatabase>) -> Self {
        self.database = Some(Arc::clone(database));
        self.migrated = false;
        self
    }

    /// Without the step that prepares a PostgreSQL database.
    #[must_use]
    pub const fn without_migrations(mut self) -> Self {
        self.migrated = false;
        self
    }

    /// A path in the folder that the gateway will work in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// Where it does not, with what it said.
    pub async fn start(mut self) -> Gateway {
        self.prepare().await;
        let mut child = self.command(&["serve"]).await.spawn().expect("the gateway starts");
        let log = Log::default();
        let mut said = log.listen(child.stdout.take());
        let mut complained = log.listen(child.stderr.take());
        let listening = timeout(AT_MOST, async {
            loop {
                if let Some(address) = listening_address(&log.text()) {
                    return Some(address);
                }
                said.changed().await.ok()?;
            }
        });
        match listening.await {
            Ok(Some(address)) => Gateway { child, address, log, builder: self },
            Ok(None) => {
                let status = child.wait().await;
                while complained.changed().await.is_ok() {}
                panic!("the gateway left ({status:?}) and said:\n{}", log.text())
            }
            Err(elapsed) => panic!("the gateway does not listen ({elapsed}); it said:\n{}", log.text()),
        }
    }

    /// Runs another command to its end, or `serve` where it must refuse.
    ///
    /// # Panics
    /// Where it does not end.
    pub async fn run(mut self, arguments: &[&str]) -> Finished {
        if self.database.is_none() {
            self.database = Some(Arc::new(TestDatabase::create(self.engine)));
        }
        self.run_on_database(arguments).await
    }

    async fn prepare(&mut self) {
        if self.database.is_none() {
            self.database = Some(Arc::new(TestDatabase::create(self.engine)));
        }
        if self.engine == Engine::Postgres && std::mem::take(&mut self.migrated) {
            let migrated = self.run_on_database(&["migrate"]).await;
            assert_eq!(migrated.code, Some(0), "{}", migrated.output);
        }
    }

    async fn run_on_database(&self, arguments: &[&str]) -> Finished {
        let mut command = self.command(arguments).await;
        let output = timeout(AT_MOST, command.output()).await;
        let output = output.unwrap_or_else(|_| panic!("`vestibule {}` does not end", arguments.join(" ")));
        let output = output.expect("the gateway starts");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Finished { code: output.status.code(), output: text.concat() }
    }

    async fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(paths::binary());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VESTIBULE")) {
            command.env_remove(name);
        }
        let database = self.database.as_ref().expect("a database is there by now");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("VESTIBULE__SERVER__BIND", "127.0.0.1:0")
            .env("VESTIBULE__DATABASE__URL", &database.url)
            .env("VESTIBULE__TEST_MODE", "true")
            .env("VESTIBULE__MAIL__MAILBOX__PATH", self.path("mailbox"))
            .env("VESTIBULE__KEYS__PATH", shared_keys().await)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// The signing keys that all gateways of a run share: making one for each would cost more than most tests.
async fn shared_keys() -> PathBuf {
    let keys = paths::kit().join("keys");
    if !keys.exists() {
        fs::create_dir_all(paths::kit()).expect("a folder for the keys");
        let fresh = TempDir::with_prefix_in("keys-", paths::kit()).expect("a folder for the keys");
        let made = Command::new(paths::binary())
            .args(["keys", "generate"])
            .current_dir(fresh.path())
            .env("VESTIBULE__KEYS__PATH", fresh.path().join("keys"))
            .stdin(Stdio::null())
            .output()
            .await
            .expect("the gateway starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // Whoever renames first wins; the others use what is there then.
        if fs::rename(fresh.path().join("keys"), &keys).is_err() {
            assert!(keys.exists(), "no keys in {}", keys.display());
        }
    }
    keys
}

/// Waits until that holds, for what no event tells of.
///
/// # Panics
/// Where it does not come to hold.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < AT_MOST, "in {AT_MOST:?} it did not come to hold that {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn listening_address(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("Listening on http://")?;
    let (address, _) = rest.split_once(char::is_whitespace)?;
    address.trim_end_matches('/').parse().ok()
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(content) = fs::read(&path) {
            files.push((path, content));
        }
    }
}

/// What a process says, gathered while it runs.
#[derive(Clone, Debug, Default)]
struct Log {
    text: Arc<Mutex<String>>,
}

impl Log {
    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gathers an output; what comes back changes with every line and ends with the output.
    fn listen(&self, output: Option<impl AsyncRead + Unpin + Send + 'static>) -> watch::Receiver<()> {
        let (changed, receiver) = watch::channel(());
        let mut lines = BufReader::new(output.expect("a piped output")).lines();
        let text = Arc::clone(&self.text);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
                drop(text);
                changed.send_replace(());
            }
        });
        receiver
    }
}
