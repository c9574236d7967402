//! Receives a fake's webhooks over loopback and hands them to the engine.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::store::TenantId;
use crate::sync::{Engine, SyncEngine};

/// Whoever receives; another one after a restart.
type Current = Arc<Mutex<Arc<Engine>>>;

/// A listener at work. Dropping it closes the listener and all its connections.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(super) async fn start(engine: Current, tenant: TenantId) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, engine, tenant));
        Ok(Self { address, task })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }
}

async fn accept(listener: TcpListener, engine: Current, tenant: TenantId) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, most likely; some may be free soon.
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                let (engine, tenant) = (Arc::clone(&engine), tenant.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        respond(Arc::clone(&engine), tenant.clone(), request)
                    });
                    // An error is a connection that the sender has cut.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
}

async fn respond(
    engine: Current,
    tenant: TenantId,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Empty<Bytes>>, Infallible> {
    let engine = Arc::clone(&engine.lock().unwrap_or_else(PoisonError::into_inner));
    let (head, body) = request.into_parts();
    let status = match body.collect().await {
        Ok(body) => match engine
            .receive(&tenant, &head.headers, &body.to_bytes())
            .await
        {
            Ok(_) => http::StatusCode::OK,
            Err(error) => error.status(),
        },
        Err(_) => http::StatusCode::BAD_REQUEST,
    };
    let mut response = hyper::Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}
