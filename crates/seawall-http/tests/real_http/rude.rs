//! A server that breaks its first connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What it does to a connection once it has read the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rudeness {
    /// Resets it: the client meets an error of the socket.
    Reset,
    /// Closes it without a word.
    Silence,
    /// Closes it in the middle of the answer's head.
    HalfAnAnswer,
}

/// A server that is rude to the first and polite to all others, one connection a request.
pub(crate) struct RudeServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl RudeServer {
    pub(crate) async fn start(rudeness: Rudeness) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(serve(listener, rudeness, Arc::clone(&requests)));
        Self { address, requests, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many requests it has read.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }
}

impl Drop for RudeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, rudeness: Rudeness, requests: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_head(&mut stream).await;
        let answer: &[u8] = match (requests.fetch_add(1, Relaxed), rudeness) {
            (0, Rudeness::Reset) => {
                stream.set_zero_linger().expect("an open socket");
                continue;
            }
            (0, Rudeness::Silence) => continue,
            (0, Rudeness::HalfAnAnswer) => b"HTTP/1.1 200 OK\r\ncontent-le",
            _ => b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nthe body",
        };
        stream.write_all(answer).await.expect("the client listens");
    }
}

/// Reads to the end of the request's head; its body, where there is one, is short and comes with it or
/// not at all.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read_buf(&mut head).await.expect("the client writes");
        assert_ne!(read, 0, "the client closed in the middle of its request");
    }
}
