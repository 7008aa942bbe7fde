//! Words on a screen: what strangers wrote, made harmless; and numbers as people read them.

use std::time::Duration;

/// How many characters of anything are shown at most: a payload can be megabytes.
const MOST: usize = 500;

/// What somebody else wrote: on one line, of bounded length, and without a character that a terminal obeys.
///
/// An escape sequence in a payload could move the cursor, change the title or write into the clipboard of
/// whoever looks; a mark of direction could turn what is read around. They are shown as what they are.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(4 * MOST)]; // no character is longer
    let mut shown = String::new();
    let mut left = MOST;
    for character in String::from_utf8_lossy(begin).chars() {
        let width = if is_harmless(character) { 1 } else { character.escape_default().count() };
        if width > left {
            break;
        }
        left -= width;
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    if shown.chars().count() >= MOST || begin.len() < bytes.len() {
        shown.push('…');
    }
    shown
}

/// Neither a control character nor one that is not seen: marks of direction, joiners, tags.
const fn is_harmless(character: char) -> bool {
    !matches!(
        character,
        '\0'..='\x1F' | '\x7F'..='\u{9F}' | '\u{AD}' | '\u{61C}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    )
}

/// `1234567` as `1 234 567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A rate, in a second: with a digit behind the point where it is small.
pub(crate) fn rate(a_second: f64) -> String {
    if a_second < 9.95 {
        format!("{a_second:.1}/s")
    } else {
        format!("{}/s", count(a_second.round() as u64))
    }
}

/// How long something is: two digits or three, and what they are of.
pub(crate) fn span(time: Duration) -> String {
    let (seconds, tenths) = (time.as_secs(), time.subsec_millis() / 100);
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..=9 => format!("{seconds}.{tenths} s"),
        10..=99 => format!("{seconds} s"),
        100..=5_999 => format!("{} min", seconds / 60),
        6_000..=359_999 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A bar of `width` cells: what of it is done, to the half of a cell, and the rest.
pub(crate) fn bar(done: u64, total: u64, width: u16) -> (String, String) {
    let halves = u128::from(width) * 2;
    let done = u128::from(done.min(total)) * halves / u128::from(total.max(1));
    let mut bar = "━".repeat((done / 2) as usize);
    if !done.is_multiple_of(2) {
        bar.push('╸');
    }
    let rest = (halves - done) / 2;
    (bar, "─".repeat(rest as usize)) // told from what is done where there are no colours, too
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_writes_no_escape_sequence() {
        let hostile = "a\x1b]52;c;cm0gLXJm\x07\r\n\u{9b}2J\u{202e}b\u{200b}";

        let shown = plain(hostile.as_bytes());

        assert_eq!(shown, r"a\u{1b}]52;c;cm0gLXJm\u{7}\r\n\u{9b}2J\u{202e}b\u{200b}");
        assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn a_payload_of_any_length_is_cut() {
        for payload in [vec![b'x'; 10 << 20], vec![0x1B; 10 << 20], vec![0xFF; 10 << 20]] {
            let shown = plain(&payload);
            assert!(shown.chars().count() <= MOST + 1 && shown.ends_with('…'), "{}", shown.len());
        }
        assert_eq!(plain("é".repeat(MOST - 1).as_bytes()), "é".repeat(MOST - 1));
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        let counts = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([0.0, 9.94, 9.96, 41_234.4].map(rate), ["0.0/s", "9.9/s", "10/s", "41 234/s"]);
        let spans = [0, 950, 1_250, 59_000, 150_000, 7_200_000, 864_000_000];
        let spans = spans.map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(spans, ["0 ms", "950 ms", "1.2 s", "59 s", "2 min", "2 h", "10 d"]);
    }

    #[test]
    fn a_bar_is_as_wide_as_it_is_told_whatever_is_done() {
        let bars = [(0, 8), (1, 8), (8, 16), (16, 16), (99, 16), (3, 0), (u64::MAX, u64::MAX)];

        let bars = bars.map(|(done, total)| bar(done, total, 4));

        let full = ("━━━━", "");
        let none = ("", "────");
        let expected = [none, ("╸", "───"), ("━━", "──"), full, full, none, full];
        assert_eq!(bars.each_ref().map(|(done, rest)| (done.as_str(), rest.as_str())), expected);
    }
}
