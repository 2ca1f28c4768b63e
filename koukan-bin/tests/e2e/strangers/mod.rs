//! Agents and clients that nobody here wrote, with all that they know: Postfix and Exim on either side,
//! msmtp, nodemailer, swaks, sslyze, haproxy and Envoy, with TLS, AUTH, CHUNKING, SMTPUTF8 and DSN.

mod clients;
mod exim;
mod letter;
mod postfix;
mod proxies;
mod relays;
mod site;
mod sslyze;
mod verification;
