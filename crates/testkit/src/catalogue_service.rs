//! A service that knows products, for the setting `catalogue.url`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A real HTTP service that answers as it was told to, and with 404 to everything else. A clone is the same service.
#[derive(Clone, Debug)]
pub struct CatalogueService {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<String, Vec<u8>>,
    asked: Vec<String>,
    last_head: String,
    waiting: usize,
    most_waiting: usize,
}

impl CatalogueService {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the address of a listener");
        let service = Self { address, state: Arc::default(), held: watch::Sender::new(false) };
        let serving = service.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = serving.clone();
                tokio::spawn(async move { service.answer(stream).await });
            }
        });
        service
    }

    /// Its URL, with the place for the SKU.
    pub fn url(&self) -> String {
        format!("http://{}/offers/{{sku}}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A product that it may tell: 119 cents gross and 100 net in `EUR`, taxed at 19 %, as many as anybody wants.
    pub fn product(sku: &str) -> Value {
        json!({ "sku": sku, "prices": { "EUR": { "gross": 119, "net": 100 } }, "taxRate": 19 })
    }

    /// It answers so, from now on, to whoever asks for `sku`, which stands in its paths percent-encoded.
    pub fn tells(&self, sku: &str, status: u16, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        self.sends(sku, [head.as_bytes(), body].concat());
    }

    /// It sends these bytes, from now on, to whoever asks for `sku`, and closes the connection.
    pub fn sends(&self, sku: &str, bytes: impl Into<Vec<u8>>) {
        self.state().answers.insert(format!("/offers/{sku}"), bytes.into());
    }

    /// Whether it keeps everybody waiting.
    pub fn holds(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// The paths it was asked for so far, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// The head of the last request.
    pub fn last_head(&self) -> String {
        self.state().last_head.clone()
    }

    /// How many have been kept waiting at once.
    pub fn most_waiting(&self) -> usize {
        self.state().most_waiting
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&request).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.enter(&path, head);
        // An error would mean that the service is gone.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        let answer = self.leave(&path);
        stream.write_all(&answer).await.ok();
    }

    fn enter(&self, path: &str, head: String) {
        let mut state = self.state();
        state.asked.push(path.to_owned());
        state.last_head = head;
        state.waiting += 1;
        state.most_waiting = state.most_waiting.max(state.waiting);
    }

    fn leave(&self, path: &str) -> Vec<u8> {
        const NOT_FOUND: &[u8] = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let mut state = self.state();
        state.waiting -= 1;
        state.answers.get(path).map_or_else(|| NOT_FOUND.to_vec(), Clone::clone)
    }
}
