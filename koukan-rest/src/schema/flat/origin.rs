//! Maps errors in a message description back to the fields of the flat message.

/// The fields from which the parts of a description come.
#[derive(Default)]
pub(super) struct Origins {
    /// The field of each header field in the description.
    pub(super) headers: Vec<String>,
    /// The field of each text in the description.
    pub(super) texts: Vec<&'static str>,
    /// The index in `attachments` of each attachment that the HTML refers to.
    pub(super) related: Vec<usize>,
    /// The index in `attachments` of each other attachment.
    pub(super) files: Vec<usize>,
}

impl Origins {
    /// The field of the flat message for a path in the description, such as `headers[3][1]` or
    /// `file_attachments[0].content.base64`.
    pub(super) fn of(&self, path: &str) -> Option<String> {
        let (list, rest) = path.split_once('[')?;
        let (index, rest) = rest.split_once(']')?;
        let index: usize = index.parse().ok()?;
        let attachment = |of: &[usize]| {
            let index = of.get(index)?;
            let rest = rest.strip_prefix(".content.").map_or_else(
                || rest.strip_suffix(".content").unwrap_or(rest).to_owned(),
                |content| format!(".{content}"),
            );
            Some(format!("attachments[{index}]{rest}"))
        };
        match list {
            "headers" => self.headers.get(index).cloned(),
            "text_body" => self.texts.get(index).map(|name| (*name).to_owned()),
            "related_attachments" => attachment(&self.related),
            "file_attachments" => attachment(&self.files),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_back_to_the_fields_that_a_client_knows() {
        let origins = Origins {
            headers: vec!["from".into(), "headers.X-Tag".into()],
            texts: vec!["html"],
            related: vec![1],
            files: vec![0, 2],
        };
        for (path, expected) in [
            ("headers[0][1][0].address", Some("from")),
            ("headers[1]", Some("headers.X-Tag")),
            ("headers[2][0]", None),
            ("text_body[0].content.inline", Some("html")),
            (
                "related_attachments[0].content_id",
                Some("attachments[1].content_id"),
            ),
            (
                "file_attachments[1].content.base64",
                Some("attachments[2].base64"),
            ),
            ("file_attachments[0].content", Some("attachments[0]")),
            ("file_attachments[0]", Some("attachments[0]")),
            ("headers", None),
            ("", None),
        ] {
            assert_eq!(origins.of(path).as_deref(), expected, "{path}");
        }
    }
}
