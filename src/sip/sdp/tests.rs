use proptest::prelude::*;

use super::*;

fn audio(text: &str) -> Audio {
    read(text.as_bytes()).unwrap().audio.unwrap()
}

fn refusal(text: &str) -> NotAcceptable {
    read(text.as_bytes()).unwrap().audio.unwrap_err()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// `encoding/rate` of each payload type in order.
fn payloads(audio: &Audio) -> String {
    let words: Vec<String> = audio
        .payloads
        .iter()
        .map(|p| format!("{} {}/{}", p.payload_type, p.encoding, p.clock_rate))
        .collect();
    words.join(", ")
}

pub(in crate::sip) const YEALINK: &str = "v=0\r\n\
o=- 20017 20017 IN IP4 192.168.1.21\r\n\
s=SDP data\r\n\
c=IN IP4 192.168.1.21\r\n\
t=0 0\r\n\
m=audio 11794 RTP/AVP 9 0 8 18 101\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:18 G729/8000\r\n\
a=fmtp:18 annexb=no\r\n\
a=fmtp:101 0-15\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=ptime:20\r\n\
a=sendrecv\r\n";

/// Audio and video, static types without `a=rtpmap`, optional SDES keys on plain RTP.
pub(in crate::sip) const GRANDSTREAM: &str = "v=0\r\n\
o=801 8000 8000 IN IP4 192.168.1.33\r\n\
s=SIP Call\r\n\
c=IN IP4 192.168.1.33\r\n\
t=0 0\r\n\
m=audio 5004 RTP/AVP 8 0 18 101\r\n\
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n\
a=ptime:20\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
m=video 5006 RTP/AVP 99\r\n\
b=AS:512\r\n\
a=rtpmap:99 H264/90000\r\n\
a=fmtp:99 profile-level-id=42801E; packetization-mode=0\r\n\
a=sendrecv\r\n";

/// Linphone: AVPF, dynamic types first, three events, RTCP multiplexing, IPv6.
pub(in crate::sip) const LINPHONE: &str = "v=0\r\n\
o=801 1374 3158 IN IP6 2001:db8::21\r\n\
s=Talk\r\n\
c=IN IP6 2001:db8::21\r\n\
b=AS:380\r\n\
t=0 0\r\n\
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\n\
a=record:off\r\n\
m=audio 7078 RTP/AVPF 96 97 0 8 101 99 100\r\n\
a=rtpmap:96 opus/48000/2\r\n\
a=fmtp:96 useinbandfec=1\r\n\
a=rtpmap:97 speex/16000\r\n\
a=fmtp:97 vbr=on\r\n\
a=rtpmap:101 telephone-event/48000\r\n\
a=rtpmap:99 telephone-event/16000\r\n\
a=rtpmap:100 telephone-event/8000\r\n\
a=rtcp:7078\r\n\
a=rtcp-mux\r\n\
a=rtcp-fb:* trr-int 1000\r\n\
a=rtcp-fb:* ccm tmmbr\r\n";

pub(in crate::sip) const ASTERISK: &str = "v=0\r\n\
o=- 1585273014 1585273014 IN IP4 203.0.113.5\r\n\
s=Asterisk\r\n\
c=IN IP4 203.0.113.5\r\n\
t=0 0\r\n\
m=audio 16342 RTP/AVP 8 0 101\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-16\r\n\
a=ptime:20\r\n\
a=maxptime:140\r\n\
a=sendrecv\r\n";

/// An IMS core: bandwidths, AMR first, preconditions, `a=` lines at session level, a connection per stream.
pub(in crate::sip) const HUAWEI_IMS: &str = "v=0\r\n\
o=HuaweiUGC9811 1073836961 1073836961 IN IP4 10.184.77.20\r\n\
s=Sip Call\r\n\
b=AS:64\r\n\
t=0 0\r\n\
a=sendrecv\r\n\
m=audio 30052 RTP/AVP 104 8 0 96\r\n\
c=IN IP4 10.184.77.20\r\n\
b=AS:64\r\n\
b=RS:800\r\n\
b=RR:2400\r\n\
a=rtpmap:104 AMR/8000/1\r\n\
a=fmtp:104 mode-set=0,2,4,7;max-red=0\r\n\
a=rtpmap:8 PCMA/8000/1\r\n\
a=rtpmap:0 PCMU/8000/1\r\n\
a=rtpmap:96 telephone-event/8000\r\n\
a=curr:qos local none\r\n\
a=curr:qos remote none\r\n\
a=des:qos optional local sendrecv\r\n\
a=ptime:20\r\n\
a=maxptime:20\r\n";

#[test]
fn a_yealink_offer_is_read() {
    let session = read(YEALINK.as_bytes()).unwrap();
    assert_eq!(session.origin, Origin { session_id: "20017".into(), version: 20017 });
    let audio = session.audio.unwrap();
    assert_eq!(audio.address, addr("192.168.1.21:11794"));
    assert_eq!(audio.rtcp, addr("192.168.1.21:11795"));
    assert_eq!(
        payloads(&audio),
        "9 G722/8000, 0 PCMU/8000, 8 PCMA/8000, 18 G729/8000, 101 telephone-event/8000"
    );
    assert_eq!(audio.payloads[3].fmtp.as_deref(), Some("annexb=no"));
    assert_eq!((audio.telephone_event, audio.ptime_ms), (Some(101), Some(20)));
    assert_eq!(audio.direction, Direction::SendRecv);
}

#[test]
fn a_grandstream_offer_with_video_and_optional_keys_is_read() {
    let session = read(GRANDSTREAM.as_bytes()).unwrap();
    assert_eq!(session.lines.len(), 2);
    assert_eq!(session.lines[1].media, "video");
    assert_eq!(
        payloads(&session.audio.unwrap()),
        "8 PCMA/8000, 0 PCMU/8000, 18 G729/8000, 101 telephone-event/8000"
    );
}

#[test]
fn a_linphone_offer_over_ipv6_is_read() {
    let audio = audio(LINPHONE);
    assert_eq!(audio.address, addr("[2001:db8::21]:7078"));
    assert_eq!(audio.rtcp, addr("[2001:db8::21]:7078"));
    assert!(audio.rtcp_mux);
    assert_eq!(audio.telephone_event, Some(100), "the one at 8000 Hz");
    assert_eq!(audio.payloads[0].channels, 2);
}

#[test]
fn offers_of_asterisk_and_of_an_ims_trunk_are_read() {
    let asterisk = audio(ASTERISK);
    assert_eq!(asterisk.address, addr("203.0.113.5:16342"));
    assert_eq!(asterisk.telephone_event, Some(101));
    let ims = audio(HUAWEI_IMS);
    assert_eq!(ims.address, addr("10.184.77.20:30052"));
    assert_eq!(ims.telephone_event, Some(96));
    assert_eq!(ims.payloads[1].channels, 1);
}

#[test]
fn every_way_to_hold_is_read() {
    let with = |c: &str, a: &str| {
        audio(&format!(
            "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN {c}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n{a}"
        ))
        .direction
    };
    for (connection, attribute, direction) in [
        ("IP4 10.0.0.1", "", Direction::SendRecv),
        ("IP4 10.0.0.1", "a=sendonly\r\n", Direction::SendOnly),
        ("IP4 10.0.0.1", "a=recvonly\r\n", Direction::RecvOnly),
        ("IP4 10.0.0.1", "a=inactive\r\n", Direction::Inactive),
        ("IP4 10.0.0.1", "a=SendOnly \r\n", Direction::SendOnly),
        ("IP4 0.0.0.0", "", Direction::SendOnly),
        ("IP4 0.0.0.0", "a=recvonly\r\n", Direction::Inactive),
        ("IP6 ::", "a=sendrecv\r\n", Direction::SendOnly),
    ] {
        assert_eq!(with(connection, attribute), direction, "{connection} {attribute}");
    }
    let session_level = ASTERISK.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
    assert_eq!(audio(&session_level).direction, Direction::SendRecv, "the stream's own word counts");
    assert_eq!(audio(&session_level.replace("a=sendrecv\r\n", "")).direction, Direction::Inactive);
}

#[test]
fn direction_words_are_seen_from_both_ends() {
    assert_eq!(Direction::SendOnly.reversed(), Direction::RecvOnly);
    assert_eq!(Direction::Inactive.reversed(), Direction::Inactive);
    assert_eq!(Direction::SendRecv.and(Direction::RecvOnly), Direction::RecvOnly);
    assert_eq!(Direction::SendOnly.and(Direction::RecvOnly), Direction::Inactive);
}

#[test]
fn what_devices_get_wrong_costs_no_call() {
    let plain = audio(ASTERISK);
    let cases = [
        ("bare line feeds", ASTERISK.replace("\r\n", "\n")),
        ("bare carriage returns", ASTERISK.replace("\r\n", "\r")),
        ("blank lines and an open end", ASTERISK.replace("t=0 0", "\r\nt=0 0").trim_end().to_owned()),
        ("a byte order mark", format!("\u{feff}{ASTERISK}")),
        ("no t= and no s=", ASTERISK.replace("t=0 0\r\n", "").replace("s=Asterisk\r\n", "")),
        ("an odd t=", ASTERISK.replace("t=0 0", "t=now")),
        ("an odd b=", ASTERISK.replace("t=0 0", "b=AS:\r\nt=0 0")),
        ("a user name with blanks", ASTERISK.replace("o=-", "o=Front Desk Phone")),
        ("no address in o=", ASTERISK.replace("1585273014 IN IP4 203.0.113.5", "1585273014")),
        ("no o= numbers", ASTERISK.replace("1585273014 1585273014 ", "")),
        ("a version beyond 64 bits", ASTERISK.replace("1585273014 IN", "99999999999999999999999 IN")),
        ("a doubled s=", ASTERISK.replace("s=Asterisk", "s=Asterisk\r\ns=Asterisk")),
        ("a doubled c=", ASTERISK.replace("t=0 0", "c=IN IP4 203.0.113.5\r\nt=0 0")),
        ("trailing blanks", ASTERISK.replace("\r\n", "  \r\n")),
        ("wide blanks", ASTERISK.replace("audio 16342 RTP/AVP", "audio  16342  RTP/AVP ")),
        ("a multicast suffix", ASTERISK.replace("c=IN IP4 203.0.113.5", "c=IN IP4 203.0.113.5/127")),
        ("lower-case encoding names", ASTERISK.replace("telephone-event", "TELEPHONE-EVENT")),
    ];
    for (what, text) in cases {
        let read = audio(&text);
        assert_eq!((read.address, read.telephone_event), (plain.address, Some(101)), "{what}");
        assert_eq!((read.payloads.len(), read.ptime_ms), (3, Some(20)), "{what}");
    }
    let latin = ASTERISK.replace("s=Asterisk", "s=B?ro").into_bytes();
    let latin: Vec<u8> = latin.into_iter().map(|b| if b == b'?' { 0xfc } else { b }).collect();
    assert_eq!(read(&latin).unwrap().audio.unwrap(), plain);
}

#[test]
fn a_version_beyond_64_bits_still_changes_when_it_counts_up() {
    let version = |v: &str| {
        let text = ASTERISK.replace("1585273014 IN", &format!("{v} IN"));
        read(text.as_bytes()).unwrap().origin.version
    };
    assert_ne!(version("99999999999999999999998"), version("99999999999999999999999"));
}

#[test]
fn rtcp_goes_where_the_peer_says() {
    let with = |line: &str| audio(&format!("{ASTERISK}{line}")).rtcp;
    assert_eq!(with(""), addr("203.0.113.5:16343"));
    assert_eq!(with("a=rtcp:53020\r\n"), addr("203.0.113.5:53020"));
    assert_eq!(with("a=rtcp:53020 IN IP4 198.51.100.7\r\n"), addr("198.51.100.7:53020"));
    assert_eq!(with("a=rtcp:0\r\n"), addr("203.0.113.5:16343"));
    assert_eq!(with("a=rtcp:banana IN IP4 x\r\n"), addr("203.0.113.5:16343"));
    assert_eq!(audio(&ASTERISK.replace("16342", "65535")).rtcp.port(), 65535);
}

#[test]
fn an_impossible_packet_time_is_ignored() {
    for (text, ptime_ms) in [("30", Some(30)), ("20.0", Some(20)), ("0", None), ("2000", None), ("x", None)] {
        assert_eq!(
            audio(&ASTERISK.replace("ptime:20", &format!("ptime:{text}"))).ptime_ms,
            ptime_ms,
            "{text}"
        );
    }
}

#[test]
fn a_broken_rtpmap_of_a_static_type_falls_back_to_the_table() {
    let audio = audio(&ASTERISK.replace("a=rtpmap:8 PCMA/8000", "a=rtpmap:8 PCMA"));
    assert_eq!(payloads(&audio), "8 PCMA/8000, 0 PCMU/8000, 101 telephone-event/8000");
}

#[test]
fn sessions_that_cannot_be_had_say_why() {
    use NotAcceptable::{Address, NoAudio, Profile};
    for (text, why) in [
        (ASTERISK.replace("m=audio", "m=video"), NoAudio),
        (ASTERISK.replace("16342", "0"), NoAudio),
        (ASTERISK[..ASTERISK.find("m=").unwrap()].to_owned(), NoAudio),
        (ASTERISK.replace("RTP/AVP", "RTP/SAVP"), Profile("RTP/SAVP".into())),
        (ASTERISK.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF"), Profile("UDP/TLS/RTP/SAVPF".into())),
        (ASTERISK.replace("c=IN IP4 203.0.113.5", "c=IN IP4 pbx.example"), Address("pbx.example".into())),
        (ASTERISK.replace("c=IN IP4 203.0.113.5\r\n", ""), Address(String::new())),
    ] {
        assert_eq!(refusal(&text), why);
    }
}

#[test]
fn of_a_secure_and_a_plain_stream_the_plain_one_is_taken() {
    let secure = "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n";
    let both = ASTERISK.replace("m=audio", &format!("{secure}m=audio"));
    let audio = audio(&both);
    assert_eq!((audio.line, audio.address.port()), (1, 16342));
}

#[test]
fn text_that_is_no_sdp_is_malformed() {
    for text in [
        "",
        "hello",
        "o=- 1 1 IN IP4 1.2.3.4\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio 99999 RTP/AVP 8\r\n",
    ] {
        assert!(matches!(read(text.as_bytes()), Err(BadSdp::Malformed(_))), "{text:?}");
    }
    let long = format!("{ASTERISK}{}", "m=audio 0 RTP/AVP 8\r\n".repeat(64));
    assert_eq!(read(long.as_bytes()), Err(BadSdp::TooLong));
}

/// Lines that make and break SDP, in any order.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(ASTERISK.lines().chain(LINPHONE.lines()).collect::<Vec<_>>())
            .prop_map(str::to_owned),
        "[voscmatbk]=[ -~]{0,40}",
        "a=(rtpmap|fmtp|rtcp|ptime)?:?[0-9 ]{0,6}[ -~]{0,20}",
        "m=audio [0-9]{0,6} RTP/AVP[F]?( [0-9]{1,4}){0,5}",
        "c=IN IP[46] [0-9a-f:./]{0,20}",
        "o=( ?[0-9-]{1,25}| ?IN| ?IP4){0,8}",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_lines_are_survived_and_what_is_read_is_sound(lines in prop::collection::vec(line(), 0..20)) {
        if let Ok(session) = read(format!("v=0\r\n{}\r\n", lines.join("\r\n")).as_bytes())
            && let Ok(audio) = &session.audio
        {
            prop_assert!(audio.address.port() != 0);
            prop_assert_eq!(session.lines[audio.line].port, audio.address.port());
            prop_assert!(audio.payloads.iter().all(|p| p.payload_type < 128));
            prop_assert!(!(audio.address.ip().is_unspecified() && audio.direction.receives()));
        }
    }
}
