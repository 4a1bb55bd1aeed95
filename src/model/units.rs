//! Quantities: how they are written in a spec, and how they are written in a chapter.

use std::fmt;

/// A length of time in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// Events a second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Rate(pub f64);

/// How many, such as connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Count(pub u64);

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Ratio(pub f64);

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

/// Why a text is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Time {
    /// From milliseconds.
    #[must_use]
    pub fn ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// From seconds.
    #[must_use]
    pub fn s(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// From hours.
    #[must_use]
    pub fn h(h: u64) -> Self {
        Self::s(h.saturating_mul(3600))
    }

    /// In seconds.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "microseconds of a design fit 52 bits"
    )]
    pub fn as_s(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In whole milliseconds, rounded up.
    #[must_use]
    pub fn as_ms(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// This many times as long.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// Scaled by `factor`, which must not be negative.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate"
    )]
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as u64)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after `other`, or nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Rounded up to a number that reads well: steps of 10 ms below a second, 100 ms below ten, then
    /// whole seconds.
    #[must_use]
    pub fn round_up(self) -> Self {
        let step = match self.0 {
            0..=1_000_000 => 10_000,
            1_000_001..=10_000_000 => 100_000,
            _ => 1_000_000,
        };
        Self(self.0.div_ceil(step).saturating_mul(step))
    }

    /// As configuration files of Prometheus and Kubernetes take it: `250ms`, `30s`, `5m`, `7d`.
    #[must_use]
    pub fn compact(self) -> String {
        let (n, unit) = self.unit();
        format!("{n}{unit}")
    }

    fn unit(self) -> (u64, &'static str) {
        for (unit, size) in [
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
        ] {
            // Below two of a unit the smaller one reads better: 90 s, but 36 h.
            if self.0 >= size && self.0.is_multiple_of(size) {
                return (self.0 / size, unit);
            }
        }
        (self.as_ms(), "ms")
    }

    /// Seconds to the millisecond: `15.15`, `30`.
    fn seconds(self) -> String {
        let ms = self.as_ms();
        let text = format!("{}.{:03}", ms / 1000, ms % 1000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// By its units: `7 d 2 min 36 s`.
    fn by_unit(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut parts = Vec::new();
        for (unit, size) in [
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("min", 60_000_000),
        ] {
            if rest >= size {
                parts.push(format!("{} {unit}", rest / size));
                rest %= size;
            }
        }
        if rest > 0 {
            parts.push(format!("{} s", Self(rest).seconds()));
        }
        f.write_str(&parts.join(" "))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 && self.0 < 1000 {
            return write!(f, "{} µs", self.0);
        }
        // 1.5 s reads better than 1500 ms.
        if self.0 > 1_000_000 && self.0 < 60_000_000 && !self.0.is_multiple_of(1_000_000) {
            return write!(f, "{} s", self.seconds());
        }
        match self.unit() {
            // Nobody reads 604956 s, 157050 ms or 400 min.
            (1000.., "s") | (60_000.., "ms") | (121.., "m") => self.by_unit(f),
            (n, "m") => write!(f, "{n} min"),
            (n, unit) => write!(f, "{n} {unit}"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0.0 && self.0 < 0.1 {
            return write!(f, "{}/min", float(self.0 * 60.0));
        }
        write!(f, "{}/s", count(self.0))
    }
}

impl fmt::Display for Count {
    #[allow(clippy::cast_precision_loss, reason = "exact to 9 × 10^15")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&count(self.0 as f64))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", percent(self.0))
    }
}

impl fmt::Display for Bytes {
    /// Exactly, in the units of powers of 2 or of 10, where three digits say it; rounded otherwise, in powers of 2.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BINARY: [(&str, u64); 4] = [
            ("TiB", 1 << 40),
            ("GiB", 1 << 30),
            ("MiB", 1 << 20),
            ("KiB", 1 << 10),
        ];
        const DECIMAL: [(&str, u64); 4] = [
            ("TB", 1_000_000_000_000),
            ("GB", 1_000_000_000),
            ("MB", 1_000_000),
            ("kB", 1000),
        ];
        for (unit, size) in BINARY.into_iter().chain(DECIMAL) {
            if self.0.is_multiple_of(size) && (1..1000).contains(&(self.0 / size)) {
                return write!(f, "{} {unit}", self.0 / size);
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "shown with three digits")]
        let (value, of) = (self.0 as f64, |size: u64| size as f64);
        for (unit, size) in DECIMAL {
            if self.0 >= size && self.0.is_multiple_of(size / 100) && self.0 / size < 10 {
                return write!(f, "{} {unit}", float(value / of(size)));
            }
        }
        match BINARY
            .into_iter()
            .find(|(_, size)| self.0 >= *size && self.0 >= 10_000)
        {
            Some((unit, size)) => write!(f, "{} {unit}", float(value / of(size))),
            None => write!(f, "{} B", self.0),
        }
    }
}

