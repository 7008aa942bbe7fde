//! What a status says about another try.

use http::StatusCode;

/// Whether the same request may do better later: 408, 425, 429, 502, 503 and 504.
///
/// Not 500, behind which there is a bug more often than a bad moment. Whether the request may be made
/// twice is another question, which its method answers.
#[must_use]
pub const fn is_worth_a_retry(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 502 | 503 | 504)
}
