//! The program.

use std::process::ExitCode;

use clap::Parser;
use pulsewarden::cli::{self, Arguments};

/// Payloads are parsed on one thread and dropped on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Every TLS connection of the process uses this provider. It can be set once, and this is the first line.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli::run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            cli::print_error(&error);
            cli::exit_code(&error)
        }
    }
}