/// A number for people: three significant digits, no trailing zeros. The one place where floats are
/// rounded for text.
#[must_use]
pub fn float(value: f64) -> String {
    if !value.is_finite() {
        return "∞".to_owned();
    }
    let magnitude = value.abs();
    let digits = match magnitude {
        m if m >= 100.0 || m == 0.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        m if m >= 0.1 => 3,
        m if m >= 0.01 => 4,
        _ => 6,
    };
    trim(format!("{value:.digits$}"))
}

/// A count for people, its thousands apart: `720,000`.
#[must_use]
pub fn count(value: f64) -> String {
    let text = float(value);
    let end = text.find('.').unwrap_or(text.len());
    let mut out = String::with_capacity(text.len() + 4);
    for (i, c) in text.chars().enumerate() {
        if (1..end).contains(&i) && end >= 5 && (end - i).is_multiple_of(3) && c.is_ascii_digit() {
            out.push(',');
        }
        out.push(c);
    }
    out
}

impl Ratio {
    /// Per cent, without what binary fractions add: 10, not 10.000000000000002.
    #[must_use]
    pub fn percent(self) -> f64 {
        (self.0 * 1e8).round() / 1e6
    }
}

/// A ratio as a percentage with as many digits as its distance from 100 % needs: 99.95, 99.9871.
fn percent(ratio: f64) -> String {
    let distance = (1.0 - ratio).abs().min(ratio.abs());
    let digits = match distance {
        0.0 => 0,
        d if d >= 0.1 => 1,
        d if d >= 0.01 => 2,
        d if d >= 0.001 => 3,
        d if d >= 0.0001 => 4,
        d if d >= 0.00001 => 5,
        _ => 6,
    };
    // One digit more than the first that differs is enough, but 50 % needs none.
    trim(format!("{:.digits$}", ratio * 100.0))
}

fn trim(mut text: String) -> String {
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" { "0".to_owned() } else { text }
}

const TIME_UNITS: [(&str, f64); 12] = [
    ("us", 1.0),
    ("µs", 1.0),
    ("ms", 1e3),
    ("s", 1e6),
    ("sec", 1e6),
    ("m", 60e6),
    ("min", 60e6),
    ("h", 3600e6),
    ("d", 86_400e6),
    ("day", 86_400e6),
    ("days", 86_400e6),
    ("w", 604_800e6),
];

/// `120ms`, `2s`, `7d`.
///
/// # Errors
///
/// A missing or wrong unit, a number that is none, or a time above ten years.
pub fn time(text: &str) -> Result<Time, UnitError> {
    let (number, unit) = split(text, "a time", "120ms")?;
    let Some((_, size)) = TIME_UNITS.iter().find(|(u, _)| *u == unit) else {
        return Err(unit_error(text, unit, "a time", "ms, s, min, h or d", "ms"));
    };
    let micros = number * size;
    if micros > 10.0 * 366.0 * 86_400e6 {
        return Err(UnitError {
            message: format!("`{text}` is longer than ten years"),
            help: "write a shorter time".to_owned(),
        });
    }
    Ok(Time::default().plus(Time(1).scale(micros)))
}

