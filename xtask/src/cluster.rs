//! A PostgreSQL server of one run's own, in a temporary folder, gone with the run.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Outcome, find, is_root, quiet};

/// The variable that tells tests where a server is.
pub const VARIABLE: &str = "VESTIBULE_TEST_POSTGRES";

const START_AT_MOST: Duration = Duration::from_secs(60);

/// The shell outlives whoever started it by the time it takes to stop the server and to remove the folder: it reads a pipe
/// that closes when its parent ends, in whatever way. PostgreSQL itself would neither notice nor clean up.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" -c port="$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \
    -c fsync="$4" -c full_page_writes="$4" -c max_connections=300 -c shared_buffers="$5" >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$2"/*
rmdir "$2" 2>/dev/null
"#;

/// Whether what is committed survives a power cut.
#[derive(Clone, Copy)]
pub enum Durability {
    /// As in production, and with as much memory as a shop's server has: for measuring.
    Full,
    /// Not at all, which is quicker: for tests.
    None,
}

/// A running server. It stops when this is dropped, or when this process ends.
pub struct Cluster {
    keeper: Child,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes a cluster with the programs of that folder and starts it. Run as root it belongs to an unprivileged user,
    /// because PostgreSQL refuses root.
    pub fn start(programs: &Path, durability: Durability) -> Outcome<Self> {
        let folder = env::temp_dir().join(format!("vestibule-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let user = if is_root() { Some(Unprivileged::find()?) } else { None };
        if let Some(user) = &user {
            chown(&folder, Some(user.id), Some(user.group))?;
        }
        let data = folder.join("data");
        quiet(
            as_user(user.as_ref(), programs.join("initdb"))?
                .args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"])
                .arg(&data)
                .current_dir(&folder),
        )?;
        // Bound and let go again: what the system hands out next is another port.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (flushes, shared_buffers) = match durability {
            Durability::Full => ("on", "1GB"),
            Durability::None => ("off", "128MB"),
        };
        let keeper = as_user(user.as_ref(), "/bin/sh")?
            .args(["-c", KEEPER, "vestibule-postgres"])
            .arg(programs)
            .arg(&folder)
            .arg(port.to_string())
            .args([flushes, shared_buffers])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of a Ctrl-C, so that it can clean up after one.
            .process_group(0)
            .spawn()?;
        let mut cluster = Self { keeper, folder, port };
        cluster.await_ready(programs)?;
        Ok(cluster)
    }

    /// How tests reach it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Waits until the server ends, which it does not by itself.
    pub fn wait(mut self) -> Outcome<()> {
        let pipe = self.keeper.stdin.take();
        let status = self.keeper.wait()?;
        drop(pipe);
        Err(format!("PostgreSQL left ({status})").into())
    }

    fn await_ready(&mut self, programs: &Path) -> Outcome<()> {
        let begun = Instant::now();
        let port = self.port.to_string();
        while begun.elapsed() < START_AT_MOST {
            let answer = Command::new(programs.join("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--port", &port])
                .stdin(Stdio::null())
                .status()?;
            if answer.success() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("PostgreSQL does not start:\n{log}").into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
        // The folder itself belongs to us, not to the user that the server ran as.
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A user of this machine that owns nothing of value.
struct Unprivileged {
    name: &'static str,
    id: u32,
    group: u32,
}

impl Unprivileged {
    fn find() -> Outcome<Self> {
        let users = fs::read_to_string("/etc/passwd")?;
        let field = |name: &str, index: usize| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            line.split(':').nth(index)?.parse::<u32>().ok()
        };
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self { name, id: field(name, 2)?, group: field(name, 3)? }))
            .ok_or_else(|| {
                "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`".into()
            })
    }
}

/// A program, as that user if there is one.
fn as_user(user: Option<&Unprivileged>, name: impl AsRef<std::ffi::OsStr>) -> Outcome<Command> {
    let Some(user) = user else {
        return Ok(Command::new(name));
    };
    if find("setpriv").is_some() {
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", user.id))
            .arg(format!("--regid={}", user.group))
            .args(["--clear-groups", "--"])
            .arg(name);
        return Ok(command);
    }
    find("runuser").ok_or("PostgreSQL refuses to run as root: install util-linux (setpriv or runuser)")?;
    let mut command = Command::new("runuser");
    command.args(["-u", user.name, "--"]).arg(name);
    Ok(command)
}
