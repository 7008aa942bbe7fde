//! Durations in configuration: no text makes the parser panic, and what it reads, it reads the same
//! after it was printed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_core::duration;

fuzz_target!(|text: &str| {
    if let Ok(read) = duration::parse(text) {
        let printed = duration::format(read);
        let again = duration::parse(&printed);
        assert_eq!(again.ok(), Some(read), "{text:?} was printed as {printed:?}");
    }
});