/// `50/s`, `200/min`.
///
/// # Errors
///
/// A missing or wrong unit, a number that is none, or more than a billion a second.
pub fn rate(text: &str) -> Result<Rate, UnitError> {
    let (number, unit) = split(text, "a rate", "50/s")?;
    let seconds = match unit {
        "/s" | "/sec" | "rps" => 1.0,
        "/m" | "/min" => 60.0,
        "/h" => 3600.0,
        "/d" | "/day" => 86_400.0,
        _ => {
            return Err(unit_error(text, unit, "a rate", "/s, /min, /h or /d", "/s"));
        }
    };
    if number > 1e9 {
        return Err(UnitError {
            message: format!("`{text}` is more than a billion a second"),
            help: "write a smaller rate".to_owned(),
        });
    }
    Ok(Rate(number / seconds))
}

/// `99.9%`.
///
/// # Errors
///
/// A missing percent sign, or a share outside 0 to 100 %.
pub fn ratio(text: &str) -> Result<Ratio, UnitError> {
    let (number, unit) = split(text, "a share", "99.9%")?;
    if unit != "%" {
        return Err(unit_error(text, unit, "a share", "%", "%"));
    }
    if number > 100.0 {
        return Err(UnitError {
            message: format!("`{text}` is more than 100 %"),
            help: "write a share from 0% to 100%, such as `99.9%`".to_owned(),
        });
    }
    // Through the decimal text, so that 99.9% is exactly the float 0.999.
    let exact = format!("{number}e-2").parse().unwrap_or(number / 100.0);
    Ok(Ratio(exact))
}

/// `2KiB`, `300kB`.
///
/// # Errors
///
/// A missing or wrong unit, or more than a pebibyte.
pub fn bytes(text: &str) -> Result<Bytes, UnitError> {
    let (number, unit) = split(text, "a size", "2KiB")?;
    let size = match unit.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        _ => {
            return Err(unit_error(
                text,
                unit,
                "a size",
                "B, kB, KiB, MB or MiB",
                "KiB",
            ));
        }
    };
    if number * size > 1e15 {
        return Err(UnitError {
            message: format!("`{text}` is more than a petabyte"),
            help: "write a smaller size".to_owned(),
        });
    }
    Ok(Bytes(Time(1).scale(number * size).0))
}

/// The number and the unit of a quantity.
fn split<'t>(text: &'t str, what: &str, example: &str) -> Result<(f64, &'t str), UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let number: Option<f64> = text[..end].replace('_', "").parse().ok();
    match number {
        Some(number) if number.is_finite() => Ok((number, text[end..].trim())),
        _ => Err(UnitError {
            message: format!("`{}` is not {what}", short(text)),
            help: format!("write a number and its unit, such as `{example}`"),
        }),
    }
}

fn unit_error(text: &str, unit: &str, what: &str, units: &str, usual: &str) -> UnitError {
    let message = if unit.is_empty() {
        format!("`{}` has no unit", short(text))
    } else {
        format!(
            "`{}` is not {what}: it has no unit `{}`",
            short(text),
            short(unit)
        )
    };
    // As the author wrote it: 99.99 must not come back as 100.
    let text = text.trim();
    let written = text[..text.len() - unit.len()].trim();
    let meant = meant(unit, units).unwrap_or(usual);
    UnitError {
        message,
        help: format!(
            "units are {units}; did you mean `{}{meant}`?",
            short(written)
        ),
    }
}

