//! A server of HTTP as raw bytes: it answers what a test tells it to, keeps what came, and counts who connected.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// These bytes, and the connection stays.
    Say(String),
    /// These bytes, and the connection ends.
    SayAndClose(String),
    /// These bytes, and nothing more for good.
    SayAndHang(String),
    /// The connection is reset before a byte.
    Reset,
}

impl Act {
    /// 200 with a body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::Say(format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
    }
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

/// What came so far.
#[derive(Default)]
struct Came {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

/// The server. It ends with its value.
pub(crate) struct Site {
    /// Where, as `127.0.0.1:PORT`.
    pub(crate) host: String,
    came: Arc<Came>,
    task: JoinHandle<()>,
}

impl Site {
    /// `script` is given how many requests came before this one, and the request as it came.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", script).await
    }

    pub(crate) async fn at(
        address: &str,
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (script, came): (Arc<Script>, Arc<Came>) = (Arc::new(script), Arc::default());
        let kept = Arc::clone(&came);
        let task = TaskTracker::new().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let (script, kept) = (Arc::clone(&script), Arc::clone(&kept));
                TaskTracker::new().spawn(async move {
                    let _ = serve(stream, &*script, &kept).await;
                });
            }
        });
        Self { host, came, task }
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.host.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.came.connections.load(Ordering::SeqCst)
    }

    /// Every request, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.came.requests.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: &Script, came: &Came) -> std::io::Result<()> {
    loop {
        let Some(request) = request(&mut stream).await? else { return Ok(()) };
        let before = {
            let mut requests = came.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match script(before, &request) {
            Act::Say(text) => stream.write_all(text.as_bytes()).await?,
            Act::SayAndClose(text) => return stream.write_all(text.as_bytes()).await,
            Act::SayAndHang(text) => {
                stream.write_all(text.as_bytes()).await?;
                std::future::pending::<()>().await;
            }
            Act::Reset => return stream.set_zero_linger(),
        }
    }
}

/// One request; `None` where the client has gone, or speaks something else.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let is_http = bytes.first().is_none_or(u8::is_ascii_uppercase);
        if !is_http || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |n| n.trim().parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
