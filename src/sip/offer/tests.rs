use proptest::prelude::*;

use super::*;
use crate::sip::sdes::{Master, OurKeys};
use crate::sip::sdp::{
    read,
    tests::{ASTERISK, GRANDSTREAM, HUAWEI_IMS, LINPHONE, YEALINK},
};

const BOTH: [AudioCodec; 2] = [AudioCodec::Pcma, AudioCodec::Pcmu];

fn local() -> Local {
    Local {
        address: "198.51.100.1:20000".parse().unwrap(),
        session_id: 42,
        version: 1,
        protection: Protection::Off,
    }
}

fn session(text: &str) -> Session {
    read(text.as_bytes()).unwrap()
}

fn answered(offer: &str, direction: Direction) -> (String, Agreed) {
    let (text, agreed) = answer(&session(offer), &local(), &BOTH, direction).unwrap();
    (String::from_utf8(text.to_vec()).unwrap(), agreed)
}

#[test]
fn our_offer_is_what_every_phone_expects() {
    let text = offer(&local(), &BOTH, Direction::SendRecv);
    assert_eq!(
        String::from_utf8(text.to_vec()).unwrap(),
        "v=0\r\no=- 42 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn an_offer_over_ipv6_names_its_family() {
    let local = Local { address: "[2001:db8::1]:20000".parse().unwrap(), ..local() };
    let text = offer(&local, &BOTH, Direction::SendRecv);
    let read = read(&text).unwrap().audio.unwrap();
    assert_eq!(read.address, local.address);
    assert!(String::from_utf8(text.to_vec()).unwrap().contains("c=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn the_answer_to_a_grandstream_turns_its_video_down_in_place() {
    let (text, agreed) = answered(GRANDSTREAM, Direction::SendRecv);
    assert_eq!(
        text,
        "v=0\r\no=- 42 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 99\r\n"
    );
    assert_eq!(
        agreed,
        Agreed {
            remote: "192.168.1.33:5004".parse().unwrap(),
            remote_rtcp: "192.168.1.33:5005".parse().unwrap(),
            codec: AudioCodec::Pcma,
            payload_type: 8,
            telephone_event: Some(101),
            ptime_ms: 20,
            peer_sends: true,
            peer_receives: true,
            keys: None,
        }
    );
}

#[test]
fn real_offers_are_answered_with_their_own_payload_types() {
    for (name, offer, formats, protocol) in [
        ("Yealink", YEALINK, "8 101", "RTP/AVP"),
        ("Linphone", LINPHONE, "8 100", "RTP/AVPF"),
        ("Asterisk", ASTERISK, "8 101", "RTP/AVP"),
        ("Huawei", HUAWEI_IMS, "8 96", "RTP/AVP"),
    ] {
        let (text, agreed) = answered(offer, Direction::SendRecv);
        assert!(text.contains(&format!("m=audio 20000 {protocol} {formats}\r\n")), "{name}: {text}");
        assert!(agreed.peer_sends && agreed.peer_receives, "{name}");
        assert!(!text.contains("rtcp-mux"), "{name}");
    }
}

#[test]
fn the_codec_is_the_first_that_we_accept() {
    let offered = session(YEALINK);
    let codec = |accepted: &[AudioCodec]| {
        answer(&offered, &local(), accepted, Direction::SendRecv).map(|(_, agreed)| agreed.codec)
    };
    assert_eq!(codec(&[AudioCodec::Pcma, AudioCodec::Pcmu]), Ok(AudioCodec::Pcma));
    assert_eq!(codec(&[AudioCodec::Pcmu, AudioCodec::Pcma]), Ok(AudioCodec::Pcmu));
    assert_eq!(codec(&[]), Err(NotAcceptable::NoCodec));
    let g729 = session(&ASTERISK.replace("8 0 101", "18"));
    assert_eq!(answer(&g729, &local(), &BOTH, Direction::SendRecv).unwrap_err(), NotAcceptable::NoCodec);
}

#[test]
fn a_dynamic_payload_type_is_mirrored() {
    let text = ASTERISK.replace("8 0 101", "118 101").replace("rtpmap:8", "rtpmap:118");
    let (text, agreed) = answered(&text, Direction::SendRecv);
    assert!(text.contains("m=audio 20000 RTP/AVP 118 101\r\na=rtpmap:118 PCMA/8000\r\n"), "{text}");
    assert_eq!(agreed.payload_type, 118);
}

#[test]
fn an_offer_without_events_gets_none() {
    let (text, agreed) = answered(&ASTERISK.replace("8 0 101", "8 0"), Direction::SendRecv);
    assert!(!text.contains("telephone-event"), "{text}");
    assert_eq!(agreed.telephone_event, None);
}

/// RFC 3264 §6.1, one row one case: offered, what we are willing to do, answered, and whether the
/// peer then sends and receives.
#[test]
fn directions_are_answered_as_rfc_3264_says() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, willing, word, peer_sends, peer_receives) in [
        (SendRecv, SendRecv, "sendrecv", true, true),
        (SendRecv, SendOnly, "sendonly", false, true),
        (SendRecv, RecvOnly, "recvonly", true, false),
        (SendRecv, Inactive, "inactive", false, false),
        (SendOnly, SendRecv, "recvonly", true, false),
        (SendOnly, SendOnly, "inactive", false, false),
        (RecvOnly, SendRecv, "sendonly", false, true),
        (Inactive, SendRecv, "inactive", false, false),
    ] {
        let (text, agreed) = answered(&ASTERISK.replace("sendrecv", offered.word()), willing);
        assert!(text.ends_with(&format!("a={word}\r\n")), "{offered:?} {willing:?}: {text}");
        assert_eq!((agreed.peer_sends, agreed.peer_receives), (peer_sends, peer_receives), "{offered:?}");
    }
}

#[test]
fn hold_by_an_empty_address_is_answered_and_taken_back() {
    let held = ASTERISK.replace("c=IN IP4 203.0.113.5", "c=IN IP4 0.0.0.0");
    let (text, agreed) = answered(&held, Direction::SendRecv);
    assert!(text.ends_with("a=recvonly\r\n"), "{text}");
    assert!(agreed.peer_sends && !agreed.peer_receives);
    let (_, agreed) = answered(ASTERISK, Direction::SendRecv);
    assert!(agreed.peer_sends && agreed.peer_receives);
}

#[test]
fn the_version_counts_up_with_each_change_and_only_then() {
    let mut ours = local();
    let first = offer(&ours, &BOTH, Direction::SendRecv);
    let again = ours.settle(&first, |l| offer(l, &BOTH, Direction::SendRecv));
    assert_eq!((again, ours.version), (first.clone(), 1));
    let held = ours.settle(&first, |l| offer(l, &BOTH, Direction::SendOnly));
    assert_eq!((read(&held).unwrap().origin.version, ours.version), (2, 2));
    let resumed = ours.settle(&held, |l| offer(l, &BOTH, Direction::SendRecv));
    assert_eq!(read(&resumed).unwrap().origin.version, 3);
}

#[test]
fn an_answer_to_our_offer_settles_codec_events_and_direction() {
    let ours = read(&offer(&local(), &BOTH, Direction::SendRecv)).unwrap();
    let reply = "v=0\r\no=- 7 7 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
                 a=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\na=recvonly\r\n";
    assert_eq!(
        agreed(&ours, &session(reply)),
        Ok(Agreed {
            remote: "10.0.0.9:4000".parse().unwrap(),
            remote_rtcp: "10.0.0.9:4001".parse().unwrap(),
            codec: AudioCodec::Pcmu,
            payload_type: 0,
            telephone_event: Some(101),
            ptime_ms: 30,
            peer_sends: false,
            peer_receives: true,
            keys: None,
        })
    );
    let silent = session(&reply.replace(" 101", "").replace("101 telephone-event", "x"));
    assert_eq!(agreed(&ours, &silent).unwrap().telephone_event, None);
}

#[test]
fn an_answer_that_breaks_the_rules_is_not_acceptable() {
    let pcma = read(&offer(&local(), &[AudioCodec::Pcma], Direction::SendRecv)).unwrap();
    let only_pcmu = session(&ASTERISK.replace("8 0 101", "0 101"));
    assert_eq!(agreed(&pcma, &only_pcmu), Err(NotAcceptable::NoCodec));
    let turned_down = session(&ASTERISK.replace("16342", "0"));
    assert_eq!(agreed(&pcma, &turned_down), Err(NotAcceptable::NoAudio));
}

#[test]
fn when_we_hold_a_peer_that_says_sendrecv_still_gets_no_say() {
    let ours = read(&offer(&local(), &BOTH, Direction::SendOnly)).unwrap();
    let agreed = agreed(&ours, &session(ASTERISK)).unwrap();
    assert!(!agreed.peer_sends && agreed.peer_receives);
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ])
}

