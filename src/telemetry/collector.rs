//! The exporter's way to its collector.
//!
//! The queue's thread waits for an export on an executor that knows no network. So the request runs on the process's
//! runtime, which outlives the last export, and the thread waits for its end alone.

use futures::future::BoxFuture;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::otlp::PATIENCE;
use crate::fetch::{self, Endpoint, Fetch};

/// Largest answer of a collector that is read, in bytes; it says how many spans were not taken, and why.
const LARGEST: usize = 64 * 1024;

/// Sends what the exporter made to one place, whatever place the exporter believes in: the library reads the environment.
#[derive(Debug)]
pub(super) struct Collector {
    pub(super) fetch: Fetch,
    pub(super) to: Endpoint,
    pub(super) runtime: Handle,
    pub(super) tasks: TaskTracker,
}

impl Collector {
    fn request(&self, request: Request<Bytes>) -> fetch::Request {
        let (head, body) = request.into_parts();
        fetch::Request {
            method: head.method,
            to: self.to.clone(),
            headers: head.headers,
            body: body.into(),
            timeout: PATIENCE,
            most: LARGEST,
            redirects: 0,
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> BoxFuture<'b, Result<Response<Bytes>, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        let (fetch, request) = (self.fetch.clone(), self.request(request));
        let sending = self.tasks.spawn_on(async move { fetch.send(request).await }, &self.runtime);
        Box::pin(async move {
            let answer = sending.await??;
            let mut response = Response::new(Bytes::from(answer.body));
            *response.status_mut() = answer.status.try_into()?;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
