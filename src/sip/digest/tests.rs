use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{sum::Hash, *};

fn mufasa(password: &str) -> Credentials {
    Credentials { user: "Mufasa".into(), password: password.into() }
}

fn parameter(value: &str, name: &str) -> Option<String> {
    fields(value).first()?.get(name).map(str::to_owned)
}

const RFC_2617: &str = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
const RFC_7616_SHA: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
const RFC_7616_MD5: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
const RFC_7616_CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

#[test]
fn the_example_of_rfc_2617_is_answered_as_printed_there() {
    let value =
        answer(&[RFC_2617], &mufasa("Circle Of Life"), "GET", "/dir/index.html", b"", 1, "0a4f113b").unwrap();
    assert_eq!(
        value,
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
         response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", \
         qop=auth, nc=00000001, cnonce=\"0a4f113b\""
    );
}

#[test]
fn the_examples_of_rfc_7616_are_answered_as_printed_there() {
    for (challenge, response) in [
        (RFC_7616_MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (RFC_7616_SHA, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let credentials = mufasa("Circle of Life");
        let value =
            answer(&[challenge], &credentials, "GET", "/dir/index.html", b"", 1, RFC_7616_CNONCE).unwrap();
        assert_eq!(parameter(&value, "response").as_deref(), Some(response));
    }
}

#[test]
fn a_peer_without_qop_is_answered_as_rfc_2069_says() {
    let challenge = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#;
    let value =
        answer(&[challenge], &mufasa("CircleOfLife"), "GET", "/dir/index.html", b"", 7, "0a4f113b").unwrap();
    assert_eq!(parameter(&value, "response").as_deref(), Some("1949323746fe6a43ef61f9606e7febea"));
    for absent in ["qop", "nc", "cnonce", "algorithm", "opaque"] {
        assert_eq!(parameter(&value, absent), None, "{absent} in {value}");
    }
}

#[test]
fn auth_int_is_done_where_nothing_else_is_offered_and_the_count_is_hexadecimal() {
    let challenge = r#"Digest realm="asterisk",nonce="abc",qop="auth-int",algorithm=MD5"#;
    let credentials = Credentials { user: "800".into(), password: "s3cret".into() };
    let value = answer(&[challenge], &credentials, "REGISTER", "sip:pbx", b"v=0\r\n", 10, "c1").unwrap();
    assert_eq!(parameter(&value, "response").as_deref(), Some("8debcd390575f32285ba90222772d22e"));
    assert!(value.contains("qop=auth-int, nc=0000000a, cnonce=\"c1\""), "{value}");
}

/// Responses for user 800, realm asterisk, password s3cret, computed with Python's hashlib.
#[test]
fn session_algorithms_and_the_truncated_sha_512_are_known() {
    let credentials = Credentials { user: "800".into(), password: "s3cret".into() };
    for (algorithm, response) in [
        ("MD5-sess", "99493ffc0601c5383efe093043fe4536"),
        ("SHA-256-sess", "70b4f66d17d90aa024ba3b50fe304ba296fedac7f21e8ee757ec4e1dbc7c95bb"),
        ("SHA-512-256-SESS", "056f9501101f2d5b04cd82fe0cac8ab130b2df37d8e5242a75f6eddfbb031a99"),
    ] {
        let challenge = format!(r#"Digest realm="asterisk",nonce="abc",qop="auth",algorithm={algorithm}"#);
        let value = answer(&[&challenge], &credentials, "REGISTER", "sip:pbx", b"", 10, "c1").unwrap();
        assert_eq!(parameter(&value, "response").as_deref(), Some(response), "{algorithm}");
    }
}

#[test]
fn the_strongest_challenge_is_taken_wherever_it_stands() {
    let one_line = format!("{RFC_7616_MD5}, {RFC_7616_SHA}, Basic realm=\"x\"");
    for challenges in [vec![RFC_7616_MD5, RFC_7616_SHA], vec![RFC_7616_SHA, RFC_7616_MD5], vec![&one_line]] {
        let credentials = mufasa("Circle of Life");
        let value = answer(&challenges, &credentials, "GET", "/", b"", 1, RFC_7616_CNONCE).unwrap();
        assert_eq!(parameter(&value, "algorithm").as_deref(), Some("SHA-256"));
    }
}

#[test]
fn what_cannot_be_answered_says_why() {
    let unknown = r#"Digest realm="r", nonce="n", algorithm=AKAv1-MD5"#;
    let cases = [
        (vec!["Basic realm=\"x\""], CannotAnswer::NoDigest),
        (vec![], CannotAnswer::NoDigest),
        (vec!["Digest realm=\"x\", nonce=\"unclosed"], CannotAnswer::NoDigest),
        (vec![unknown], CannotAnswer::Unknown("AKAv1-MD5".into())),
        (vec![r#"Digest realm="r", nonce="n", qop="sign""#], CannotAnswer::Unknown("sign".into())),
    ];
    for (challenges, why) in cases {
        assert_eq!(answer(&challenges, &mufasa(""), "GET", "/", b"", 1, "c"), Err(why));
    }
    assert!(answer(&[unknown, RFC_2617], &mufasa(""), "GET", "/", b"", 1, "c").is_ok());
}

#[test]
fn stale_is_seen_in_any_writing() {
    assert!(stale(&[r#"Digest realm="r", nonce="n", stale=TRUE"#]));
    assert!(stale(&[r#"Digest realm="r",nonce="n", stale = "true", algorithm=MD5"#]));
    assert!(stale(&["Basic realm=x", r#"digest nonce="n",stale=true"#]));
    assert!(!stale(&[r#"Digest realm="r", nonce="stale=true", stale=false"#]));
}

#[test]
fn the_nonce_whose_uses_count_is_that_of_the_challenge_answered() {
    let md5 = r#"Digest realm="r", nonce="weak", algorithm=MD5"#;
    let sha = r#"Digest realm="r", nonce="strong", algorithm=SHA-256"#;
    assert_eq!(nonce(&[md5, sha]).as_deref(), Some("strong"));
    assert_eq!(nonce(&["Basic realm=r"]), None);
}

// --- The server's side -------------------------------------------------------------------------

const URI: &str = "sip:hotline.example:5060";

struct House {
    start: Instant,
    challenger: Challenger,
}

fn house() -> House {
    #[expect(clippy::disallowed_methods, reason = "any instant serves as the start of virtual time")]
    let start = Instant::now();
    House {
        start,
        challenger: Challenger::new("hotlined", Offered::Both, [7; 32], Duration::from_secs(300), start),
    }
}

fn phone() -> Credentials {
    Credentials { user: "801".into(), password: "correct horse".into() }
}

impl House {
    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn verify(&mut self, value: &str, seconds: u64) -> Verdict {
        let now = self.at(seconds);
        let password = |user: &str| (user == "801").then_some("correct horse");
        self.challenger.verify(value, "REGISTER", URI, b"", password, now)
    }
}

fn register(challenges: &[String], count: u32) -> String {
    let challenges: Vec<&str> = challenges.iter().map(String::as_str).collect();
    answer(&challenges, &phone(), "REGISTER", URI, b"", count, "cn").unwrap()
}

fn verified() -> Verdict {
    Verdict::Verified { user: "801".into() }
}

#[test]
fn an_algorithm_that_is_not_offered_is_not_taken() {
    for (offered, name, other) in [(Offered::Md5, "MD5", "SHA-256"), (Offered::Sha256, "SHA-256", "MD5")] {
        let mut house = house();
        house.challenger =
            Challenger::new("hotlined", offered, [7; 32], Duration::from_secs(300), house.start);
        let challenges = house.challenger.challenge(house.start);
        assert_eq!(challenges.len(), 1);
        let renamed = [challenges[0].replace(name, other)];
        assert_eq!(house.verify(&register(&renamed, 1), 1), Verdict::Wrong, "{other}");
        assert_eq!(house.verify(&register(&challenges, 1), 1), verified(), "{name}");
    }
}

#[test]
fn both_challenges_can_be_answered_and_md5_comes_first_for_phones_that_read_no_further() {
    let mut house = house();
    let challenges = house.challenger.challenge(house.start);
    assert!(challenges[0].contains("algorithm=MD5") && challenges[1].contains("algorithm=SHA-256"));
    assert_eq!(house.verify(&register(&challenges[..1], 1), 1), verified());
    let again = house.challenger.challenge(house.start);
    assert_eq!(house.verify(&register(&again[1..], 1), 1), verified());
}

#[test]
fn counts_beyond_nine_are_hexadecimal_and_each_is_good_once() {
    let mut house = house();
    let challenges = house.challenger.challenge(house.start);
    for count in 1..40 {
        assert_eq!(house.verify(&register(&challenges, count), 1), verified(), "count {count}");
        assert_eq!(house.verify(&register(&challenges, count), 1), Verdict::Stale, "count {count} again");
    }
    assert_eq!(house.verify(&register(&challenges, 3), 1), Verdict::Stale);
}

#[test]
fn an_upper_case_count_and_response_are_read() {
    let mut house = house();
    let challenges = house.challenger.challenge(house.start);
    let nonce = nonce(&[challenges[1].as_str()]).unwrap();
    let ha1 = Hash::Md5.of(&["801", "hotlined", "correct horse"]);
    let ha2 = Hash::Md5.of(&["REGISTER", URI]);
    let response = Hash::Md5.of(&[&ha1, &nonce, "0000000A", "cn", "auth", &ha2]).to_ascii_uppercase();
    let value = format!(
        "Digest username=\"801\",realm=\"hotlined\",nonce=\"{nonce}\",uri=\"{URI}\",\
         response=\"{response}\",cnonce=\"cn\",qop=\"auth\",nc=0000000A,algorithm=\"md5\""
    );
    assert_eq!(house.verify(&value, 1), verified());
}

#[test]
fn a_nonce_past_its_lifetime_or_from_another_process_is_stale_and_the_next_one_good() {
    let mut house = house();
    let old = register(&house.challenger.challenge(house.start), 1);
    assert_eq!(house.verify(&old, 301), Verdict::Stale);
    let mut other =
        Challenger::new("hotlined", Offered::Both, [8; 32], Duration::from_secs(300), house.start);
    let foreign = register(&other.challenge(house.at(301)), 1);
    assert_eq!(house.verify(&foreign, 301), Verdict::Stale);
    let now = house.at(301);
    let again = house.challenger.challenge_stale(now);
    assert!(stale(&[&again[0]]) && stale(&[&again[1]]));
    assert_eq!(house.verify(&register(&again, 1), 302), verified());
}

#[test]
fn a_wrong_password_is_wrong_even_with_a_stale_nonce() {
    let mut house = house();
    let challenges = house.challenger.challenge(house.start);
    let right = register(&challenges, 1);
    let response = parameter(&right, "response").unwrap();
    let forged = right.replace(&response, &"0".repeat(response.len()));
    assert_eq!(house.verify(&forged, 1), Verdict::Wrong);
    assert_eq!(house.verify(&forged, 999), Verdict::Wrong);
    assert_eq!(house.verify(&right, 1), verified());
}

#[test]
fn realm_user_method_and_target_must_fit() {
    let mut house = house();
    let now = house.start;
    let challenges = house.challenger.challenge(now);
    let value = register(&challenges, 1);
    let password = |user: &str| (user == "801").then_some("correct horse");
    let mut verdict = |value: &str, method: &str, uri: &str| {
        house.challenger.verify(value, method, uri, b"", password, now)
    };
    let cases = [
        (value.replace("realm=\"hotlined\"", "realm=\"asterisk\""), "REGISTER", URI),
        (value.replace("\"801\"", "\"802\""), "REGISTER", URI),
        (value.replace("\"801\"", "\"801 \""), "REGISTER", URI),
        (value.clone(), "INVITE", URI),
        (value.clone(), "REGISTER", "sip:13800000000@hotline.example"),
        (value.replace("Digest", "Basic"), "REGISTER", URI),
        (value.replace("SHA-256", "SHA-1"), "REGISTER", URI),
        ("Digest".to_owned(), "REGISTER", URI),
        (String::new(), "REGISTER", URI),
    ];
    for (value, method, uri) in cases {
        assert_eq!(verdict(&value, method, uri), Verdict::Wrong, "{method} {uri} {value}");
    }
    assert_eq!(verdict(&value, "REGISTER", URI), verified());
}

#[test]
fn a_uri_parameter_in_another_form_names_the_same_target() {
    for (ours, theirs) in [
        ("sip:hotline.example", "sip:HOTLINE.example:5060;transport=udp"),
        ("sip:801@10.0.0.1;user=phone", "sip:801@hotline.example"),
        ("sip:%38%30%31@10.0.0.1", "SIP:801@10.0.0.1"),
        ("sip:801;phone-context=x@10.0.0.1", "tel:801"),
    ] {
        assert!(same_target(ours, theirs), "{ours} {theirs}");
    }
    assert!(!same_target("sip:801@h", "sip:802@h"));
    assert!(!same_target("sip:%GG@h", "sip:801@h"));
}

#[test]
fn a_phone_that_echoes_the_whole_qop_list_gets_in() {
    for (text, hashed) in [("auth,auth-int", "auth,auth-int"), ("auth,auth-int", "auth")] {
        let mut house = house();
        let challenges = house.challenger.challenge(house.start);
        let nonce = nonce(&[challenges[1].as_str()]).unwrap();
        let ha1 = Hash::Md5.of(&["801", "hotlined", "correct horse"]);
        let ha2 = Hash::Md5.of(&["REGISTER", URI]);
        let response = Hash::Md5.of(&[&ha1, &nonce, "00000001", "cn", hashed, &ha2]);
        let value = format!(
            "Digest username=\"801\", realm=\"hotlined\", nonce=\"{nonce}\", uri=\"{URI}\", \
             response=\"{response}\", cnonce=\"cn\", qop=\"{text}\", nc=00000001"
        );
        assert_eq!(house.verify(&value, 1), verified(), "{hashed}");
    }
}

#[test]
fn auth_int_covers_the_body() {
    let mut house = house();
    let now = house.start;
    let challenges = house.challenger.challenge(now);
    let challenges: Vec<_> = challenges.iter().map(|c| c.replace("\"auth\"", "\"auth-int\"")).collect();
    let value = answer(&[&challenges[0]], &phone(), "INVITE", "sip:802@h", b"v=0", 1, "cn").unwrap();
    let password = |_: &str| Some("correct horse");
    let mut verify =
        |body: &[u8]| house.challenger.verify(&value, "INVITE", "sip:802@h", body, password, now);
    assert_eq!(verify(b"v=1"), Verdict::Wrong);
    assert_eq!(verify(b"v=0"), verified());
}

#[test]
fn without_qop_a_nonce_is_good_for_one_request() {
    let mut house = house();
    let challenges = house.challenger.challenge(house.start);
    let challenges: Vec<_> = challenges.iter().map(|c| c.replace(", qop=\"auth\"", "")).collect();
    let value = register(&challenges, 1);
    assert_eq!(parameter(&value, "nc"), None);
    assert_eq!(house.verify(&value, 1), verified());
    assert_eq!(house.verify(&value, 1), Verdict::Stale);
}

#[test]
fn a_forgotten_nonce_is_stale_rather_than_open_to_replay() {
    let mut house = house();
    let first = register(&house.challenger.challenge(house.start), 1);
    assert_eq!(house.verify(&first, 1), verified());
    for _ in 0..REMEMBERED_NONCES {
        let value = register(&house.challenger.challenge(house.start), 1);
        assert_eq!(house.verify(&value, 1), verified());
    }
    assert_eq!(house.challenger.used.len(), REMEMBERED_NONCES);
    assert_eq!(house.verify(&first, 1), Verdict::Stale);
}

#[test]
fn neither_secret_nor_password_shows_in_debug() {
    let house = house();
    assert_eq!(format!("{:?} {:?}", house.challenger, phone()), "Challenger(hotlined) Credentials(801)");
}

proptest! {
    #[test]
    fn any_header_value_is_survived(text in "\\PC{0,120}", tail in "[ -~]{0,120}") {
        let mut house = house();
        prop_assert_eq!(house.verify(&text, 1), Verdict::Wrong);
        let _ = answer(&[&text, &format!("Digest {tail}")], &phone(), "INVITE", "sip:x", b"", 1, "c");
        prop_assert_eq!(house.verify(&format!("Digest username=\"801\", realm=\"hotlined\", nonce={tail}"), 1), Verdict::Wrong);
    }

    #[test]
    fn any_name_and_password_pass_through_quoting(user in "[ -~äß客]{1,20}", password in "\\PC{0,20}", realm in "[ -~]{1,20}") {
        #[expect(clippy::disallowed_methods, reason = "any instant serves as the start of virtual time")]
        let now = Instant::now();
        let mut challenger = Challenger::new(&realm, Offered::Both, [1; 32], Duration::from_secs(1), now);
        let challenges = challenger.challenge(now);
        let credentials = Credentials { user: user.clone(), password: password.clone() };
        let value = answer(&[&challenges[0]], &credentials, "REGISTER", "sip:h", b"", 1, "c").unwrap();
        let verdict = challenger.verify(&value, "REGISTER", "sip:h", b"", |_| Some(password.as_str()), now);
        prop_assert_eq!(verdict, Verdict::Verified { user });
    }
}
