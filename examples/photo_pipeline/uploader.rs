//! Who uploads: photos at a steady rate, however long an answer takes.

use std::{net::SocketAddr, time::Duration};

use axum::body::Bytes;
use hdrhistogram::Histogram;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use seawall_core::BoxError;
use seawall_queue::job::JobId;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{args::Args, picture::Picture, watch::Stage};

/// A photo for which the server has answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: JobId,
    /// How large the photo is.
    pub(crate) size: (u32, u32),
}

pub(crate) struct Uploads {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) refused: u32,
    /// In microseconds, each from the moment when the photo was to be sent.
    pub(crate) waited: Histogram<u64>,
}

/// Uploads as many photos as are asked for, of those that there are.
pub(crate) async fn upload(
    address: SocketAddr,
    pictures: &[Picture],
    args: &Args,
    stage: &Stage,
) -> Result<Uploads, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let uri: Uri = format!("http://{address}/photos").parse()?;
    let begun = Instant::now();
    let mut sending = JoinSet::new(); // ends with this future
    for (turn, picture) in (0..args.photos).zip(pictures.iter().cycle()) {
        let due = begun + Duration::from_secs(1) * turn / args.rate;
        sleep_until(due).await;
        let (client, uri, picture, stage) =
            (client.clone(), uri.clone(), picture.clone(), stage.clone());
        sending.spawn(async move {
            let id = send(&client, uri, picture.jpeg).await?;
            if id.is_some() {
                stage.accepted();
            }
            Ok::<_, BoxError>((id.map(|id| Accepted { id, size: picture.size }), due.elapsed()))
        });
    }
    let mut uploads = Uploads { accepted: Vec::new(), refused: 0, waited: Histogram::new(3)? };
    while let Some(sent) = sending.join_next().await {
        let (accepted, waited) = sent??;
        match accepted {
            Some(accepted) => {
                uploads.accepted.push(accepted);
                uploads.waited.record(waited.as_micros() as u64)?;
            }
            None => uploads.refused += 1,
        }
    }
    uploads.accepted.sort_unstable_by_key(|accepted| accepted.id);
    Ok(uploads)
}

/// The job's id, if the photo is accepted.
async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    jpeg: Bytes,
) -> Result<Option<JobId>, BoxError> {
    let request = Request::builder().method(Method::POST).uri(uri).body(Full::new(jpeg))?;
    let answer = client.request(request).await?;
    let is_accepted = answer.status() == StatusCode::ACCEPTED;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(if is_accepted { Some(JobId(std::str::from_utf8(&body)?.parse()?)) } else { None })
}
