//! Has the linker put together what runs together.
//!
//! Problem: of a program's pages the system brings in sixteen with each that is touched, and what a start and requests run,
//! some 4 of 19 MB, lay all over the program: 12 MB were resident. Choice: a linker script that names these functions
//! (`scripts/together.ld`, which `scripts/link-order` writes); they lie before all others, and 6 MB are resident. A list with
//! the symbols' whole names would be exact and of no use after the next update of a dependency, which renames all.
//! How it fails: a function that is missing lies where it lay; a linker that takes no such scripts (mold, gold) would
//! refuse, so where somebody has chosen a linker there is no script. Nothing but the place of functions depends on it.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=scripts/together.ld");
    let said = |name: &str| env::var(name).unwrap_or_default();
    let is_elf = said("CARGO_CFG_TARGET_OS") == "linux";
    let is_chosen =
        !said("RUSTC_LINKER").is_empty() || chosen_by_flags(&said("CARGO_ENCODED_RUSTFLAGS"));
    // What is shipped; the script takes the linker some seconds.
    let is_shipped = said("OPT_LEVEL") == "3" && env::var_os("CARGO_FEATURE_DAEMON").is_some();
    if is_elf && is_shipped && !is_chosen {
        let root = said("CARGO_MANIFEST_DIR");
        println!("cargo::rustc-link-arg-bin=weighbridge=-Wl,-T,{root}/scripts/together.ld");
    }
}

/// Whether these flags of the compiler name a linker.
fn chosen_by_flags(flags: &str) -> bool {
    flags.contains("fuse-ld") || flags.contains("linker")
}
