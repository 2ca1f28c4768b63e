//! Within the configurations of filters.

use super::*;

#[test]
fn within_filters() {
    told(&[
        (
            DOMAINS,
            "address_list: { domain: [example.com] }",
            "domain: [example.com]",
            &[
                "filter `router`",
                "no key `domain`",
                "did you mean `domains`?",
            ],
        ),
        (
            DOMAINS,
            "address_list: { domains: example.com }",
            "domains: example.com }",
            &["a list is expected"],
        ),
        (
            DOMAINS,
            "address_list: { prefixes: [bob] }",
            "prefixes: [bob] }\n            # `bob`",
            &["`domains` is missing"],
        ),
        (
            DOMAINS,
            "adress_list: { domains: [example.com] }",
            "adress_list",
            &["did you mean `address_list`?"],
        ),
        (
            "delimiter: \"+\"",
            "delimiter: \"++\"",
            "delimiter: \"++\"",
            &["a single character"],
        ),
        (
            HOSTS,
            "static_hosts: [\"127.0.0.1\"]",
            "static_hosts: [\"127.0.0.1\"]",
            &["not a host and port"],
        ),
        (
            HOSTS,
            "static_hosts: \"127.0.0.1:3025\"",
            "static_hosts: \"127.0.0.1:3025\"",
            &["a list is expected"],
        ),
        (
            HOSTS,
            "dest_domain: { port: 70000 }",
            "port: 70000",
            &["1 to 65535"],
        ),
        (
            BUILDER,
            "      - message_builder: big\n",
            "message_builder: big",
            &["a mapping is expected"],
        ),
        (
            BUILDER,
            "      - message_builder: { max_size: 5 }\n",
            "max_size: 5",
            &["a text is expected", "5"],
        ),
        (
            BUILDER,
            "      - message_builder: { max_size: 5MB }\n",
            "max_size: 5MB",
            &["not a size"],
        ),
        (
            BUILDER,
            "      - router\n",
            "      - router\n",
            &["`rules` is missing"],
        ),
        (
            BUILDER,
            "      - message_builder: {}\n        received_header: {}\n",
            "message_builder: {}",
            &["stands beside"],
        ),
        (
            BUILDER,
            "      - allowed_senders\n",
            "      - allowed_senders\n",
            &["neither `domains` nor `addresses`"],
        ),
        (
            BUILDER,
            "      - allowed_senders: { domains: [\"@example.com\"] }\n",
            "domains: [\"@example.com\"]",
            &["write `example.com`"],
        ),
        (
            BUILDER,
            "      - allowed_senders: { addresses: [example.com] }\n",
            "addresses: [example.com]",
            &["`example.com` is no address", "bob@example.com"],
        ),
        (
            BUILDER,
            "      - allowed_senders: { address: [a@example.com] }\n",
            "address: [a@example.com]",
            &["no key `address`", "did you mean `addresses`?"],
        ),
        (
            "      - received_header\n",
            "      - recieved_header\n",
            "recieved_header",
            &["did you mean `received_header`?"],
        ),
    ]);
}
