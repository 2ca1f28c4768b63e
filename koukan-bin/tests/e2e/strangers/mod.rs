//! Agents and clients from other projects, with all that they can do: Postfix and Exim on either
//! side, aiosmtpd, msmtp, nodemailer, swaks, sslyze, haproxy and Envoy, with TLS, AUTH, CHUNKING,
//! SMTPUTF8 and DSN.

mod aiosmtpd;
mod clients;
mod downgrade;
mod dsn;
mod exim;
mod letter;
mod pipelining;
mod postfix;
mod proxies;
mod relays;
mod site;
mod sslyze;
mod verification;
