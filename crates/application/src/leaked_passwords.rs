//! Passwords that have leaked elsewhere, asked of a service that never learns which password is meant.
//!
//! The service is told the first five hex characters of the password's SHA-1 and answers with all the rest it knows of
//! (k-anonymity, the form of Have I Been Pwned's range search).

use std::sync::Arc;
use std::time::Duration;

use sha1::{Digest, Sha1};
use ureq::Agent;

use crate::http_client;

/// How long a sign-up waits for the service at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest answer that is read, in bytes. Real ones have some 40 000.
const LONGEST_ANSWER: u64 = 1_048_576;

/// The service. A clone asks the same one.
#[derive(Clone)]
pub struct LeakedPasswords {
    agent: Agent,
    url: Arc<str>,
}

impl LeakedPasswords {
    /// The service whose URL, with five hex characters added, answers. `None` for an empty URL.
    pub fn new(url: &str) -> Option<Self> {
        let agent = http_client::configure(PATIENCE).build().new_agent();
        (!url.is_empty()).then(|| Self { agent, url: url.into() })
    }

    /// Those of some passwords that are known to have leaked.
    pub async fn leaked_among(&self, passwords: Vec<String>) -> Vec<String> {
        let mut leaked = Vec::new();
        for password in passwords {
            if self.contains(&password).await {
                leaked.push(password);
            }
        }
        leaked
    }

    /// Whether a password is known to have leaked. `false` too when the service fails or takes longer than 500 ms: nobody
    /// is kept from signing up because of it.
    pub async fn contains(&self, password: &str) -> bool {
        let hash = hex::encode_upper(Sha1::digest(password.as_bytes()));
        let service = self.clone();
        let answer = tokio::task::spawn_blocking(move || service.ask(&hash)).await;
        match answer {
            Ok(Ok(leaked)) => leaked,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the service that knows leaked passwords did not answer; look at its URL");
                false
            }
            Err(_) => false,
        }
    }

    fn ask(&self, hash: &str) -> Result<bool, ureq::Error> {
        let (prefix, rest) = hash.split_at(5);
        let mut response = self.agent.get(format!("{}{prefix}", self.url)).header("Add-Padding", "true").call()?;
        let text = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string()?;
        Ok(text.lines().any(|line| is_leak(line, rest)))
    }
}

/// Whether a line such as `0018A45C4D1DEF81644B54AB7F969B88D65:3` tells of this hash. Padding has the count 0.
fn is_leak(line: &str, rest: &str) -> bool {
    line.trim().split_once(':').is_some_and(|(known, count)| known.eq_ignore_ascii_case(rest) && count != "0")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A service that answers one request with `answer`, after it was told what was asked.
    fn service(answer: &'static str) -> (LeakedPasswords, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/range/", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned()
        });
        (LeakedPasswords::new(&url).unwrap(), asked)
    }

    // SHA-1 of `password` is 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
    const HIT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 85\r\nConnection: close\r\n\r\n\
        0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:52372427\r\n";
    const PADDING: &str = "HTTP/1.1 200 OK\r\nContent-Length: 37\r\nConnection: close\r\n\r\n\
        1E4C9B93F3F0682250B6CF8331B7EE68FD8:0";
    const FAILURE: &str = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    #[tokio::test]
    async fn the_service_learns_five_characters_and_says_what_it_knows() {
        for (answer, leaked) in [(HIT, true), (PADDING, false), (FAILURE, false)] {
            let (service, asked) = service(answer);
            assert_eq!(service.contains("password").await, leaked, "{answer}");
            assert_eq!(asked.join().unwrap(), "GET /range/5BAA6 HTTP/1.1");
        }
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_keeps_nobody_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        assert!(!LeakedPasswords::new(&url).unwrap().contains("password").await);
        assert!(LeakedPasswords::new("").is_none());
    }
}
