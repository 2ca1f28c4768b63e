//! Lists of addresses in all forms.

use super::*;

fn named(name: &str, address: &str) -> Addressee {
    Addressee {
        display_name: (!name.is_empty()).then(|| name.into()),
        address: address.into(),
    }
}

#[test]
fn addresses_in_all_forms() {
    for (text, expected) in [
        ("", vec![]),
        ("a@x", vec![named("", "a@x")]),
        (
            "a@x, B C <b@x>",
            vec![named("", "a@x"), named("B C", "b@x")],
        ),
        ("a@x (Alice (A) \\))", vec![named("Alice (A) )", "a@x")]),
        ("\"B, \\\"C\" <b@x>", vec![named("B, \"C", "b@x")]),
        ("\"a b\"@x", vec![named("", "\"a b\"@x")]),
        ("<\"a>b\"@x>", vec![named("", "\"a>b\"@x")]),
        ("=?utf-8?q?=C3=BC=2C?= x <a@x>", vec![named("ü, x", "a@x")]),
        (
            "g: a@x, b@x;, c@x",
            vec![named("", "a@x"), named("", "b@x"), named("", "c@x")],
        ),
        ("undisclosed-recipients:;", vec![]),
        ("A <@r,@s:a@x>", vec![named("A", "a@x")]),
        ("a @ x", vec![named("", "a@x")]),
        ("a . b @ c . d", vec![named("", "a.b@c.d")]),
        ("<a . b @ c . d>", vec![named("", "a.b@c.d")]),
        ("a@[IPv6:::1]", vec![named("", "a@[IPv6:::1]")]),
        (
            "<a@[IPv6:::1]>, b@x",
            vec![named("", "a@[IPv6:::1]"), named("", "b@x")],
        ),
        ("A (c) <a@x> (d)", vec![named("A", "a@x")]),
        ("root", vec![named("", "root")]),
        ("\"a\" \"b\" <a@x>", vec![named("a b", "a@x")]),
        ("<a@x>,,<b@x>,", vec![named("", "a@x"), named("", "b@x")]),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}

#[test]
fn none_is_invented_and_none_is_lost() {
    for (text, expected) in [
        ("Big Bug bb@bug.com", vec![named("Big Bug", "bb@bug.com")]),
        ("bb@bug.com Big Bug", vec![named("Big Bug", "bb@bug.com")]),
        (
            "\"Big Bug\" bb @ bug.com",
            vec![named("Big Bug", "bb@bug.com")],
        ),
        ("Joe Foo, PhD <j@x>", vec![named("Joe Foo, PhD", "j@x")]),
        ("Foo, Joe, PhD <j@x>", vec![named("Foo, Joe, PhD", "j@x")]),
        (
            "a@x, Foo, Joe <j@x>, b@x",
            vec![named("", "a@x"), named("Foo, Joe", "j@x"), named("", "b@x")],
        ),
        (
            "Joe Foo, \"PhD\" <j@x>",
            vec![named("Joe Foo", ""), named("PhD", "j@x")],
        ),
        (
            "=?utf-8?Q?Foo, J=C3=B6?= <j@x>",
            vec![named("Foo, Jö", "j@x")],
        ),
        (
            "A <j@x> B <k@y>",
            vec![named("A", "j@x"), named("B", "k@y")],
        ),
        ("<j@x> <k@y>", vec![named("", "j@x"), named("", "k@y")]),
        ("<j@x><k@y>", vec![named("", "j@x"), named("", "k@y")]),
        ("A <j@x> k@y", vec![named("A", "j@x"), named("", "k@y")]),
        ("j@x k@y", vec![named("", "j@x"), named("", "k@y")]),
        ("j@x B k@y", vec![named("", "j@x"), named("B", "k@y")]),
        ("j@x; k@y", vec![named("", "j@x"), named("", "k@y")]),
        ("<j@x> Joe Foo", vec![named("Joe Foo", "j@x")]),
        ("j@x <k@y>", vec![named("j@x", "k@y")]),
        ("'j@x' <k@y>", vec![named("'j@x'", "k@y")]),
        ("'j@x'", vec![named("", "j@x")]),
        ("j@x <Joe>", vec![named("Joe", "j@x")]),
        ("<j@x, k@y", vec![named("", "j@x"), named("", "k@y")]),
        ("<<j@x>>", vec![named("", "j@x")]),
        ("j@x>", vec![named("", "j@x")]),
        ("<mailto:j@x>", vec![named("", "j@x")]),
        ("John Q. Public <j@x>", vec![named("John Q. Public", "j@x")]),
        ("Joe @ Home <j@x>", vec![named("Joe @ Home", "j@x")]),
        ("<a b@x>", vec![named("", "a b@x")]),
        // Names without an address.
        (
            "undisclosed recipients",
            vec![named("undisclosed recipients", "")],
        ),
        ("MAILER-DAEMON <>", vec![named("MAILER-DAEMON", "")]),
        ("\"open, <(", vec![named("\"open", ""), named("(", "")]),
        ("=?utf-8?q?a=40x?=", vec![named("a@x", "")]),
        ("root, a@x", vec![named("", "root"), named("", "a@x")]),
        ("Joe Foo, a@x", vec![named("Joe Foo", ""), named("", "a@x")]),
        ("<>", vec![]),
        ("Joe Foo, PhD, <j@x>", vec![named("Joe Foo, PhD,", "j@x")]),
        ("root, <a@x>", vec![named("", "root"), named("", "a@x")]),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}

#[test]
fn what_has_no_end_ends_somewhere() {
    for (text, expected) in [
        ("A <j@x B <k@y>", vec![named("A", "j@x"), named("B", "k@y")]),
        ("A j@x> B <k@y>", vec![named("A", "j@x"), named("B", "k@y")]),
        ("Foo <j@x k@y>", vec![named("Foo", "j@x"), named("", "k@y")]),
        (
            "Foo <j@x; k@y>",
            vec![named("Foo", "j@x"), named("", "k@y")],
        ),
        ("<j<k@y>", vec![named("", "k@y")]),
        ("\"Joe Foo <j@x>", vec![named("\"Joe Foo", "j@x")]),
        (
            "\"Foo, Joe <j@x>, Ann <k@y>",
            vec![named("\"Foo, Joe", "j@x"), named("Ann", "k@y")],
        ),
        ("(Joe <j@x>", vec![named("(Joe", "j@x")]),
        (
            "Joe (work <j@x>, k@y",
            vec![named("Joe (work", "j@x"), named("", "k@y")],
        ),
        (
            "a@x (unclosed, b@x",
            vec![named("(unclosed", "a@x"), named("", "b@x")],
        ),
        (
            "a@[192.0.2.1, b@x",
            vec![named("", "a@[192.0.2.1"), named("", "b@x")],
        ),
        (
            "Joe \\\"X\\\" Foo <j@x>",
            vec![named("Joe \"X\" Foo", "j@x")],
        ),
        ("A \\(c\\) <a@x>", vec![named("A (c)", "a@x")]),
        ("DOM\\joe <a@x>", vec![named("DOM\\joe", "a@x")]),
        ("Joe >j@x<", vec![named("Joe", "j@x")]),
        ("Joe>j@x", vec![named("Joe", "j@x")]),
        ("\"\" <>, \"\", k@y", vec![named("", "k@y")]),
        ("\"\" (Joe)", vec![named("Joe", "")]),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
    // Many of them must not each cost a scan of everything that follows.
    for one in ["(", "[", "\"("] {
        let many = one.repeat(20_000);
        assert_eq!(parse(&many).len(), 1, "{one}");
    }
    for one in ["<", "(a)", "a@(b) ", "<a@", "(a)@ ", "'@"] {
        parse(&one.repeat(20_000));
    }
    // Nor of everything that precedes.
    assert_eq!(parse(&"a@x,".repeat(300_000)).len(), 300_000);
    let many = format!("@{}{}", "a".repeat(1_000_000), ">".repeat(1_000_000));
    assert_eq!(parse(&many).len(), 1);
}

#[test]
fn names_are_told_from_addresses() {
    for (text, expected) in [
        (
            "Joe Foo <j@x>, PhD",
            vec![named("Joe Foo", "j@x"), named("PhD", "")],
        ),
        (
            "Joe Foo <j@x>, PhD, k@y",
            vec![named("Joe Foo", "j@x"), named("PhD", ""), named("", "k@y")],
        ),
        (
            "Joe Foo <j@x>, PhD, MBA, \"k\"@y",
            vec![
                named("Joe Foo", "j@x"),
                named("PhD", ""),
                named("MBA", ""),
                named("", "\"k\"@y"),
            ],
        ),
        (
            "<j@x>,, PhD, Foo, Ann <k@y>, root; root, l@z, root",
            vec![
                named("", "j@x"),
                named("PhD, Foo, Ann", "k@y"),
                named("root", ""),
                named("", "root"),
                named("", "l@z"),
                named("", "root"),
            ],
        ),
        (
            "Joe <j@x>, g: root, k@y;",
            vec![named("Joe", "j@x"), named("", "root"), named("", "k@y")],
        ),
        ("j@x, root", vec![named("", "j@x"), named("", "root")]),
        ("Joe Foo, PhD j@x", vec![named("Joe Foo, PhD", "j@x")]),
        (
            "a@x, Foo, Joe j@x",
            vec![named("", "a@x"), named("Foo, Joe", "j@x")],
        ),
        ("Joe @Work j@x", vec![named("Joe @Work", "j@x")]),
        ("Joe @Work <j@x>", vec![named("Joe @Work", "j@x")]),
        ("j @x", vec![named("", "j@x")]),
        ("@x", vec![named("@x", "")]),
        ("j@", vec![named("j@", "")]),
        ("Joe <j(at)x.com>", vec![named("Joe j x.com", "")]),
        ("Joe <j at x.com>", vec![named("Joe j at x.com", "")]),
        ("<undisclosed-recipients:;>", vec![]),
        ("Joe &lt;j@x&gt;", vec![named("Joe", "j@x")]),
        ("\"Q&lt;A&gt;\" <j@x>", vec![named("Q&lt;A&gt;", "j@x")]),
        ("j@x <Joe Foo>", vec![named("Joe Foo", "j@x")]),
        ("Cron Daemon <root>", vec![named("Cron Daemon", "root")]),
        // Comments in addresses: RFC 5322 appendix A.5.
        ("a(c)@x", vec![named("", "a@x")]),
        ("a(c)@(d)x", vec![named("", "a@x")]),
        ("a (c) @ (d) x", vec![named("c d", "a@x")]),
        ("a@x(c).y", vec![named("", "a@x.y")]),
        (
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            vec![named("Pete", "pete@silly.test")],
        ),
        (
            "g: Chris Jones <c@(Chris's host.)public.example>;",
            vec![named("Chris Jones", "c@public.example")],
        ),
        // In brackets.
        ("Joe Foo [j@x]", vec![named("Joe Foo", "j@x")]),
        (
            "Joe Foo [mailto:j@x], k@y",
            vec![named("Joe Foo", "j@x"), named("", "k@y")],
        ),
        ("\"Foo\" [SMTP:j@x]", vec![named("Foo", "j@x")]),
        ("Foo[mailto:j@x]", vec![named("Foo", "j@x")]),
        ("\"Foo\" <Foo [SMTP:j@x]>", vec![named("Foo", "j@x")]),
        ("Joe [j@x] <j@x>", vec![named("Joe [j@x]", "j@x")]),
        ("<mailto:j@x?subject=hi>", vec![named("", "j@x")]),
        ("<j@[192.0.2.1]>", vec![named("", "j@[192.0.2.1]")]),
        ("j@[ 192.0.2.1 ]", vec![named("", "j@[192.0.2.1]")]),
        ("Joe <j@[ 192.0.2.1 ]>", vec![named("Joe", "j@[192.0.2.1]")]),
        ("j @ [ IPv6:::1 ]", vec![named("", "j@[IPv6:::1]")]),
        (
            "j@[192.0.2.1 ] Joe, k@[ x, l@y",
            vec![
                named("Joe", "j@[192.0.2.1]"),
                named("x", "k@["),
                named("", "l@y"),
            ],
        ),
        ("Joe @ [j@x]", vec![named("Joe @", "j@x")]),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}
