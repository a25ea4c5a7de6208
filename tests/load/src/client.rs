//! A load driver: keep-alive HTTP/1.1 connections that send prepared requests one after another.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a run of requests came to.
pub(crate) struct Run {
    /// How many were answered with the expected status.
    pub(crate) done: usize,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Each request's time, ascending.
    pub(crate) latencies: Vec<Duration>,
}

impl Run {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        rate(self.done, self.elapsed)
    }

    /// The slowest answer.
    pub(crate) fn worst(&self) -> Duration {
        self.latencies.last().copied().unwrap_or_default()
    }
}

/// How many a second.
pub(crate) fn rate(count: usize, elapsed: Duration) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from) / elapsed.as_secs_f64()
}

/// A request of our API, ready to be written to a socket.
pub(crate) fn post(path: &str, resource: &str, attributes: &serde_json::Value) -> Vec<u8> {
    written("POST", path, "", Some(&document(resource, attributes)))
}

/// Likewise, of a guest.
pub(crate) fn post_as_guest(path: &str, resource: &str, attributes: &serde_json::Value, guest: &str) -> Vec<u8> {
    written("POST", path, &identity(guest), Some(&document(resource, attributes)))
}

/// A request that reads, as the bearer of `token` if there is one.
pub(crate) fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    written("GET", path, &authorization, None)
}

/// Likewise, of a guest.
pub(crate) fn get_as_guest(path: &str, guest: &str) -> Vec<u8> {
    written("GET", path, &identity(guest), None)
}

fn identity(guest: &str) -> String {
    format!("X-Anonymous-Customer-Unique-Id: {guest}\r\n")
}

fn document(resource: &str, attributes: &serde_json::Value) -> String {
    serde_json::json!({ "data": { "type": resource, "attributes": attributes } }).to_string()
}

/// `header`: one line, or none.
fn written(method: &str, path: &str, header: &str, body: Option<&str>) -> Vec<u8> {
    let content =
        body.map(|body| format!("Content-Type: application/vnd.api+json\r\nContent-Length: {}\r\n", body.len()));
    let (content, body) = (content.unwrap_or_default(), body.unwrap_or_default());
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.api+json\r\n{header}{content}\r\n{body}"
    )
    .into_bytes()
}

/// Sends one request and tells the body of its answer, which must have the status `expected`.
///
/// # Errors
///
/// As [`drive`].
pub(crate) async fn ask(address: SocketAddr, request: &[u8], expected: u16) -> io::Result<serde_json::Value> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut buffer = Vec::new();
    let status = answer(&mut stream, &mut buffer).await?;
    let text = String::from_utf8_lossy(&buffer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if status == expected {
        serde_json::from_str(body).map_err(io::Error::other)
    } else {
        Err(io::Error::other(format!("expected {expected}, got: {text}")))
    }
}

/// Sends `requests` over `connections` keep-alive connections and demands `expected` as status of each answer.
///
/// # Errors
///
/// A connection that breaks, or an answer of another status.
pub(crate) async fn drive(
    address: SocketAddr,
    connections: usize,
    requests: Arc<Vec<Vec<u8>>>,
    expected: u16,
) -> io::Result<Run> {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(connection(address, Arc::clone(&requests), Arc::clone(&next), expected)))
        .collect();
    let mut latencies = Vec::with_capacity(requests.len());
    for task in tasks {
        latencies.extend(task.await.map_err(io::Error::other)??);
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Run { done: latencies.len(), elapsed, latencies })
}

async fn connection(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    expected: u16,
) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut buffer = Vec::with_capacity(8192);
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let sent = Instant::now();
        stream.write_all(request).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        latencies.push(sent.elapsed());
        if status != expected {
            let text = String::from_utf8_lossy(&buffer).into_owned();
            return Err(io::Error::other(format!("expected {expected}, got: {text}")));
        }
    }
    Ok(latencies)
}

/// Reads one answer into `buffer` and tells its status.
pub(crate) async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<u16> {
    buffer.clear();
    loop {
        // The driver shares the machine with the gateway: what most answers are is recognised without looking far.
        if buffer.ends_with(b"\r\n\r\n") && buffer.starts_with(b"HTTP/1.1 204") {
            return Ok(204);
        }
        if let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default()).map_err(io::Error::other)?;
            let length = text
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, length)| length.trim().parse::<usize>().ok())
                .unwrap_or(0);
            if buffer.len() >= head + 4 + length {
                let status = text.get(9..12).and_then(|status| status.parse().ok());
                return status.ok_or_else(|| io::Error::other("not an HTTP answer"));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
