//! Fields that a message needs and a spec may leave out.

use jiff::Timestamp;

use super::{Header, HeaderValue, Spec, header::is_id};

impl Spec {
    /// Adds `Date` and `Message-ID` where they are missing, so that every rendering has the same
    /// values.
    ///
    /// *Shape*: the id is `unique@message_id_host`. Characters that cannot stand in an id are left
    /// out of both.
    pub fn complete(&mut self, now: Timestamp, message_id_host: &str, unique: &str) {
        if self.header("date").is_none() {
            let value = HeaderValue::Date {
                unix_secs: now.as_second(),
                tz_offset: 0,
            };
            self.headers.push(Header::known("date", value));
        }
        if self.header("message-id").is_none() {
            let clean = |text: &str| -> String {
                let is_fine = |c: &char| c.is_ascii() && *c != '@' && is_id(&c.to_string());
                text.chars().filter(is_fine).take(255).collect()
            };
            let id = format!("{}@{}", clean(unique), clean(message_id_host));
            let value = HeaderValue::Ids([id.into()].into());
            self.headers.push(Header::known("message-id", value));
        }
    }
}
