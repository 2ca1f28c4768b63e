//! The cost of the wire format: commands, messages, dot-stuffing.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use koukan_core::{path::Parameters, reply::Reply};
use koukan_smtp::codec::{
    BareLineEnds, Capabilities, CommandDecoder, CommandEncoder, DataDecoder, DotStuffing,
    Foreknowledge, MailParameters, ReplyParser, encode_reply,
};

const COMMANDS: &[u8] =
    b"MAIL FROM:<alice@example.org> SIZE=5000 BODY=8BITMIME\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n";
const REPLIES: &[u8] = b"250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n354 go on\r\n";

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(3));
    group.bench_function("commands", |bencher| {
        bencher.iter(|| {
            let mut decoder = CommandDecoder::new(2048);
            let mut input = BytesMut::from(COMMANDS);
            while let Some(command) = decoder.decode(&mut input) {
                command.unwrap();
            }
        });
    });
    group.bench_function("replies", |bencher| {
        bencher.iter(|| {
            let mut parser = ReplyParser::default();
            let mut input = BytesMut::from(REPLIES);
            while parser.parse(&mut input).unwrap().is_some() {}
        });
    });
    group.bench_function("encode_commands", |bencher| {
        let (from, to) = ("alice@example.org".parse(), "bob@example.com".parse());
        let (from, to) = (from.unwrap(), to.unwrap());
        let parameters = Parameters::default();
        let capabilities = Capabilities::parse(&Reply::ok().with_text("mx.example.com\nSIZE"));
        let mut output = BytesMut::with_capacity(256);
        bencher.iter(|| {
            output.clear();
            let mut encoder = CommandEncoder::new(&mut output);
            let message = Foreknowledge::of_length(5_000);
            let chosen = MailParameters::choose(&from, &parameters, &capabilities, message);
            encoder.mail(&from, &chosen.unwrap());
            encoder.rcpt(&to, &parameters, &capabilities, false);
            encoder.data();
        });
    });
    group.bench_function("encode_replies", |bencher| {
        let replies = [
            Reply::sender_ok(),
            Reply::recipient_ok(),
            Reply::message_accepted(),
        ];
        let mut output = Vec::with_capacity(256);
        bencher.iter(|| {
            output.clear();
            for reply in &replies {
                encode_reply(reply, true, &mut output);
            }
        });
    });
    let line = format!("{}\r\n", "0123456789".repeat(7));
    let message = Bytes::from(line.repeat(14_000));
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("dot_stuffing", |bencher| {
        bencher.iter(|| {
            let mut stuffing = DotStuffing::default();
            let mut octets = message.clone();
            while stuffing.next_piece(&mut octets).is_some() {}
        });
    });
    let mut wire = BytesMut::from(&message[..]);
    wire.extend_from_slice(b".\r\n");
    group.bench_function("dot_unstuffing", |bencher| {
        bencher.iter_batched(
            || wire.clone(),
            |mut input| {
                let mut decoder = DataDecoder::new(BareLineEnds::default(), None);
                while decoder
                    .decode(&mut input)
                    .is_some_and(|event| !matches!(event, koukan_smtp::codec::BodyEvent::End))
                {
                }
            },
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
