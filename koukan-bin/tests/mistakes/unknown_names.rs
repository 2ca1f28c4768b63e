//! Names that refer to nothing. The report has a suggestion, or a list of the names that exist.

use super::*;

#[test]
fn of_filters_keys_matchers_chains_and_endpoints() {
    let rule = |matcher: &str| {
        format!("      - policy_action: {{ tag: t, match: {{ matcher: {matcher} }} }}\n")
    };
    const CHAIN: &str = "chain: outgoing }";
    told(&[
        (
            BUILDER,
            "      - message_bilder\n",
            "message_bilder",
            &[
                "unknown filter `message_bilder`",
                "did you mean `message_builder`?",
            ],
        ),
        (
            BUILDER,
            "      - antivirus_gateway\n",
            "antivirus_gateway",
            &[
                "unknown filter `antivirus_gateway`",
                "there is ",
                "`policy_action`",
            ],
        ),
        (
            BUILDER,
            "      - message_builder: { max_sise: 5MiB }\n",
            "max_sise",
            &["no key `max_sise`", "did you mean `max_size`?"],
        ),
        (
            BUILDER,
            "      - message_builder: { colour: red }\n",
            "colour",
            &["no key `colour`", "`max_size`"],
        ),
        (
            BUILDER,
            &rule("network_adress"),
            "network_adress",
            &[
                "unknown matcher `network_adress`",
                "did you mean `network_address`?",
            ],
        ),
        (
            BUILDER,
            &rule("phase_of_the_moon"),
            "phase_of_the_moon",
            &[
                "unknown matcher `phase_of_the_moon`",
                "there is ",
                "`address_list`",
            ],
        ),
        (
            CHAIN,
            "chain: outgoin }",
            "outgoin }",
            &["unknown chain `outgoin`", "did you mean `outgoing`?"],
        ),
        (
            CHAIN,
            "chain: elsewhere }",
            "elsewhere }",
            &["unknown chain `elsewhere`", "there is ", "`outgoing`"],
        ),
        (
            SUBMISSION,
            "      explodr: { policy: submission, sender: outgoing }\n",
            "explodr",
            &["`explodr`", "did you mean `exploder`?"],
        ),
        (
            SUBMISSION,
            "      carrier_pigeon: {}\n",
            "carrier_pigeon",
            &["`carrier_pigeon`", "`exploder`", "`smtp`"],
        ),
    ]);
}
