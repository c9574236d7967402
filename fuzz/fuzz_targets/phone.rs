#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| calcom_fuzz::targets::phone::target(data));
