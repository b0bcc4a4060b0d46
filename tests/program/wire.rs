//! What arrives at a socket when a campaign is sent.

use super::place::{Place, Running, pause};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// A request as it arrived.
pub(crate) struct Sent {
    /// The command at the end of its path.
    pub(crate) command: String,
    /// Without its `Random`.
    pub(crate) body: Value,
    pub(crate) random: Option<Value>,
    /// What the log says of it.
    pub(crate) log: Value,
}

impl Sent {
    /// Sends a campaign of one call to a listener that keeps the request and answers OK.
    pub(crate) fn by(campaign: &str) -> Sent {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::with_news(&format!("http://{}", listener.local_addr().unwrap()), 1);
        place.write("campaigns/news.yaml", campaign);
        // A broadcast needs `--force`.
        let mut run = place.start(&["run", "news", "--yes", "--force"]);
        let Some(stream) = accepted(&listener, &mut run) else {
            panic!("nothing was sent: {:?}", run.end());
        };
        let mut sent = Sent::read(stream);
        run.end().assert(0, &["1 accepted"]);
        sent.log = place.log().remove(0);
        sent
    }

    fn read(mut stream: TcpStream) -> Sent {
        let mut request = Vec::new();
        let mut chunk = [0; 4_096];
        let (command, mut body) = loop {
            let read = stream.read(&mut chunk).unwrap();
            assert_ne!(read, 0, "the request broke off");
            request.extend_from_slice(&chunk[..read]);
            let text = String::from_utf8_lossy(&request);
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str::<Value>(body)
            {
                let path = head.split('?').next().unwrap();
                break (path.rsplit('/').next().unwrap().to_owned(), body);
            }
        };
        let answer = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgTime":1,"MsgSeq":1}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        write!(stream, "{head}{answer}").unwrap();
        let random = body.as_object_mut().unwrap().remove("Random");
        Sent {
            command,
            body,
            random,
            log: Value::Null,
        }
    }
}

/// The first connection, unless the program ends before.
fn accepted(listener: &TcpListener, run: &mut Running) -> Option<TcpStream> {
    listener.set_nonblocking(true).unwrap();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return Some(stream);
        }
        if run.child().try_wait().unwrap().is_some() {
            return None;
        }
        pause();
    }
}
