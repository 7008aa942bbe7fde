//! `RateLimit-Policy` and `RateLimit`, read and written, and what went before them.

#![expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AGE, RETRY_AFTER},
};
use proptest::prelude::*;
use seawall_core::{ConfigError, Reason, Rejection};
use seawall_http::{
    LegacyNames, QuotaLeft, QuotaPolicy, QuotaUnit, RATELIMIT, RATELIMIT_POLICY, quota_policies,
    quota_policies_value, quotas_left, quotas_left_value, response, response_with_quotas,
    retry_after, wait_asked_for, write_legacy_quotas, write_quotas,
};

const SECOND: Duration = Duration::from_secs(1);

/// The most that goes over the wire.
const MOST: u64 = 999_999_999_999_999;

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    headers
}

fn policies(value: &str) -> Vec<QuotaPolicy> {
    quota_policies(&headers(&[(RATELIMIT_POLICY, value)]))
}

fn left(value: &str) -> Vec<QuotaLeft> {
    quotas_left(&headers(&[(RATELIMIT, value)]))
}

fn policy(name: &'static str, quota: u64) -> QuotaPolicy {
    QuotaPolicy::new(name, quota).expect("a sound name")
}

fn wait(lines: &[(HeaderName, &str)]) -> Option<u64> {
    wait_asked_for(&headers(lines), SystemTime::UNIX_EPOCH).map(|wait| wait.as_secs())
}

#[test]
fn policies_are_read_with_all_that_they_say() {
    let read = policies(
        r#""burst";q=100;w=60, "bytes";q=65535;qu="content-bytes";w=10;pk=:cHsdsRa894==:;acme-note=?1"#,
    );

    let burst = policy("burst", 100).with_window(SECOND * 60);
    let bytes = policy("bytes", 65_535)
        .with_unit(QuotaUnit::CONTENT_BYTES)
        .with_window(SECOND * 10)
        .with_partition_key(*b"\x70\x7b\x1d\xb1\x16\xbc\xf7");
    assert_eq!(read, [burst, bytes]);
}

