//! A quota for each tenant of an axum service, and the headers that tell them where they stand.
//!
//! One tenant sends thirty requests at once and gets ten answers; another, who sends three, does not
//! notice. Every response has the `RateLimit` fields of the IETF's draft, and a refused one `Retry-After`.
//!
//! Run it with `cargo run --example axum_rate_limit`.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use seawall::prelude::*;
use seawall_http::{QuotaPolicy, write_quotas};
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceBuilder;

/// Who asks. A service takes this from the credentials that it has checked, and from nothing else: a
/// name that callers can choose is a fresh quota for each name.
fn tenant_of(request: &Request) -> String {
    let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
    tenant.unwrap_or("anonymous").to_owned()
}

/// What a tenant gets who has used up his quota: 429, and when to come back.
async fn refusal(error: Error<Infallible>) -> Response {
    match error {
        Error::Rejected(refused) => seawall_http::response(&refused),
        Error::Inner(never) => match never {},
    }
}

/// Quotas, and how they are called on the wire.
#[derive(Clone)]
struct Quotas {
    tenants: RateLimiters<str>,
    policy: QuotaPolicy,
}

/// Tells every tenant on every response what is left to him.
async fn tell(State(quotas): State<Quotas>, request: Request, next: Next) -> Response {
    let tenant = tenant_of(&request);
    let mut response = next.run(request).await;
    let standing = quotas.tenants.standing(&tenant);
    let until = if standing.remaining == 0 { standing.next } else { standing.full };
    let left = quotas.policy.left(standing.remaining).with_reset(until);
    write_quotas(response.headers_mut(), &[quotas.policy], &[left]);
    response
}

fn app(quotas: Quotas) -> Router {
    let guard = ServiceBuilder::new()
        .layer(from_fn_with_state(quotas.clone(), tell))
        .layer(HandleErrorLayer::new(refusal))
        .layer(RateLimiterLayer::keyed(quotas.tenants, tenant_of));
    Router::new().route("/", get(|| async { "here you are" })).layer(guard)
}

/// The answers to so many requests of a tenant, all at once.
async fn ask(
    at: SocketAddr,
    tenant: &'static str,
    count: usize,
) -> Result<Vec<(StatusCode, HeaderMap)>, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<axum::body::Bytes>>();
    let mut requests = JoinSet::new();
    for _ in 0..count {
        let request = Request::get(format!("http://{at}/")).header("x-tenant", tenant);
        let answer = client.request(request.body(Empty::new())?);
        requests.spawn(async move { answer.await.map(|answer| answer.into_parts().0) });
    }
    let answers = requests.join_all().await.into_iter();
    answers
        .map(|answer| answer.map(|parts| (parts.status, parts.headers)).map_err(Into::into))
        .collect()
}

fn answered(answers: &[(StatusCode, HeaderMap)]) -> usize {
    answers.iter().filter(|(status, _)| status.is_success()).count()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let quota = Quota::per_minute(60)?.burst(10)?; // one a second, and ten at once
    let tenants = RateLimiters::builder("tenants").quota(quota).max_keys(10_000).build()?;
    // On the wire: ten, and ten seconds until they are all there again.
    let burst = quota.most_at_once();
    let policy = QuotaPolicy::new("tenant", burst.into())?.with_window(quota.interval() * burst);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let server =
        tokio::spawn(async move { axum::serve(listener, app(Quotas { tenants, policy })).await });

    let noisy = ask(at, "noisy", 30).await?;
    let quiet = ask(at, "quiet", 3).await?;
    server.abort();

    for (tenant, answers) in [("noisy", &noisy), ("quiet", &quiet)] {
        println!("{tenant}: {} of {} answered", answered(answers), answers.len());
    }
    if let Some((status, headers)) = noisy.iter().find(|(status, _)| !status.is_success()) {
        println!("a refusal: {status}");
        for name in ["ratelimit-policy", "ratelimit", "retry-after"] {
            println!("   {name}: {}", headers.get(name).ok_or("the field is missing")?.to_str()?);
        }
    }
    if (answered(&noisy), answered(&quiet)) != (10, 3) {
        return Err(
            "ten of the noisy tenant's should be answered, and all of the quiet one's".into()
        );
    }
    Ok(())
}
