//! The device that a name on the command line means.

use crate::failure::usage;
use anyhow::Result;
use candle_core::Device;

/// `cpu`, `cuda`, `cuda:N` or `metal`.
pub fn parse(name: &str) -> Result<Device> {
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        None if name == "cuda" => cuda(0),
        None if name == "metal" => metal(),
        Some(("cuda", index)) => match index.parse() {
            Ok(index) => cuda(index),
            Err(_) => Err(unknown(name)),
        },
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> anyhow::Error {
    usage(format!("unknown device '{name}'; expected cpu, cuda, cuda:N or metal"))
}

fn cuda(index: usize) -> Result<Device> {
    if !cfg!(feature = "cuda") {
        return Err(usage("this build has no CUDA; build with `--features cuda` or take --device cpu"));
    }
    Device::new_cuda(index)
        .map_err(|e| usage(format!("device cuda:{index} cannot be opened: {e}; see `candelab doctor`")))
}

fn metal() -> Result<Device> {
    if !cfg!(feature = "metal") {
        return Err(usage("this build has no Metal; build with `--features metal` or take --device cpu"));
    }
    Device::new_metal(0).map_err(|e| usage(format!("the Metal device cannot be opened: {e}; see `candelab doctor`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_nothing_are_refused() {
        assert!(matches!(parse("cpu"), Ok(Device::Cpu)));
        for name in ["gpu", "cuda:x", "cpu:1", ""] {
            assert!(parse(name).unwrap_err().to_string().contains("expected cpu, cuda"), "{name}");
        }
    }
}
