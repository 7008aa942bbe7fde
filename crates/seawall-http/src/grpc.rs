//! What a gRPC response says in its headers.
//!
//! A response that fails at once has its status there (gRPC calls it "trailers-only"); one that has
//! begun to answer has it in the trailers after the body, which nobody reads here.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};

use crate::number;

/// gRPC's header for how a call ended: a number from 0, which is well, to 16.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// gRPC's header for when to try again: milliseconds, or a negative number for never.
pub const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// How a gRPC call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrpcStatus {
    /// 0: well.
    Ok,
    /// 1: the caller gave it up.
    Cancelled,
    /// 2: nobody knows; also any number that is not of this list.
    Unknown,
    /// 3: the request cannot be, whatever the server's state.
    InvalidArgument,
    /// 4: the time was over.
    DeadlineExceeded,
    /// 5: what was asked for is not there.
    NotFound,
    /// 6: what was to be made is there already.
    AlreadyExists,
    /// 7: the caller may not.
    PermissionDenied,
    /// 8: a quota is used up, or a disk is full.
    ResourceExhausted,
    /// 9: the request cannot be in the server's present state.
    FailedPrecondition,
    /// 10: it lost against another call.
    Aborted,
    /// 11: it went past the end.
    OutOfRange,
    /// 12: the server has no such method.
    Unimplemented,
    /// 13: something is broken.
    Internal,
    /// 14: the service is away for now.
    Unavailable,
    /// 15: data is lost.
    DataLoss,
    /// 16: the caller did not say who it is.
    Unauthenticated,
}

impl GrpcStatus {
    /// The status for a number; [`Unknown`](Self::Unknown) for one that gRPC does not have.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Ok,
            1 => Self::Cancelled,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            6 => Self::AlreadyExists,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            10 => Self::Aborted,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            15 => Self::DataLoss,
            16 => Self::Unauthenticated,
            _ => Self::Unknown,
        }
    }

    /// The status of HTTP that says the same, by the mapping of `google/rpc/code.proto`.
    #[must_use]
    pub fn as_http(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Cancelled => StatusCode::from_u16(499).expect("a number of three digits"),
            Self::InvalidArgument | Self::FailedPrecondition | Self::OutOfRange => {
                StatusCode::BAD_REQUEST
            }
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists | Self::Aborted => StatusCode::CONFLICT,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unknown | Self::Internal | Self::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// How the call ended by [`GRPC_STATUS`]; `None` where the headers do not tell.
#[must_use]
pub fn grpc_status(headers: &HeaderMap) -> Option<GrpcStatus> {
    number(headers.get(GRPC_STATUS)?.to_str().ok()?).map(GrpcStatus::from_number)
}

/// What a server wishes about another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pushback {
    /// That there is none.
    Never,
    /// That it comes after exactly this time.
    After(Duration),
}

/// What the server wishes by [`GRPC_PUSHBACK`].
///
/// A negative number is [`Pushback::Never`], and so is what is no number at all: a server that writes
/// this header is in trouble, and who does not understand it should not add to that. (gRPC proposal A6
/// wants it so.)
///
/// # Examples
///
/// ```
/// # use http::{HeaderMap, HeaderValue};
/// # use seawall_http::Pushback;
/// # use std::time::Duration;
/// let mut headers = HeaderMap::new();
/// headers.insert("grpc-retry-pushback-ms", HeaderValue::from_static("250"));
/// let wish = seawall_http::grpc_pushback(&headers);
/// assert_eq!(wish, Some(Pushback::After(Duration::from_millis(250))));
/// ```
#[must_use]
pub fn grpc_pushback(headers: &HeaderMap) -> Option<Pushback> {
    let value = headers.get(GRPC_PUSHBACK)?;
    Some(value.to_str().ok().and_then(milliseconds).map_or(Pushback::Never, Pushback::After))
}

/// A number as gRPC wants it: of 32 bits with its sign, and without zeros that it does not need.
fn milliseconds(value: &str) -> Option<Duration> {
    let padded = value.len() > 1 && value.starts_with('0');
    let fits = number(value).filter(|&millis| !padded && i32::try_from(millis).is_ok());
    fits.map(Duration::from_millis)
}
