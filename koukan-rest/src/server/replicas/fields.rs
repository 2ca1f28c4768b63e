//! Header fields of requests that are passed on, and of their responses.

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Uri,
        header::{
            CONNECTION, CONTENT_LENGTH, EXPECT, HOST, ORIGIN, PROXY_AUTHENTICATE,
            PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
        },
        request::Parts,
    },
};

/// Says that a replica has passed the request on. The replica that receives it has to answer it.
pub(super) const PASSED_ON: HeaderName = HeaderName::from_static("koukan-passed-on");

/// Header fields that are about one connection only.
///
/// *Source*: RFC 9110 section 7.6.1.
const OF_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The fields of the passed-on request: those of the client, with the host as the client named it, so that locations
/// begin with that host.
pub(super) fn of_request(mut fields: HeaderMap, uri: &Uri) -> HeaderMap {
    remove_of_connection(&mut fields);
    // This server has already asked for the content, and decides itself whether scripts may see the response.
    fields.remove(EXPECT);
    fields.remove(ORIGIN);
    if !fields.contains_key(HOST)
        && let Some(named) = uri.authority()
        && let Ok(named) = HeaderValue::try_from(named.as_str())
    {
        fields.insert(HOST, named);
    }
    fields.insert(PASSED_ON, HeaderValue::from_static("1"));
    fields
}

/// A read without its content, and without header fields that announce content: a server that reads these fields
/// would wait for the content, and take the next request for it.
pub(super) fn without_content(mut head: Parts) -> Request {
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING, TRAILER, EXPECT] {
        head.headers.remove(name);
    }
    Request::from_parts(head, Body::empty())
}

/// Removes the response's header fields about its connection.
pub(super) fn remove_of_connection(fields: &mut HeaderMap) {
    let listed = fields.get_all(CONNECTION).iter();
    let listed: Vec<HeaderName> = listed
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed.iter().chain(&OF_CONNECTION) {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_connection_stays_behind() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Of-Hop"),
            ("x-of-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("authorization", "Bearer t"),
            ("host", "mail.example.com"),
            ("content-length", "5"),
        ] {
            let name = HeaderName::from_static(name);
            fields.insert(name, HeaderValue::from_static(value));
        }
        let there = of_request(fields, &Uri::from_static("/transactions/T"));
        let mut names: Vec<_> = there.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let kept = [
            "authorization",
            "content-length",
            "host",
            "koukan-passed-on",
        ];
        assert_eq!(names, kept);
    }

    #[test]
    fn the_host_of_h2_is_named_by_its_field() {
        let uri = Uri::from_static("https://mail.example.com/transactions/T");
        let there = of_request(HeaderMap::new(), &uri);
        assert_eq!(there[HOST], "mail.example.com");
    }
}
