//! The machine that numbers were made on.
//!
//! A [`fingerprint`] says which runs may be compared. It holds no clock reading: two runs on the
//! same machine with the same build have the same fingerprint.

use std::collections::BTreeMap;
use std::fs;

/// candelab's commit at build time, or `unknown`.
pub const COMMIT: &str = env!("CANDELAB_COMMIT");

/// The machine and the build: name of a property, its value. A property that cannot be read is
/// `unknown`.
#[must_use]
pub fn fingerprint() -> BTreeMap<String, String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or_else(|_| "unknown".into(), |n| n.to_string());
    let properties = [
        ("cpu", cpu_model(&cpuinfo)),
        ("instruction sets", instruction_sets()),
        ("logical cores", cores),
        ("memory", memory(&meminfo)),
        ("system", system()),
        ("frequency governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("transparent huge pages", bracketed("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("compiler", env!("CANDELAB_RUSTC").into()),
        ("target", env!("CANDELAB_TARGET").into()),
        ("profile", env!("CANDELAB_PROFILE").into()),
    ];
    properties.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn known(text: &str) -> String {
    if text.trim().is_empty() { "unknown".into() } else { text.trim().into() }
}

fn first_line(path: &str) -> String {
    known(fs::read_to_string(path).unwrap_or_default().lines().next().unwrap_or_default())
}

/// `always [madvise] never` is madvise.
fn bracketed(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    known(text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inside, _)| inside))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, v)| v.trim()))
}

fn cpu_model(cpuinfo: &str) -> String {
    // ARM kernels name no model, but always a part number.
    let model = field(cpuinfo, "model name").or_else(|| field(cpuinfo, "CPU part"));
    known(model.unwrap_or_default())
}

fn memory(meminfo: &str) -> String {
    let kib = field(meminfo, "MemTotal").and_then(|v| v.split_whitespace().next()).and_then(|v| v.parse::<f64>().ok());
    kib.map_or_else(|| "unknown".into(), |kib| format!("{:.0} GiB", kib / 1024.0 / 1024.0))
}

fn system() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|l| l.strip_prefix("PRETTY_NAME=")).unwrap_or(std::env::consts::OS);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", name.trim_matches('"'), kernel.trim()).trim().into()
}

/// The vector instruction sets that numeric kernels choose between.
fn instruction_sets() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let mut found = vec![];
        let mut note = |name, present: bool| {
            if present {
                found.push(name);
            }
        };
        note("avx2", std::is_x86_feature_detected!("avx2"));
        note("fma", std::is_x86_feature_detected!("fma"));
        note("f16c", std::is_x86_feature_detected!("f16c"));
        note("avx512f", std::is_x86_feature_detected!("avx512f"));
        note("avx512bf16", std::is_x86_feature_detected!("avx512bf16"));
        if found.is_empty() { "sse2".into() } else { found.join(" ") }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        std::env::consts::ARCH.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_the_kernel_writes_them() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz\nflags\t\t: fpu sse2\n";
        assert_eq!(cpu_model(cpuinfo), "Some CPU @ 3.00GHz");
        assert_eq!(cpu_model("CPU part\t: 0xd0c\n"), "0xd0c");
        assert_eq!(cpu_model(""), "unknown");
        assert_eq!(memory("MemTotal:       25165824 kB\nMemFree: 1 kB\n"), "24 GiB");
    }

    #[test]
    fn the_fingerprint_repeats() {
        let first = fingerprint();
        assert_eq!(first, fingerprint());
        assert!(first.values().all(|v| !v.is_empty()));
        assert!(first["compiler"].starts_with("rustc 1."), "{}", first["compiler"]);
    }
}
