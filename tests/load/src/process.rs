//! The servers under load, each a process of its own.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::{bare_json, client};

/// What stands before the address in the line that tells it.
pub(crate) const LISTENING: &str = "Listening on http://";

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// Starts the gateway in `folder` on `database` and waits for its first answer.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) async fn gateway(binary: &Path, folder: &Path, database: &str) -> io::Result<Self> {
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .current_dir(folder)
            .env("VESTIBULE__SERVER__BIND", "127.0.0.1:0")
            .env("VESTIBULE__DATABASE__URL", database)
            .env("VESTIBULE__DATABASE__OUTBOX_LIMIT", "1000000")
            .env("VESTIBULE__MAIL__TRANSPORT", "file")
            .env("VESTIBULE__HTTP__REQUESTS_PER_SECOND", "0")
            .env("VESTIBULE__ACCOUNTS__MAX_OPEN_CLAIMS", "1000")
            .env("VESTIBULE__LOG__FILTER", "warn");
        Self::start(&mut command).await
    }

    /// Starts this program as a server that does nothing but answer a JSON `document`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) async fn bare_json(document: &str) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args([bare_json::COMMAND, document])).await
    }

    /// Starts a server that tells its address in a line, and waits for its first answer.
    async fn start(command: &mut Command) -> io::Result<Self> {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or_else(|| io::Error::other("the server did not start"))?;
            if let Some(address) = line.strip_prefix(LISTENING) {
                break address.parse().map_err(io::Error::other)?;
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
        client::answer(&mut stream, &mut Vec::new()).await?;
        Ok(Self { child, address, first_answer: started.elapsed() })
    }

    /// Memory in use, in bytes, as the kernel counts it.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        let id = self.child.id().ok_or_else(|| io::Error::other("the server has ended"))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kilobytes.map(|count| count * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Ends the process and waits for it.
    ///
    /// # Errors
    ///
    /// When it cannot be ended.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}