fn keys(seed: u8) -> OurKeys {
    OurKeys { sha1_80: Master([seed; 30]), sha1_32: Master([seed + 100; 30]) }
}

fn protection(seed: u8) -> impl Strategy<Value = Protection> {
    prop::sample::select(vec![
        Protection::Off,
        Protection::Optional(keys(seed)),
        Protection::Required(keys(seed)),
    ])
}

/// How Grandstream and others offer "optional": the same audio twice.
const TWICE: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
    m=audio 5004 RTP/SAVP 8\r\na=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n\
    m=audio 5006 RTP/AVP 8\r\n";

#[test]
fn audio_offered_twice_is_taken_once_as_the_leg_may() {
    for (protection, first, second) in [
        (Protection::Off, "m=audio 0 RTP/SAVP 8\r\n", "m=audio 20000 RTP/AVP 8\r\n"),
        (Protection::Optional(keys(1)), "m=audio 20000 RTP/SAVP 8\r\n", "m=audio 0 RTP/AVP 8\r\n"),
        (Protection::Required(keys(1)), "m=audio 20000 RTP/SAVP 8\r\n", "m=audio 0 RTP/AVP 8\r\n"),
    ] {
        let local = Local { protection, ..local() };
        let (text, agreed) = answer(&session(TWICE), &local, &BOTH, Direction::SendRecv).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(first) && text.contains(second), "{protection:?}: {text}");
        assert_eq!(
            text.contains("a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:"),
            protection != Protection::Off
        );
        assert_eq!(agreed.keys.is_some(), protection != Protection::Off);
        assert_eq!(agreed.remote.port(), if protection == Protection::Off { 5006 } else { 5004 });
    }
}

