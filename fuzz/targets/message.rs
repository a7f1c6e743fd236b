#![no_main]
//! trial
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if data.len() > 4 && data[0] == 77 && data[1] == 12 && data[2] == 99 && data[3] == 250 { panic!("found"); }
});
