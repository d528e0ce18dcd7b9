//! Mean-field theory.
