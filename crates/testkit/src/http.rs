//! A plain HTTP/1.1 client that shows what is really on the wire: the reason phrase, every header in order, and answers to
//! requests that no library would send.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{Wire, json_api};

/// The media type of JSON:API.
pub const JSON_API: &str = "application/vnd.api+json";

/// No answer takes longer; a mailbox waits thirty seconds at most.
const AT_MOST: Duration = Duration::from_secs(60);

/// A request as it will be written.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request without a body that accepts JSON:API.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: vec![("Accept".into(), JSON_API.into())],
            body: None,
        }
    }

    /// `GET`
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST` with that document as JSON:API.
    pub fn post(target: &str, document: &Value) -> Self {
        Self::new("POST", target).json(document)
    }

    /// `PATCH` with that document as JSON:API.
    pub fn patch(target: &str, document: &Value) -> Self {
        Self::new("PATCH", target).json(document)
    }

    /// `DELETE`
    pub fn delete(target: &str) -> Self {
        Self::new("DELETE", target)
    }

    /// `OPTIONS`
    pub fn options(target: &str) -> Self {
        Self::new("OPTIONS", target)
    }

    /// `POST` of a form.
    pub fn form(target: &str, fields: &[(&str, &str)]) -> Self {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        Self::new("POST", target)
            .body(body.join("&"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "*/*")
    }

    /// With that document, as JSON:API.
    #[must_use]
    pub fn json(self, document: &Value) -> Self {
        self.body(document.to_string()).header("Content-Type", JSON_API)
    }

    /// With that body and no `Content-Type` but one set before.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With that header in place of any of the same name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// With that header beside any of the same name.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Without that header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        self
    }

    /// With an access token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    fn to_bytes(&self, host: SocketAddr) -> Vec<u8> {
        use std::fmt::Write as _;

        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("text grows");
        }
        if let Some(body) = &self.body {
            write!(head, "Content-Length: {}\r\n", body.len()).expect("text grows");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(self.body.as_deref().unwrap_or_default());
        let shown: String = body.chars().take(300).collect();
        write!(formatter, "{} {} {shown}", self.method, self.target.chars().take(200).collect::<String>())
    }
}

/// A JSON:API document of one resource without an id.
pub fn document(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

/// An answer as it was read.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `422`
    pub status: u16,
    /// `Unprocessable Content`
    pub reason: String,
    /// Names and values in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, decoded where it was chunked.
    pub body: String,
}

impl Answer {
    /// The value of a header sent once or more, the first of them.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(existing, _)| existing.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The text at a JSON pointer of the body.
    ///
    /// # Panics
    /// Where there is none.
    pub fn text(&self, pointer: &str) -> String {
        let json = self.json();
        let found = json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} in {self:?}")).to_owned()
    }

    /// Status, code and detail of every error, in order.
    pub fn errors(&self) -> Vec<(u64, Option<String>, String)> {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let errors = json.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |error: &Value, name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        errors
            .iter()
            .map(|error| {
                let status = error.get("status").unwrap_or(&Value::Null);
                let status = status.as_u64().or_else(|| status.as_str()?.parse().ok()).unwrap_or_default();
                (status, text(error, "code"), text(error, "detail").unwrap_or_default())
            })
            .collect()
    }

    /// This answer if it has that status.
    ///
    /// # Panics
    /// If it has another.
    #[expect(clippy::return_self_not_must_use, reason = "often nothing but the status matters")]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Whatever is sent as JSON:API, and wherever in a test, must be JSON:API. A `HEAD` is answered without a body.
    fn must_keep_to_its_media_type(&self) {
        if self.body.is_empty() || !self.header("Content-Type").is_some_and(|value| value.starts_with(JSON_API)) {
            return;
        }
        let problems = json_api::problems(&self.json(), Wire::Either);
        assert!(problems.is_empty(), "{}\n{self:?}", problems.join("\n"));
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
        let mut lines = head.split("\r\n");
        let mut status_line = lines.next()?.splitn(3, ' ');
        status_line.next()?;
        let status = status_line.next()?.parse().ok()?;
        let reason = status_line.next().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let rest = bytes.get(end + 4..)?;
        let chunked =
            headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked");
        let body = if chunked { unchunk(rest)? } else { rest.to_vec() };
        Some(Self { status, reason, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// Where a gateway listens.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
}

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn send(&self, request: &Request) -> Answer {
        self.try_send(request).await.unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// Sends a request; `None` where the connection ends without a whole answer.
    pub async fn try_send(&self, request: &Request) -> Option<Answer> {
        self.try_send_bytes(&request.to_bytes(self.address)).await
    }

    /// Sends these bytes, whatever they are.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Answer {
        self.try_send_bytes(bytes).await.unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(bytes)))
    }

    /// Sends these bytes and goes away without waiting for an answer.
    pub async fn hang_up_after(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes).await.expect("a gateway that reads");
    }

    async fn try_send_bytes(&self, bytes: &[u8]) -> Option<Answer> {
        timeout(AT_MOST, async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            // A server may answer and close before it has read all of a request that it refuses.
            stream.write_all(bytes).await.ok();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok();
            let answer = Answer::parse(&answer)?;
            answer.must_keep_to_its_media_type();
            Some(answer)
        })
        .await
        .unwrap_or_else(|_| panic!("no answer within {AT_MOST:?}"))
    }
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(bytes.get(..line_end)?).ok()?, 16).ok()?;
        let chunk = bytes.get(line_end + 2..)?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk.get(..length)?);
        bytes = chunk.get(length + 2..)?;
    }
}

/// Text as it stands in a query or a form.
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("text grows");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_sent() {
        let plain = Answer::parse(b"HTTP/1.1 422 Unprocessable Content\r\nX-A: 1\r\nx-a: 2\r\n\r\n{}").unwrap();
        assert_eq!((plain.status, plain.reason.as_str(), plain.body.as_str()), (422, "Unprocessable Content", "{}"));
        assert_eq!(plain.header("x-A"), Some("1"));
        let chunked =
            Answer::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!(chunked.body, "abcd");
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\nX-A").is_none());
    }
}