#[test]
fn a_leg_that_must_be_encrypted_refuses_an_offer_without_keys() {
    let local = Local { protection: Protection::Required(keys(1)), ..local() };
    let refused = answer(&session(ASTERISK), &local, &BOTH, Direction::SendRecv);
    assert_eq!(refused.unwrap_err(), NotAcceptable::NoKey);
}

#[test]
fn what_we_offer_encrypted_must_be_answered_so() {
    let required = Local { protection: Protection::Required(keys(1)), ..local() };
    let ours = read(&offer(&required, &BOTH, Direction::SendRecv)).unwrap();
    let plain = read(&offer(&local(), &BOTH, Direction::SendRecv)).unwrap();
    assert_eq!(agreed(&ours, &plain), Err(NotAcceptable::NoKey));
    let optional = Local { protection: Protection::Optional(keys(1)), ..local() };
    let ours = read(&offer(&optional, &BOTH, Direction::SendRecv)).unwrap();
    assert_eq!(agreed(&ours, &plain).unwrap().keys, None);
}

#[test]
fn a_phone_with_nothing_but_g722_is_answered_in_it() {
    let wide =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 5004 RTP/AVP 9\r\n";
    let (text, agreed) = answer(&session(wide), &local(), &AudioCodec::ALL, Direction::SendRecv).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (AudioCodec::G722, 9));
    assert!(String::from_utf8(text.to_vec()).unwrap().contains("a=rtpmap:9 G722/8000\r\n"));
    assert!(answer(&session(wide), &local(), &BOTH, Direction::SendRecv).is_err());
}

proptest! {
    /// Two ends of our own: both must think the same of the session.
    #[test]
    fn offerer_and_answerer_agree(
        offered in direction(),
        willing in direction(),
        order in prop::sample::select(vec![BOTH.to_vec(), vec![AudioCodec::Pcmu], vec![AudioCodec::Pcmu, AudioCodec::Pcma]]),
        v6 in any::<bool>(),
        protections in (protection(1), protection(2)),
    ) {
        let local = || Local { protection: protections.1, ..local() };
        let theirs = Local {
            address: if v6 { "[2001:db8::2]:4000" } else { "10.0.0.2:4000" }.parse().unwrap(),
            session_id: 7,
            version: 3,
            protection: protections.0,
        };
        let first = read(&offer(&theirs, &order, offered)).unwrap();
        let must_not = matches!(
            protections,
            (Protection::Off, Protection::Required(_)) | (Protection::Required(_), Protection::Off)
        );
        let answered = answer(&first, &local(), &BOTH, willing);
        prop_assert_eq!(answered.is_err(), must_not);
        let Ok((reply, ours)) = answered else { return Ok(()) };
        let reply = read(&reply).unwrap();
        prop_assert_eq!(reply.lines.len(), first.lines.len());
        let theirs_view = agreed(&first, &reply).unwrap();
        prop_assert_eq!(ours.remote, theirs.address);
        prop_assert_eq!(theirs_view.remote, local().address);
        prop_assert_eq!((ours.codec, ours.payload_type, ours.telephone_event), (theirs_view.codec, theirs_view.payload_type, theirs_view.telephone_event));
        let crossed = theirs_view.keys.map(|k| AgreedKeys { ours: k.theirs, theirs: k.ours, ..k });
        prop_assert_eq!(ours.keys, crossed);
        let secured = !matches!(protections, (Protection::Off, _) | (_, Protection::Off));
        prop_assert_eq!(ours.keys.is_some(), secured);
        prop_assert_eq!((ours.peer_sends, ours.peer_receives), (theirs_view.peer_receives, theirs_view.peer_sends));
    }

    #[test]
    fn any_readable_offer_is_answered_line_by_line_or_refused(
        lines in prop::collection::vec("m=(audio|video|image) [0-9]{1,4} (RTP/AVP|RTP/SAVP|udptl)( [0-9]{1,3}){1,4}", 0..6),
    ) {
        let text = format!("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n{}\r\n", lines.join("\r\n"));
        if let Ok(offered) = read(text.as_bytes())
            && let Ok((reply, _)) = answer(&offered, &local(), &BOTH, Direction::SendRecv)
        {
            let reply = read(&reply).unwrap();
            let kinds = |s: &Session| s.lines.iter().map(|l| (l.media.clone(), l.protocol.clone())).collect::<Vec<_>>();
            prop_assert_eq!(kinds(&reply), kinds(&offered));
            prop_assert_eq!(reply.lines.iter().filter(|l| l.port != 0).count(), 1);
        }
    }
}
