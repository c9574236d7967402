//! Everything that reads bytes from outside, fed with mutations of the recordings.
//!
//! Each target runs with a fixed number of inputs and a fixed seed. `scripts/fuzz` runs them for
//! longer. What can be set in the environment:
//!
//! - `CALCOM_FUZZ_SEED`: the seed of the mutations, which every run prints.
//! - `CALCOM_FUZZ_SECONDS`: how long each target runs, instead of a fixed number of inputs.
//! - `CALCOM_FUZZ_INPUT`: a file that is the only input, such as one that a failed run wrote.
//! - `CALCOM_FUZZ_CORPUS`: a folder that `write_the_corpus` writes the corpus to, for cargo-fuzz.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test that panics has failed; the targets are shared with fuzz/, which uses all of them"
)]

mod corpus;
mod mutate;
mod targets;

use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Seek, Write};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fastrand::Rng;
use targets::model::TYPES;
use targets::{TARGETS, Target};
use tokio::time::Instant;

/// Of how many inputs one is an example as it is; the others are mutations.
const PLAIN: u32 = 8;
const SEED: u64 = 1;
/// An input that takes longer is reported as one that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let read = text.parse().ok();
    Some(read.unwrap_or_else(|| panic!("{name} is not a number: {text}")))
}

/// Where inputs are written to.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The input that is being run, for the case that it ends the process.
struct Current {
    file: File,
    path: PathBuf,
}

impl Current {
    fn of(target: &Target) -> Self {
        let path = folder().join(format!("{}-{}.running", target.name, std::process::id()));
        let file = File::create(&path).unwrap();
        Self { file, path }
    }

    fn set(&mut self, input: &[u8]) {
        self.file.rewind().unwrap();
        self.file.write_all(input).unwrap();
        self.file.set_len(input.len() as u64).unwrap();
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Runs one input. A failed one is written to a file.
fn run(target: &Target, input: &[u8], current: &mut Current) {
    current.set(input);
    let begun = Instant::now();
    let result = catch_unwind(|| (target.run)(input));
    let took = begun.elapsed();
    if result.is_ok() && took < PATIENCE {
        return;
    }
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder().join(format!("{}-{:016x}.input", target.name, hasher.finish()));
    std::fs::write(&path, input).unwrap();
    let what = if result.is_ok() { "hangs" } else { "fails" };
    panic!(
        "{} {what} after {took:?}; to run this input again:\nCALCOM_FUZZ_INPUT={} cargo test --test fuzz {}",
        target.name,
        path.display(),
        target.name,
    );
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut current = Current::of(target);
    if let Some(path) = std::env::var_os("CALCOM_FUZZ_INPUT") {
        run(target, &std::fs::read(path).unwrap(), &mut current);
        return;
    }
    let corpus = corpus::of(name);
    assert!(!corpus.is_empty());
    let seed = setting("CALCOM_FUZZ_SEED").unwrap_or(SEED);
    let seconds = setting("CALCOM_FUZZ_SECONDS").map(Duration::from_secs);
    println!("{name}: CALCOM_FUZZ_SEED={seed}, {} examples", corpus.len());
    let begun = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let mut inputs = 0;
    let is_over = |inputs: u64| match seconds {
        Some(seconds) => begun.elapsed() >= seconds,
        None => inputs >= target.inputs,
    };
    while !is_over(inputs) {
        if rng.u32(..PLAIN) == 0 {
            run(target, &corpus[rng.usize(..corpus.len())], &mut current);
        } else {
            run(target, &mutate::mutate(&mut rng, &corpus), &mut current);
        }
        inputs += 1;
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{name}: {inputs} inputs in {took:.1} s, no crash");
}

macro_rules! targets {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })+

        #[test]
        fn every_target_is_run() {
            let run = [$(stringify!($name)),+];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), run);
        }
    };
}

targets! {
    webhook model response client sqlite text tools phone
    verify_calcom verify_retell verify_stripe verify_standard dialects
}

#[test]
fn every_type_of_the_model_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
    let known: BTreeSet<&str> = TYPES.iter().map(|type_| type_.name).collect();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut is_read = false;
        for line in source.lines() {
            if line.starts_with("#[derive(") {
                is_read = line.contains("Deserialize");
            }
            let item = line
                .strip_prefix("pub struct ")
                .or(line.strip_prefix("pub enum "));
            let Some(item) = item else { continue };
            let name = item.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            assert!(
                !is_read || known.contains(name),
                "{name} is not in the list of types"
            );
            count += usize::from(is_read);
            is_read = false;
        }
    }
    assert!(count > 80, "only {count} types were found");
}

#[test]
#[ignore = "for scripts/fuzz, which says where to"]
fn write_the_corpus() {
    let folder = PathBuf::from(std::env::var_os("CALCOM_FUZZ_CORPUS").unwrap());
    for target in TARGETS {
        let folder = folder.join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (index, input) in corpus::of(target.name).iter().enumerate() {
            std::fs::write(folder.join(format!("{index:04}")), input).unwrap();
        }
    }
}
