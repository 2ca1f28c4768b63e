#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| koukan_properties::check("dmarc_record", octets));
