//! How many threads compute.
//!
//! rayon and candle keep a pool each and read its size from the environment; candle counts the
//! CPUs anew in every matrix product while the variable is missing, 30 microseconds each time.
#![allow(unsafe_code, reason = "the two variables can only be set through the environment")]

/// Sets the size of both pools and answers it: `wanted`, or what the environment says, or the cores
/// that this process may use.
///
/// Must be called first thing in `main`, while no other thread is alive.
pub fn set(wanted: Option<usize>) -> usize {
    let from_environment = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|n| *n > 0);
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = wanted.or_else(from_environment).unwrap_or_else(cores);
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: the caller is `main` before any other thread was started, so that nobody reads the
        // environment at the same time.
        unsafe { std::env::set_var(name, threads.to_string()) };
    }
    threads
}
