//! A rule file as people write it: whatever stands in it gives a rule set or diagnostics, and never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pulsewarden::config::{Bundle, parse_settings};

fuzz_target!(|text: &str| {
    match Bundle::of(&[("rules.yaml", text)]).compile() {
        Ok(_) => {}
        Err(problems) => drop(problems.render(false)),
    }
    if let Err(problems) = parse_settings("pulsewarden.yaml", text) {
        drop(problems.render(false));
    }
});
