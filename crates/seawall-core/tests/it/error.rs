//! The family's error: two levels, each of which prints itself and nothing else.

use std::{error::Error as StdError, fmt, io};

use seawall_core::{BoxError, ConfigError, Error, Reason, Rejection};

type IoError = Error<io::Error>;

fn refused<E>() -> Error<E> {
    Rejection::new(Reason::BulkheadFull, "db").into()
}

fn failed() -> IoError {
    Error::Inner(io::Error::other("the disk is on fire"))
}

fn chain(error: &dyn StdError) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    chain
}

#[test]
fn each_level_prints_itself_only() {
    assert_eq!(failed().to_string(), "the call failed");
    assert_eq!(refused::<io::Error>().to_string(), "the call was refused");
}

#[test]
fn the_chain_ends_in_the_inner_error_or_the_refusal() {
    assert_eq!(chain(&failed()), ["the call failed", "the disk is on fire"]);
    assert_eq!(
        chain(&refused::<io::Error>()),
        ["the call was refused", "`db`: the bulkhead is full"]
    );
}

#[test]
fn nested_errors_print_each_level_once() {
    let nested = Error::Inner(failed());

    assert_eq!(chain(&nested), ["the call failed", "the call failed", "the disk is on fire"]);
}

#[test]
fn the_inner_error_can_be_downcast_at_the_end_of_the_chain() {
    let failed = failed();

    let source = failed.source().and_then(|error| error.downcast_ref::<io::Error>());

    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::Other));
}

#[test]
fn an_inner_error_need_not_be_an_error() {
    let inner: Error<&str> = Error::Inner("just text");

    assert_eq!(inner.inner(), Some(&"just text"));
    assert_eq!(inner.map_inner(str::len).into_inner(), Some(9));
}

#[test]
fn one_is_refused_or_failed() {
    assert!(failed().inner().is_some() && failed().rejection().is_none());
    assert!(refused::<io::Error>().inner().is_none());
    assert!(refused::<io::Error>().into_inner().is_none());
    let reason = refused::<io::Error>().rejection().map(Rejection::reason);
    assert_eq!(reason, Some(Reason::BulkheadFull));
}

#[test]
fn a_refusal_survives_the_change_of_the_inner_error() {
    let changed = refused::<io::Error>().map_inner(|_| fmt::Error);

    assert_eq!(changed, refused());
}

#[test]
fn a_nested_error_flattens_into_its_own_kind() {
    let nested: Error<Error<fmt::Error>> = Error::Inner(Error::Inner(fmt::Error));
    let outer: Error<Error<fmt::Error>> = refused();

    assert_eq!(nested.flatten::<Error<fmt::Error>>(), Error::Inner(fmt::Error));
    assert_eq!(outer.flatten::<Error<fmt::Error>>(), refused());
}

#[test]
fn any_error_flattens_into_a_boxed_one() {
    let failed: BoxError = failed().flatten();
    let boxed: Error<BoxError> = Error::Inner(failed);
    let again: BoxError = boxed.flatten();
    let refused: BoxError = refused::<io::Error>().flatten();

    assert!(again.downcast_ref::<io::Error>().is_some(), "it is boxed once, not twice");
    assert!(refused.downcast_ref::<Rejection>().is_some());
}

#[test]
fn a_setting_that_is_wrong_names_itself_its_value_and_the_rule() {
    let error = ConfigError::new("ratio", 1.5, "a number from 0 to 1").of("failure_rate");

    assert_eq!(error.to_string(), "`failure_rate` is 1.5: it must be a number from 0 to 1");
    let parts = (error.field(), error.value(), error.rule());
    assert_eq!(parts, ("failure_rate", "1.5", "a number from 0 to 1"));
    assert!(error.source().is_none());
}
