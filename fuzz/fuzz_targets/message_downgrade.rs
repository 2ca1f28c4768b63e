#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| koukan_properties::check("message_downgrade", octets));
