//! Time zones.

/// Unambiguous zones, in hours: those of RFC 5322 section 4.3, and some others.
const ZONES: [(&str, i64); 24] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("edt", -4),
    ("est", -5),
    ("cdt", -5),
    ("cst", -6),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
    ("akst", -9),
    ("hst", -10),
    ("cet", 1),
    ("met", 1),
    ("cest", 2),
    ("mest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("jst", 9),
    ("kst", 9),
];

/// `-0800`, `-08:00`, `gmt+2`, and the known names.
pub(super) fn offset(word: &str) -> Option<i64> {
    if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == word) {
        return Some(hours * 3600);
    }
    let is_named = ["gmt", "utc", "ut"]
        .iter()
        .find_map(|name| word.strip_prefix(name));
    let bare = is_named.unwrap_or(word);
    let (sign, digits) = match bare.as_bytes().first()? {
        b'+' => (1, &bare[1..]),
        b'-' => (-1, &bare[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(pair) => pair,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None if is_named.is_some() && digits.len() <= 2 => (digits, "0"),
        None => return None,
    };
    let number = |part: &str, max: i64| {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        let number: i64 = part.parse().ok().filter(|_| is_number)?;
        (number <= max).then_some(number)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}
