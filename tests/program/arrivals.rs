//! A listener that keeps the bodies of all requests as they arrived, byte for byte, and answers OK.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) struct Arrivals {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Arrivals {
    /// Its threads end with the test.
    pub(crate) fn listen() -> Arrivals {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Arrivals { address, bodies }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

/// One connection, until it is closed.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>) {
    let mut received = Vec::new();
    let mut chunk = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..read]);
        while let Some((length, body)) = first_request(&received) {
            received.drain(..length);
            kept.lock().unwrap().push(body);
            let answer =
                r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1,"MsgSeq":1}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            if write!(stream, "{head}{answer}").is_err() {
                return;
            }
        }
    }
}

/// Its length in bytes and its body, once all of it is there.
fn first_request(received: &[u8]) -> Option<(usize, String)> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(received[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let length = head.split("content-length: ").nth(1)?.lines().next()?;
    let whole = end + length.parse::<usize>().unwrap();
    let body = received.get(end..whole)?;
    Some((whole, String::from_utf8(body.to_vec()).unwrap()))
}
