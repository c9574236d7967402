//! The network side: a listener and its connections, both ours, so that either can be cut.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::FakeCalcom;
use super::answer::Answer;
use super::control;
use super::request::{MAX_BODY, Request};
use super::shared::{Response, Shared};

type Body = BoxBody<Bytes, io::Error>;

/// Ends a connection without an answer.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fake gives no answer")
    }
}

impl std::error::Error for NoAnswer {}

/// A listener at work. Dropping it closes the listener and all its connections.
#[derive(Debug)]
pub(super) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, shared, stopped));
        Self {
            stop: Some(stop),
            task,
        }
    }

    /// Closes the listener and all connections, and waits until that is so.
    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        // It ends by itself; the only error is that of a task that was cancelled.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens again where the fake listened before.
pub(super) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, most likely; some may be free soon.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
                    // An error is a connection that was cut, by the client or on purpose.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn respond(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, NoAnswer> {
    let (head, body) = request.into_parts();
    // Enough to see that it is too much.
    let body = match Limited::new(body, 4 * MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::from(vec![b' '; MAX_BODY + 1]),
    };
    let target = head
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    if shared.has_control_api {
        let handle = FakeCalcom::borrowed(Arc::clone(&shared));
        let path = head.uri.path();
        if let Some(answer) = control::answer(&handle, &head.method, path, &body).await {
            return into_http(answer, false);
        }
    }
    let request = Request::new(head.method, target, head.headers, body);
    // A task of its own: a server goes on with a request whose client has gone.
    let (done, response) = oneshot::channel();
    let worker = Arc::clone(&shared);
    shared.spawn(async move {
        // Nobody listens any more if the client has gone.
        let _ = done.send(worker.receive(request).await);
    });
    let Response { answer, truncated } = response.await.ok().flatten().ok_or(NoAnswer)?;
    into_http(answer, truncated)
}

fn into_http(answer: Answer, truncated: bool) -> Result<hyper::Response<Body>, NoAnswer> {
    let mut builder = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let body = if truncated {
        builder = builder.header("content-length", answer.body.len());
        let half = answer.body.slice(..answer.body.len() / 2);
        let frames = stream::unfold(Some(half), |half| async move {
            match half {
                Some(half) => Some((Ok(Frame::data(half)), None)),
                None => {
                    // Time for the first half to leave.
                    tokio::task::yield_now().await;
                    Some((Err(io::ErrorKind::BrokenPipe.into()), None))
                }
            }
        });
        BodyExt::boxed(StreamBody::new(frames))
    } else {
        Full::new(answer.body)
            .map_err(|never| match never {})
            .boxed()
    };
    builder.body(body).map_err(|_| NoAnswer)
}
