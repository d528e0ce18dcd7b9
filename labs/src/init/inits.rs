//! Which schemes the parts about training dynamics compare.

use super::InitSettings;
use crate::control::Choice;
use crate::nn::Init;

/// The schemes of the settings that draw each layer by itself, in their order.
pub fn inits(settings: &InitSettings) -> Vec<Init> {
    settings.schemes.split(',').filter_map(|name| Init::from_name(name.trim())).collect()
}
