#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| calcom_fuzz::targets::tools::target(data));
