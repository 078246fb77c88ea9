//! The peer on Tokio: an asynchronous task for each connection.
//!
//! Settings are those Tokio recommends: the current-thread runtime for one CPU, otherwise the
//! multi-thread runtime with a worker for each CPU this process may use.

mod options;

use options::{Hog, Options};
use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{signal, SignalKind};

const READ_BYTES: usize = 4096;

fn before_first_reply(hog: &Hog, first: u8) {
    if first != hog.first {
        return;
    }
    let end = Instant::now() + hog.time;
    while Instant::now() < end {}
}

async fn serve(mut stream: TcpStream, hog: Option<Hog>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0u8; READ_BYTES];
    let mut hog = hog;
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        if let Some(hog) = hog.take() {
            before_first_reply(&hog, buffer[0]);
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

/// Whether others that leave will make an accept possible that was not; see accept(2).
fn passes(error: &std::io::Error) -> bool {
    use libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS | ENOMEM))
}

async fn accept_all(listener: TcpListener, hog: Option<Hog>) -> std::io::Error {
    use std::io::ErrorKind::{ConnectionAborted, Interrupted};
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, hog));
            }
            Err(error) if passes(&error) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) if matches!(error.kind(), ConnectionAborted | Interrupted) => {}
            Err(error) => return error,
        }
    }
}

fn fail(line: &str) -> ! {
    eprintln!("echo_tokio: {line}");
    std::process::exit(1);
}

/// As TcpListener::bind does, but for a longer backlog: thousands of clients may come at once.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(libc::SOMAXCONN as u32)
}

fn exit_on(kind: SignalKind) {
    let mut signals = signal(kind).unwrap_or_else(|error| fail(&error.to_string()));
    tokio::spawn(async move {
        signals.recv().await;
        std::process::exit(0);
    });
}

/// To its hard limit: Rust leaves that to the program.
fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls are given a valid rlimit for as long as they run.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

async fn run(options: Options) {
    exit_on(SignalKind::terminate());
    exit_on(SignalKind::interrupt());
    let listener = listen(options.address).unwrap_or_else(|error| {
        fail(&format!("cannot listen on {}: {error}; choose another --port", options.address))
    });
    let here = listener.local_addr().unwrap_or_else(|e| fail(&e.to_string()));
    println!("listening on {here}");
    let _ = std::io::stdout().flush();
    let error = accept_all(listener, options.hog).await;
    fail(&format!("accept: {error}"));
}

fn main() {
    let options = options::parse(std::env::args().skip(1)).unwrap_or_else(|line| fail(&line));
    raise_descriptor_limit();
    let runtime = if options.threads == 1 {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.threads)
            .enable_all()
            .build()
    };
    let runtime = runtime.unwrap_or_else(|e| fail(&format!("cannot start the runtime: {e}")));
    // The main task is spawned too: a multi-thread runtime runs what it blocks on outside its workers.
    runtime.block_on(async { tokio::spawn(run(options)).await.ok() });
}
