//! Parts of scripts that most conversations begin with or consist of. Each ends with a line end.

/// A recipient that is accepted, one command at a time.
pub(crate) const ENVELOPE: &str = "C: MAIL FROM:<a@me.example>
    S: 250 sender
    C: RCPT TO:<b@mx.example>
    S: 250 b\n";

/// The message `hi` after an envelope.
pub(crate) const MESSAGE: &str = "C: DATA
    S: 354 go
    C: hi
    C: .
    S: 250 queued\n";

/// All of a transaction that is accepted, one command at a time.
pub(crate) const ONE_BY_ONE: &str = "C: MAIL FROM:<a@me.example>
    S: 250 sender
    C: RCPT TO:<b@mx.example>
    S: 250 b
    C: DATA
    S: 354 go
    C: hi
    C: .
    S: 250 queued\n";

/// The same with PIPELINING, when the whole transaction is known from the start.
pub(crate) const PIPELINED: &str = "C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: DATA
    S: 250 sender
    S: 250 b
    S: 354 go
    C: hi
    C: .
    S: 250 queued\n";

/// The same with PIPELINING and CHUNKING.
pub(crate) const IN_A_BLOCK: &str = "C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: BDAT 4 LAST
    C: hi
    S: 250 sender
    S: 250 b
    S: 250 queued\n";

/// The same without the replies: all of it is sent before the first reply.
pub(crate) const SENT: &str = "C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: BDAT 4 LAST
    C: hi\n";

/// A transaction in which one command waits for the reply to another, whatever the server offers.
pub(crate) const WITH_CARE: &str = "C: MAIL FROM:<a@me.example>
    QUIET
    S: 250 sender
    C: RCPT TO:<b@mx.example>
    QUIET
    S: 250 b
    C: DATA
    S: 354 go
    C: hi
    C: .
    S: 250 queued with care\n";

/// A transaction with PIPELINING whose only recipient is refused.
pub(crate) const REFUSED: &str = "C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: DATA
    S: 250 sender
    S: 550 no b
    S: 554 nobody\n";

pub(crate) const RESET: &str = "C: RSET\nS: 250 reset\n";

/// The client ends with QUIT.
pub(crate) const QUIT: &str = "C: QUIT\nS: 221 bye\nEOF\n";
