//! Requests and answers, written and read by hand: a client that keeps to HTTP could not send most of what is sent here.

use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use calcom::webhook::SIGNATURE_HEADER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// How a request says where its body ends.
#[derive(Clone, Copy)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

/// The head of a delivery to a tenant.
pub(crate) fn head(tenant: &str, signature: Option<&str>, framing: Framing) -> Vec<u8> {
    let mut head = format!(
        "POST /webhooks/calcom/{tenant} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    );
    // Writing to a string cannot fail.
    let _ = match signature {
        Some(signature) => write!(head, "{SIGNATURE_HEADER}: {signature}\r\n"),
        None => Ok(()),
    };
    let _ = match framing {
        Framing::Length(length) => write!(head, "content-length: {length}\r\n\r\n"),
        Framing::Chunked => write!(head, "transfer-encoding: chunked\r\n\r\n"),
    };
    head.into_bytes()
}

/// A piece of a chunked body; an empty one ends it.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Vec<u8>,
    closes: bool,
}

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> io::Result<Self> {
        let stream = within(TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        let received = Vec::with_capacity(2048);
        Ok(Self { stream, received })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        within(self.stream.write_all(bytes)).await
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// The next answer; `None` if the connection was closed instead.
    pub(crate) async fn answer(&mut self) -> io::Result<Option<Answer>> {
        within(self.next_answer()).await
    }

    /// The next answer if it comes within this time. What has come of it until then is kept.
    pub(crate) async fn answer_within(
        &mut self,
        time: Duration,
    ) -> Option<io::Result<Option<Answer>>> {
        tokio::time::timeout(time, self.next_answer()).await.ok()
    }

    async fn next_answer(&mut self) -> io::Result<Option<Answer>> {
        loop {
            if let Some((answer, length)) = parse(&self.received)? {
                self.received.drain(..length);
                return Ok(Some(answer));
            }
            if self.received.len() > LARGEST_ANSWER {
                return Err(invalid("an endless answer"));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return match self.received.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }
}

async fn within<T>(call: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let answered = tokio::time::timeout(PATIENCE, call).await;
    answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The answer at the beginning of these bytes, and its length, once it is there as a whole.
fn parse(received: &[u8]) -> io::Result<Option<(Answer, usize)>> {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end]).map_err(|_| invalid("no HTTP"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| invalid("an answer without a status"))?,
        retry_after: None,
        body: Vec::new(),
        closes: false,
    };
    let mut length = 0;
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| invalid("a header without a colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(|_| invalid("a length"))?;
        } else if name.eq_ignore_ascii_case("retry-after") {
            answer.retry_after = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("connection") {
            answer.closes = value.eq_ignore_ascii_case("close");
        }
    }
    let body = end + 4..(end + 4).saturating_add(length);
    let Some(bytes) = received.get(body.clone()) else {
        return Ok(None);
    };
    answer.body.extend_from_slice(bytes);
    Ok(Some((answer, body.end)))
}

/// A connection that is kept for the next request, and opened again when it was closed.
pub(crate) struct KeptAlive {
    port: u16,
    connection: Option<Connection>,
}

impl KeptAlive {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            connection: None,
        }
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.port).await?,
        };
        connection.send(request).await?;
        let answer = connection.answer().await?;
        let answer = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
        if !answer.closes {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}
