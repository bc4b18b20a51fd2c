//! The program.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::process::ExitCode;

use clap::Parser;
use pulsewarden::cli::{self, Arguments};

/// Payloads are parsed on one thread and dropped on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(print_place));
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

/// The message of a panic can quote what was in hand, which may be about a patient. The place alone finds the mistake.
fn print_place(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // Where nobody reads errors there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "pulsewarden: an internal error at {place}; please report it with this line");
}
