//! The device that a name on the command line means.

use anyhow::{Context, Result, bail};
use candle_core::Device;

/// `cpu`, `cuda`, `cuda:N` or `metal`.
pub fn parse(name: &str) -> Result<Device> {
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        None if name == "cuda" => cuda(0),
        None if name == "metal" => metal(),
        Some(("cuda", index)) => match index.parse() {
            Ok(index) => cuda(index),
            Err(_) => bail!("unknown device '{name}'; expected cpu, cuda, cuda:N or metal"),
        },
        _ => bail!("unknown device '{name}'; expected cpu, cuda, cuda:N or metal"),
    }
}

fn cuda(index: usize) -> Result<Device> {
    if !cfg!(feature = "cuda") {
        bail!("this build has no CUDA; build with `--features cuda` or take --device cpu");
    }
    Device::new_cuda(index).with_context(|| format!("device cuda:{index} cannot be opened; see `candelab doctor`"))
}

fn metal() -> Result<Device> {
    if !cfg!(feature = "metal") {
        bail!("this build has no Metal; build with `--features metal` or take --device cpu");
    }
    Device::new_metal(0).context("the Metal device cannot be opened; see `candelab doctor`")
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