/// Of the units in the list, the one that `word` spells out: `min` for `minutes`.
fn meant<'u>(word: &str, units: &'u str) -> Option<&'u str> {
    let word = word.to_ascii_lowercase();
    let known = || {
        units
            .split([',', ' '])
            .filter(|u| !u.is_empty() && *u != "or")
    };
    let spelled = match word.as_str() {
        "percent" => "%",
        w if w.starts_with("mil") => "ms",
        w => w,
    };
    if spelled.is_empty() {
        return None;
    }
    known()
        .filter(|u| spelled.starts_with(&u.to_ascii_lowercase()))
        .max_by_key(|u| u.len())
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_is_meant_is_proposed() {
        let help = |e: Result<Time, UnitError>| e.err().map(|e| e.help).unwrap_or_default();
        for (text, meant) in [
            ("1 minute", "`1min`"),
            ("5 seconds", "`5s`"),
            ("20 milliseconds", "`20ms`"),
            ("2hours", "`2h`"),
            ("7", "`7ms`"),
        ] {
            let help = help(time(text));
            assert!(help.contains(meant), "{text}: {help}");
        }
        let share = ratio("99.99").err().map(|e| e.help);
        assert!(share.unwrap_or_default().contains("`99.99%`"));
    }

    #[test]
    fn quantities_are_read_and_written() {
        for (text, micros, shown) in [
            ("120ms", 120_000, "120 ms"),
            ("1.5s", 1_500_000, "1.5 s"),
            ("15.15s", 15_150_000, "15.15 s"),
            ("999s", 999_000_000, "999 s"),
            ("400min", 24_000_000_000, "6 h 40 min"),
            ("157050ms", 157_050_000, "2 min 37.05 s"),
            ("604956s", 604_956_000_000, "7 d 2 min 36 s"),
            ("2s", 2_000_000, "2 s"),
            ("90s", 90_000_000, "90 s"),
            ("7d", 604_800_000_000, "7 d"),
            ("5 min", 300_000_000, "5 min"),
            ("0.5ms", 500, "500 µs"),
        ] {
            let t = time(text).unwrap_or_default();
            assert_eq!((t.0, t.to_string().as_str()), (micros, shown), "{text}");
        }
        assert_eq!(rate("200/s"), Ok(Rate(200.0)));
        assert_eq!(rate("30/min"), Ok(Rate(0.5)));
        assert_eq!(ratio("99.9%"), Ok(Ratio(0.999)));
        assert_eq!(Ratio(0.999).to_string(), "99.9%");
        assert_eq!(Ratio(0.9995).to_string(), "99.95%");
        assert_eq!(Ratio(0.5).to_string(), "50%");
        assert_eq!(bytes("2KiB"), Ok(Bytes(2048)));
        assert_eq!(Bytes(262_144).to_string(), "256 KiB");
        // What is not exact is rounded in one kind of unit, whatever factor it happens to hold.
        assert_eq!(Bytes(1_048_588).to_string(), "1 MiB");
        assert_eq!(Bytes(1_769_472_000).to_string(), "1.65 GiB");
        assert_eq!(Bytes(707_788_800).to_string(), "675 MiB");
        assert_eq!(Bytes(10_000_000).to_string(), "10 MB");
        assert_eq!(Bytes(1_500_000_000).to_string(), "1.5 GB");
        assert_eq!(
            [0.5, 999.0, 3000.0, 14_500.0, 720_000.0, 1e6].map(count),
            ["0.5", "999", "3000", "14,500", "720,000", "1,000,000"]
        );
        assert_eq!(Bytes(14_200_000_000).to_string(), "13.2 GiB");
    }

    #[test]
    fn mistakes_are_told_with_what_to_write() {
        assert!(time("120").is_err_and(|e| e.help.contains("`120ms`")));
        assert!(rate("50").is_err_and(|e| e.help.contains("`50/s`")));
        assert!(ratio("99.9").is_err_and(|e| e.help.contains("`99.9%`")));
        assert!(ratio("999%").is_err());
        assert!(bytes("5 bananas").is_err());
        assert!(time("-5ms").is_err());
        assert!(time("9999999999d").is_err());
    }
}
