//! The machine that numbers were made on.
