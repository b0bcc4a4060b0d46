//! What editors show while a campaign is written: the language server that most of them use, with the schema that the first
//! line of a file names.

use super::is_prepared;
use crate::program::{BROKEN, Place, broken, examples};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The server, as an editor talks to it.
struct Server {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Server {
        let server =
            "target/comparison/editor/node_modules/yaml-language-server/bin/yaml-language-server";
        let mut process = Command::new("target/comparison/bin/node")
            .args([server, "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        let mut server = Server { process, to, from };
        let parameters = json!({ "processId": null, "rootUri": null, "capabilities": {} });
        server.send(&json!({ "id": 0, "method": "initialize", "params": parameters }));
        while server.receive()["id"] != 0 {}
        server.send(&json!({ "method": "initialized", "params": {} }));
        // Nothing is fetched from anywhere.
        let settings = json!({ "yaml": { "validate": true, "schemaStore": { "enable": false } } });
        let parameters = json!({ "settings": settings });
        server.send(&json!({ "method": "workspace/didChangeConfiguration", "params": parameters }));
        server
    }

    fn send(&mut self, message: &Value) {
        let mut message = message.clone();
        message["jsonrpc"] = json!("2.0");
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "it has ended");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", bytes)) => length = bytes.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// What it marks in each file.
    fn complaints(&mut self, files: &[&Path]) -> HashMap<String, Vec<String>> {
        let address = |file: &Path| format!("file://{}", file.canonicalize().unwrap().display());
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let document =
                json!({ "uri": address(file), "languageId": "yaml", "version": 1, "text": text });
            let parameters = json!({ "textDocument": document });
            self.send(&json!({ "method": "textDocument/didOpen", "params": parameters }));
        }
        let mut found = HashMap::new();
        while found.len() < files.len() {
            let message = self.receive();
            // It asks for settings, which it has been told.
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                self.send(&json!({ "id": id, "result": [] }));
            }
            if message["method"] == "textDocument/publishDiagnostics" {
                let marks = message["params"]["diagnostics"].as_array().unwrap();
                let marks = marks.iter().map(|mark| mark["message"].as_str().unwrap());
                let uri = message["params"]["uri"].as_str().unwrap();
                found.insert(uri.to_owned(), marks.map(str::to_owned).collect());
            }
        }
        files
            .iter()
            .map(|file| {
                let marks = found.remove(&address(file)).unwrap_or_else(|| {
                    panic!("it has said nothing about {}: {found:?}", file.display())
                });
                (file.to_str().unwrap().to_owned(), marks)
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_editor_marks_nothing_in_the_examples() {
    if !is_prepared() {
        return;
    }
    let mut files = examples();
    files.push("campanile.yaml".to_owned());
    let paths: Vec<&Path> = files.iter().map(Path::new).collect();
    for (file, marks) in Server::start().complaints(&paths) {
        assert_eq!(marks, Vec::<String>::new(), "{file}");
    }
}

#[test]
fn an_editor_marks_what_we_refuse() {
    if !is_prepared() {
        return;
    }
    let place = Place::of_the_examples();
    for kind in ["campaign", "settings"] {
        let path = format!("schemas/{kind}.schema.json");
        place.write(&path, &std::fs::read_to_string(&path).unwrap());
    }
    let mut files: Vec<_> = (0..BROKEN.len())
        .map(|number| place.write(&format!("campaigns/broken-{number}.yaml"), &broken(number)))
        .collect();
    let settings = std::fs::read_to_string("campanile.yaml").unwrap();
    files.push(place.write("campanile.yaml", &settings.replace("region:", "regoin:")));
    let paths: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    for (file, marks) in Server::start().complaints(&paths) {
        assert!(!marks.is_empty(), "{file} is not marked");
        // That a schema cannot be read is no mark of what is wrong.
        assert!(
            !marks.iter().any(|mark| mark.contains("Unable to load")),
            "{file}: {marks:?}"
        );
    }
}