#[test]
fn what_is_left_is_read_with_all_that_it_says() {
    let read = left(r#""default";r=50;t=30,"trial";r=999;pk=:dHJpYWwxMjEzMjM=:"#);

    let default = policy("default", 0).left(50).with_reset(SECOND * 30);
    let trial = policy("trial", 0).left(999).with_partition_key(*b"trial121323");
    assert_eq!(read, [default, trial]);
}

#[test]
fn a_list_over_several_lines_is_one() {
    let lines = [(RATELIMIT, r#""burst";r=1"#), (RATELIMIT, r#""daily";r=2, "monthly";r=3"#)];

    let names: Vec<_> =
        quotas_left(&headers(&lines)).iter().map(|left| left.name().to_owned()).collect();

    assert_eq!(names, ["burst", "daily", "monthly"]);
}

#[test]
fn a_field_that_is_malformed_anywhere_is_not_there() {
    for value in [
        "",                                  // an empty list
        r#""a""#,                            // what is left, and of what: both are needed
        r#""a";r=-1"#,                       // less than nothing
        r#""a";r=1.5"#,                      // a fraction
        r#""a";r="5""#,                      // a string
        r#""a";r"#,                          // a flag
        r#""a";r=1000000000000000"#,         // sixteen digits
        r#""a";r=1;t=-1"#,                   // a time that has passed
        r#""a";r=1;t=soon"#,                 // a word
        r#""a";r=1;pk="key""#,               // a key that is no byte sequence
        "a;r=1",                             // a token for a name
        "5;r=1",                             // a number for a name: drafts before 08
        "limit=100, remaining=50, reset=30", // a dictionary: draft 07
        r#"("a" "b");r=1"#,                  // an inner list
        r#""a";r=1,"#,                       // a list that goes on
        r#""good";r=1, "bad""#,              // one of two
        "\"\u{fc}\";r=1",                    // beyond ASCII
    ] {
        assert_eq!(left(value), [], "{value}");
        assert_eq!(wait(&[(RATELIMIT, value)]), None, "{value}");
    }
    for value in
        [r#""a""#, r#""a";w=1"#, r#""a";q=1;w=0"#, r#""a";q=1;qu=requests"#, "100;w=60", "()"]
    {
        assert_eq!(policies(value), [], "{value}");
    }
}

#[test]
fn of_a_parameter_that_comes_twice_the_last_counts() {
    assert_eq!(left(r#""a";r=soon;r=7"#), [policy("a", 0).left(7)]);
}

#[test]
fn a_unit_that_is_not_known_here_keeps_its_name() {
    let read = policies(r#""a";q=5;qu="tokens", "b";q=5;qu="requests""#);

    assert_eq!(read[0].unit(), &QuotaUnit::new("tokens").expect("a sound name"));
    assert_eq!(read[0].unit().to_string(), "tokens");
    assert_eq!(read[1].unit(), &QuotaUnit::REQUESTS);
    let written = quota_policies_value(&read).expect("two policies");
    assert_eq!(written, r#""a";q=5;qu="tokens", "b";q=5"#);
}

#[test]
fn a_name_that_cannot_be_written_is_refused() {
    let refused = QuotaPolicy::new("größe", 5).expect_err("it is not ASCII");
    assert_eq!(refused.to_string(), r#"`name` is "größe": it must be printable ASCII"#);

    let others: [Result<_, ConfigError>; 2] =
        [QuotaLeft::new("a\nb", 5).map(|_| ()), QuotaUnit::new("\u{7f}").map(|_| ())];
    assert!(others.iter().all(Result::is_err));
    assert!(QuotaPolicy::new(r#"a "quoted" \ name"#, 5).is_ok());
}

#[test]
fn times_are_rounded_up_and_counts_capped() {
    let ms = Duration::from_millis;
    let all = policy("a", u64::MAX).with_window(ms(1_001));
    let nothing = all.left(u64::MAX).with_reset(ms(1));
    let no_time = policy("b", 0).with_window(ms(0));

    let written = quota_policies_value(&[all, no_time]).expect("two policies");
    assert_eq!(written, format!(r#""a";q={MOST};w=2, "b";q=0;w=1"#));
    let written = quotas_left_value(&[nothing]).expect("one");
    assert_eq!(written, format!(r#""a";r={MOST};t=1"#));
}

#[test]
fn nothing_to_say_is_no_field() {
    let mut headers = HeaderMap::new();

    write_quotas(&mut headers, &[], &[]);
    write_legacy_quotas(&mut headers, LegacyNames::RateLimit, &[], &[]);

    assert!(headers.is_empty());
}

#[test]
fn two_limiters_both_have_their_say() {
    let (inner, outer) = (policy("inner", 10), policy("outer", 100));
    let mut headers = HeaderMap::new();

    write_quotas(&mut headers, std::slice::from_ref(&inner), &[inner.left(3)]);
    write_quotas(&mut headers, std::slice::from_ref(&outer), &[outer.left(4)]);

    assert_eq!(quotas_left(&headers), [inner.left(3), outer.left(4)]);
    assert_eq!(quota_policies(&headers), [inner, outer]);
}

fn refused(reason: Reason) -> Rejection {
    Rejection::new(reason, "api").with_retry_after(Duration::from_millis(2_500))
}

#[test]
fn the_only_policy_is_the_one_that_refused() {
    let burst = policy("burst", 10).with_window(SECOND);

    let response = response_with_quotas::<()>(&refused(Reason::RateLimited), &[burst], &[]);

    assert_eq!(response.status(), 429);
    let headers = response.headers();
    assert_eq!(headers["retry-after"], "3");
    assert_eq!(headers["ratelimit"], r#""burst";r=0;t=3"#);
    assert_eq!(headers["ratelimit-policy"], r#""burst";q=10;w=1"#);
}

#[test]
fn of_several_policies_none_is_blamed_unsaid() {
    let both = [policy("burst", 10), policy("daily", 100)];
    let silent = response_with_quotas::<()>(&refused(Reason::RateLimited), &both, &[]);
    assert!(!silent.headers().contains_key(RATELIMIT));

    let left = [both[0].left(0).with_reset(SECOND), both[1].left(5)];
    let told = response_with_quotas::<()>(&refused(Reason::RateLimited), &both, &left);
    assert_eq!(quotas_left(told.headers()), left);
}

#[test]
fn another_patterns_refusal_says_nothing_of_what_is_left() {
    let response = response_with_quotas::<()>(&refused(Reason::Overloaded), &[policy("a", 1)], &[]);

    assert_eq!(response.status(), 503);
    assert!(!response.headers().contains_key(RATELIMIT));
}

#[test]
fn retry_after_is_made_longer_where_a_quota_is_dry_for_longer() {
    let (burst, daily) = (policy("burst", 10), policy("daily", 100));
    let asked = |left: &[QuotaLeft]| {
        let mut response = response::<()>(&refused(Reason::RateLimited));
        write_quotas(response.headers_mut(), &[], left);
        response.headers()["retry-after"].to_str().expect("digits").to_owned()
    };

    assert_eq!(asked(&[burst.left(0).with_reset(SECOND)]), "3");
    assert_eq!(asked(&[burst.left(0).with_reset(SECOND * 3), daily.left(0)]), "3");
    assert_eq!(asked(&[burst.left(0), daily.left(0).with_reset(SECOND * 90)]), "90");
    assert_eq!(asked(&[daily.left(1).with_reset(SECOND * 90)]), "3", "there is one left");
}

#[test]
fn where_nobody_is_sent_away_no_retry_after_is_written() {
    let mut headers = HeaderMap::new();
    write_quotas(&mut headers, &[], &[policy("burst", 1).left(0).with_reset(SECOND)]);
    assert!(!headers.contains_key(RETRY_AFTER));
}

#[test]
fn retry_after_comes_before_ratelimit() {
    let dry = (RATELIMIT, r#""a";r=0;t=60"#);

    assert_eq!(wait(std::slice::from_ref(&dry)), Some(60));
    assert_eq!(wait(&[dry.clone(), (RETRY_AFTER, "5")]), Some(5));
    assert_eq!(wait(&[dry, (RETRY_AFTER, "soon")]), Some(60), "what cannot be read is not there");
}

#[test]
fn only_a_quota_that_is_dry_makes_wait() {
    assert_eq!(wait(&[(RATELIMIT, r#""a";r=1;t=60"#)]), None);
    assert_eq!(wait(&[(RATELIMIT, r#""a";r=0"#)]), None);
    assert_eq!(wait(&[(RATELIMIT, r#""a";r=0;t=5, "b";r=0;t=9, "c";r=0, "d";r=1;t=60"#)]), Some(9));
}

#[test]
fn what_comes_from_a_cache_tells_of_the_past() {
    let dry = (RATELIMIT, r#""a";r=0;t=60"#);

    assert_eq!(wait(&[dry.clone(), (AGE, "1")]), None);
    assert_eq!(wait(&[dry.clone(), (AGE, "0")]), Some(60));
    assert_eq!(wait(&[dry, (AGE, "old")]), Some(60));
}

#[test]
fn the_old_headers_tell_of_the_quota_that_is_closest_to_its_end() {
    let (burst, daily) = (policy("burst", 10), policy("daily", 100));
    let both = [burst.clone(), daily.clone()];
    let told = |left: &[QuotaLeft]| {
        let mut headers = headers(&[(HeaderName::from_static("ratelimit-reset"), "77")]);
        write_legacy_quotas(&mut headers, LegacyNames::RateLimit, &both, left);
        ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
            .map(|name| headers.get(name).map(|value| value.to_str().expect("digits").to_owned()))
            .map(|value| value.unwrap_or_default())
    };
    let second = Duration::from_millis(900);

    assert_eq!(told(&[burst.left(9).with_reset(second), daily.left(2)]), ["100", "2", ""]);
    assert_eq!(told(&[burst.left(0).with_reset(second), daily.left(2)]), ["10", "0", "1"]);
    let even = [burst.left(0).with_reset(second), daily.left(0).with_reset(SECOND * 9)];
    assert_eq!(told(&even), ["100", "0", "9"]);
    assert_eq!(told(&[policy("other", 5).left(3)]), ["", "3", ""]);
    assert_eq!(told(&[burst.left(3).with_partition_key(*b"k")]), ["", "3", ""]);
}

#[test]
fn the_old_headers_have_two_spellings() {
    let burst = policy("burst", 10);
    let left = [burst.left(4)];
    let mut headers = HeaderMap::new();

    write_legacy_quotas(&mut headers, LegacyNames::XRateLimit, &[burst], &left);

    assert_eq!(headers["x-ratelimit-limit"], "10");
    assert_eq!(headers["x-ratelimit-remaining"], "4");
    assert_eq!(headers.len(), 2);
}

prop_compose! {
    fn any_policy()(
        name in "[ -~]{0,12}",
        quota in 0..=MOST,
        window in proptest::option::of(1..=MOST),
        unit in "[ -~]{0,8}",
        key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
    ) -> QuotaPolicy {
        let unit = QuotaUnit::new(unit).expect("printable ASCII");
        let mut policy = QuotaPolicy::new(name, quota).expect("printable ASCII").with_unit(unit);
        if let Some(window) = window {
            policy = policy.with_window(Duration::from_secs(window));
        }
        match key {
            Some(key) => policy.with_partition_key(key),
            None => policy,
        }
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let both = [(RATELIMIT, value.clone()), (RATELIMIT_POLICY, value)];
            let headers = HeaderMap::from_iter(both);
            let _ = (quotas_left(&headers), quota_policies(&headers));
        }
    }

    /// Nearly lists: what gets past the first checks of a parser.
    #[test]
    fn no_list_makes_it_panic(
        value in r#"("[a-z\\"]{0,3}"(;(q|r|t|w|qu|pk)(=(-?[0-9]{1,17}|"[a-z]"|:[A-Za-z=]{0,4}:|\?1))?){0,4},? ?){0,4}"#,
    ) {
        let _ = (left(&value), policies(&value));
    }

    #[test]
    fn what_is_written_is_read_again(written in proptest::collection::vec(any_policy(), 1..5)) {
        let value = quota_policies_value(&written).expect("at least one");
        let read = quota_policies(&HeaderMap::from_iter([(RATELIMIT_POLICY, value)]));
        prop_assert_eq!(&read, &written);

        let written: Vec<_> =
            written.iter().map(|policy| policy.left(policy.quota()).with_reset(SECOND)).collect();
        let value = quotas_left_value(&written).expect("at least one");
        let read = quotas_left(&HeaderMap::from_iter([(RATELIMIT, value)]));
        prop_assert_eq!(&read, &written);
    }

    /// Neither by the one field nor by the other.
    #[test]
    fn nobody_who_reads_a_refusal_comes_back_too_early(nanos in 0..u64::MAX / 2, more: u32) {
        let asked = Duration::from_nanos(nanos);
        let dry = asked + Duration::from_nanos(more.into());
        let burst = policy("burst", 1);
        let refused = Rejection::new(Reason::RateLimited, "api").with_retry_after(asked);

        let left = [burst.left(0).with_reset(dry)];
        let mut response = response_with_quotas::<()>(&refused, &[burst], &left);

        let now = SystemTime::UNIX_EPOCH;
        let by_retry_after = retry_after(response.headers(), now).expect("it was written");
        response.headers_mut().remove(RETRY_AFTER);
        let by_ratelimit = wait_asked_for(response.headers(), now).expect("it was written");
        prop_assert!(by_ratelimit >= dry && by_retry_after >= by_ratelimit);
    }
}
