//! Command lines: nothing panics, parsing again gives the same result, and another parser agrees.

use bytes::BytesMut;
use koukan_smtp::codec::{Command, CommandDecoder, CommandError};

use crate::oracle;

pub(crate) fn holds(octets: &[u8]) {
    oracle::compare_command(octets);

    let mut decoder = CommandDecoder::new(512);
    let mut buffer = BytesMut::new();
    for piece in octets.chunks(7) {
        buffer.extend_from_slice(piece);
        while let Some(command) = decoder.decode(&mut buffer) {
            match command {
                // The relayed command is the received one: it parses to itself.
                Ok(Command::Mail(mail)) => {
                    let line = format!(
                        "MAIL FROM:<{}>{}",
                        mail.reverse_path,
                        words(&mail.parameters)
                    );
                    assert_eq!(Command::parse(line.as_bytes()), Ok(Command::Mail(mail)));
                }
                Ok(Command::Rcpt(rcpt)) => {
                    let line =
                        format!("RCPT TO:<{}>{}", rcpt.forward_path, words(&rcpt.parameters));
                    assert_eq!(Command::parse(line.as_bytes()), Ok(Command::Rcpt(rcpt)));
                }
                Ok(_) => {}
                // A client that speaks another protocol is disconnected.
                Err(CommandError::OtherProtocol(_)) => {}
                Err(error) => assert!(error.reply().is_permanent()),
            }
        }
        assert!(buffer.len() <= 512);
    }
}

fn words(parameters: &koukan_core::path::Parameters) -> String {
    parameters
        .iter()
        .map(|parameter| format!(" {parameter}"))
        .collect()
}
