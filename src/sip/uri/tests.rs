use super::*;

fn sip(text: &str) -> SipUri {
    match Uri::parse(text) {
        Ok(Uri::Sip(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_is_read_is_written_again() {
    for text in [
        "sip:example.com",
        "sips:alice:secret@example.com:5061;transport=tls",
        "sip:+8621;phone-context=+86@gw.example.com;user=phone",
        "sip:[2001:db8::1]:5060;lr",
        "sip:alice@192.0.2.1;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "sip:bob@example.com?Replaces=a%40b%3Bto-tag%3D1&Subject=",
        "sip:user;par=u%40example.net@example.com",
        "sip:#31#13800000000@gw.example.com",
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        "tel:+86-138-0000-0000;phone-context=example.com",
        "tel:110;phone-context=+86",
        "isbn:2983792873",
        "soap.beep://192.0.2.103:3002",
    ] {
        assert_eq!(Uri::parse(text).map(|uri| uri.to_string()).as_deref(), Ok(text));
    }
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip",
        "sip:",
        "<sip:a@b>",
        "sip:a@b; lr",
        "sip:a@",
        "sip:a@b:port",
        "sip:a@b:70000",
        "sip:a@[::1",
        "sip:a@b;;lr",
        "sip:a@exa mple",
        "sip::p@h",
        "tel:",
        "tel:call-me",
        "1sip:a@b",
        "sip:a@h;=x",
        "sip:a@h?x=\r\n",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_user_is_unescaped_without_its_parameters() {
    assert_eq!(
        sip("sip:sips%3Auser%40example.com@example.net").plain_user().unwrap(),
        "sips:user@example.com"
    );
    assert_eq!(sip("sip:+8621;phone-context=+86@gw").plain_user().unwrap(), "+8621");
    assert_eq!(sip("sip:null-%00-null@example.com").plain_user().unwrap(), "null-\0-null");
    assert_eq!(sip("sip:gw").plain_user(), None);
    assert_eq!(SipUri::new(Some("a b@c"), Host::Name("h".into()), None).to_string(), "sip:a%20b%40c@h");
}

#[test]
fn escaped_parameter_names_are_the_same_names() {
    let uri = sip("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    assert!(uri.params.has("lr"));
    assert_eq!(uri.params.value("name"), Some("v%61lue%25%34%31"));
}

#[test]
fn uri_headers_are_unescaped_on_demand() {
    let uri = sip("sip:bob@h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces");
    assert_eq!(uri.header("replaces").unwrap(), "a@b;to-tag=1;from-tag=2");
    assert_eq!(uri.without_headers().to_string(), "sip:bob@h");
}

/// RFC 3261 §19.1.4's own examples.
#[test]
fn uris_match_as_the_rfc_says() {
    for (one, other, same) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            true,
        ),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false),
        ("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on", false),
        ("sip:a@h", "sips:a@h", false),
        ("sip:%00@host5.example.com", "sip:%00%00@host5.example.com", false),
        ("tel:+86-138-0000", "tel:+861380000", true),
        ("tel:110;phone-context=+86", "tel:110", false),
        ("sip:a@h", "tel:1", false),
        ("sip:a@h;x;x=1", "sip:a@h;x=1;x", true),
    ] {
        let (a, b) = (Uri::parse(one).unwrap(), Uri::parse(other).unwrap());
        assert_eq!(a.matches(&b), same, "{one} and {other}");
        assert_eq!(b.matches(&a), same, "{other} and {one}");
    }
}

#[test]
fn parameters_after_a_bare_uri_are_the_headers() {
    let bare = NameAddr::parse("sip:+19725552222@gw1.example.net;unknownparam").unwrap();
    assert!(bare.params.has("unknownparam"));
    let bracketed = NameAddr::parse("<sip:+19725552222@gw1.example.net;unknownparam>").unwrap();
    assert!(bracketed.params.0.is_empty());
    assert!(bracketed.uri.as_sip().unwrap().params.has("unknownparam"));
}

#[test]
fn display_names_are_read_as_people_read_them() {
    for (text, display) in [
        (r#""J Rosenberg \\\""       <sip:jdrosen@example.com> ; tag = 98asjd8"#, Some(r#"J Rosenberg \""#)),
        ("caller<sip:caller@example.com>;tag=323", Some("caller")),
        ("token1~` token2'+_ token3*%!.- <sip:m@example.com>", Some("token1~` token2'+_ token3*%!.-")),
        (r#""a <sip:x@y>" <sip:b@c>"#, Some("a <sip:x@y>")),
        ("物业热线 <sip:b@c>", Some("物业热线")),
        (r#""" <sip:b@c>"#, None),
        ("<sip:b@c>", None),
    ] {
        let read = NameAddr::parse(text).unwrap();
        assert_eq!(read.display.as_deref(), display, "{text}");
        assert_eq!(NameAddr::parse(&read.to_string()), Ok(read), "{text}");
    }
}

#[test]
fn addresses_that_must_not_be_guessed_are_refused() {
    for text in [
        r#""Mr. J. User <sip:j.user@example.com>"#,
        "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        r#""Joe" <sip:joe@example.org>;;;;"#,
        "<sip:a@b",
        "<sip:a@b> junk",
        r#""a" "b" <sip:a@b>"#,
        "",
    ] {
        assert!(NameAddr::parse(text).is_err(), "{text}");
    }
}

#[test]
fn feature_tags_keep_their_quotes() {
    let text =
        r#"<sip:801@10.0.0.7:5062>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>""#;
    let contact = NameAddr::parse(text).unwrap();
    assert_eq!(
        contact.params.value("+sip.instance"),
        Some("<urn:uuid:00000000-0000-1000-8000-000A95A0E128>")
    );
    assert_eq!(contact.to_string(), text);
}

#[test]
fn several_contacts_stand_on_one_line() {
    let list = NameAddr::parse_list(r#""Zhao, Lan" <sip:a@b;x="1,2">;q=0.5, <sip:c@d>;expires=60"#).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].q(), 500);
    assert_eq!(list[1].q(), 1000);
    assert_eq!(list[1].expires(), Some(60));
}

#[test]
fn overlarge_and_malformed_expiries_are_tamed() {
    let expires = |text: &str| NameAddr::parse(text).unwrap().expires();
    assert_eq!(expires("<sip:a@b>;expires=280297596632815"), Some(u32::MAX));
    assert_eq!(expires("<sip:a@b>;expires=soon"), Some(3600));
    assert_eq!(expires("<sip:a@b>"), None);
}
