//! A circuit breaker on an axum route: one circuit, however many connections there are.
//!
//! axum applies a layer once a route and once a connection. A layer that made its state there would
//! have a circuit a connection, and none would ever see enough failures. Seawall's layer holds the
//! breaker, so all connections share one circuit; this example proves it.
//!
//! Run it with `cargo run --example axum_service`.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use seawall::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceBuilder;

/// What a client gets when the circuit refuses: 503, and when to come back.
async fn refusal(error: Error<Infallible>) -> Response {
    match error {
        Error::Rejected(refused) => {
            // Rounded up: a client that comes a moment too early is refused again.
            let wait = refused.retry_after().unwrap_or_default().as_millis().div_ceil(1_000);
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, wait.to_string())]).into_response()
        }
        Error::Inner(never) => match never {},
    }
}

fn app(breaker: CircuitBreaker, reached: Arc<AtomicUsize>) -> Router {
    // A 5xx is the handler's way to fail: its error type is `Infallible`.
    let by_status = |result: Result<&Response, &Infallible>| match result {
        Ok(response) if response.status().is_server_error() => Outcome::Failure,
        _ => Outcome::Success,
    };
    let guard = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(refusal))
        .layer(CircuitBreakerLayer::new(breaker).classify(by_status));
    let handler = move |_: Request| async move {
        reached.fetch_add(1, Relaxed);
        StatusCode::INTERNAL_SERVER_ERROR // the database is gone
    };
    Router::new().route("/", get(handler)).layer(guard)
}

/// The status of one request on a connection of its own.
async fn ask(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let breaker = CircuitBreaker::builder("database").consecutive_failures(5).build()?;
    let reached = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = app(breaker.clone(), Arc::clone(&reached));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    for connection in 1..=50 {
        let status = ask(address).await?;
        if connection <= 7 || connection == 50 {
            println!("connection {connection:>2}: {status}");
        }
    }
    server.abort();

    let reached = reached.load(Relaxed);
    println!("50 connections, {reached} reached the handler; the circuit is {}", breaker.state());
    if reached != 5 {
        return Err(format!("one shared circuit lets 5 through, and not {reached}").into());
    }
    Ok(())
}
