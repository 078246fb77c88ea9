//! The command line. What is wrong with it is told in one line.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A connection whose first byte is this one spins that long before its first reply.
#[derive(Clone, Copy)]
pub struct Hog {
    pub first: u8,
    pub time: Duration,
}

pub struct Options {
    pub address: SocketAddr,
    pub threads: usize,
    pub hog: Option<Hog>,
}

fn number<T: std::str::FromStr>(option: &str, text: &str, wanted: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{option} {text}: use {wanted}"))
}

/// One character, or a byte such as 0x48.
fn byte(option: &str, text: &str) -> Result<u8, String> {
    let value = match (text.as_bytes(), text.strip_prefix("0x")) {
        ([only], _) => Some(*only),
        ([_, _, _, _], Some(digits)) => u8::from_str_radix(digits, 16).ok(),
        _ => None,
    };
    value.ok_or_else(|| format!("{option} {text}: use one character, or a byte such as 0x48"))
}

/// A whole number and its unit: 500ms, 3s, 2min, 1h.
fn time(option: &str, text: &str) -> Result<Duration, String> {
    const LONGEST: u64 = 24 * 3_600_000;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[digits..] {
        "ms" => Some(1),
        "s" => Some(1000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let count: Option<u64> = text[..digits].parse().ok();
    count
        .zip(unit)
        .and_then(|(count, unit)| count.checked_mul(unit))
        .filter(|milliseconds| *milliseconds <= LONGEST)
        .map(Duration::from_millis)
        .ok_or_else(|| {
            format!("{option} {text}: use a time with its unit, such as 500ms, 3s or 2min, at most 24h")
        })
}

fn usable_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut host: IpAddr = IpAddr::from([127, 0, 0, 1]);
    let mut port: u16 = 0;
    let mut threads: usize = 0;
    let mut hog_byte = None;
    let mut hog_for = Duration::from_secs(5);
    while let Some(argument) = arguments.next() {
        let (option, given) = match argument.split_once('=') {
            Some((option, value)) => (option.to_string(), Some(value.to_string())),
            None => (argument, None),
        };
        let known = ["--host", "--port", "--threads", "--hog-byte", "--hog-for"];
        if !known.contains(&option.as_str()) {
            return Err(format!("unknown argument '{option}': use {}", known.join(", ")));
        }
        let value = given
            .or_else(|| arguments.next())
            .ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--host" => {
                host = number(&option, &value, "an IPv4 or IPv6 address such as 127.0.0.1 or ::1")?
            }
            "--port" => port = number(&option, &value, "a port, 0 to 65535")?,
            "--threads" => threads = number(&option, &value, "a number of threads")?,
            "--hog-byte" => hog_byte = Some(byte(&option, &value)?),
            _ => hog_for = time(&option, &value)?,
        }
    }
    if threads > 1024 {
        return Err(format!("--threads {threads}: at most 1024"));
    }
    Ok(Options {
        address: SocketAddr::new(host, port),
        threads: if threads == 0 { usable_cpus() } else { threads },
        hog: hog_byte.map(|first| Hog { first, time: hog_for }),
    })
}
