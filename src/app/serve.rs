//! The HTTP rim, listening.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::App;

/// A listening app.
#[derive(Debug)]
pub struct Serving {
    app: App,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

impl App {
    /// Listens on the configured address.
    pub async fn serve(self) -> anyhow::Result<Serving> {
        let wanted = self.config.http.addr;
        let listener = TcpListener::bind(wanted).await.with_context(|| {
            format!("cannot listen on {wanted}; set VESTIBULE__HTTP__ADDR to another address, or stop what listens there")
        })?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = self.tasks.spawn(server.into_future());
        Ok(Serving { app: self, address, stop, server })
    }
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Takes no more requests, answers those under way, and ends.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.server.await.context("the server's task ended badly")??;
        self.app.shutdown().await;
        Ok(())
    }
}
