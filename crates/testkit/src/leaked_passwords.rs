//! A service that knows a leaked password.

use std::io::{Read, Write};
use std::net::TcpListener;

/// The one password that [`service_of_leaked_passwords`] knows. Every policy of the storefront takes it.
pub const LEAKED_PASSWORD: &str = "Leaked-2nd-Door!";

/// Starts a service that tells [`LEAKED_PASSWORD`], by the rest of its SHA-1, to whoever asks with the first five characters;
/// and answers its URL, for the setting `glue.leaked_passwords_url`.
pub fn service_of_leaked_passwords() -> String {
    const REQUEST: &[u8] = b"GET /range/7656A ";
    const KNOWN: &str = "0DB1FA8387FEBEF950F90DC5C64E6BD34F0:7\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/range/", listener.local_addr().expect("the address of a listener"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let asked_for_it = request.get(..length).is_some_and(|request| request.starts_with(REQUEST));
            let body = if asked_for_it { KNOWN } else { "" };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).ok();
        }
    });
    url
}
