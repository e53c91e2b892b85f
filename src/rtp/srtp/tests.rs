use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

/// The master key of RFC 3711 appendix B.3, which libSRTP's own tests use too.
fn known_key(suite: Suite) -> MasterKey {
    MasterKey {
        suite,
        key: bytes("e1f97a0d3e018be0d64fa32c06de4139").try_into().unwrap(),
        salt: bytes("0ec675ad498afeebb6960b3aabe6").try_into().unwrap(),
    }
}

fn key(suite: Suite, seed: u8) -> MasterKey {
    MasterKey { suite, key: [seed; 16], salt: [seed.wrapping_add(1); 14] }
}

const SUITES: [Suite; 2] = [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32];

fn packet(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, 8];
    out.extend(sequence.to_be_bytes());
    out.extend((u32::from(sequence) * 160).to_be_bytes());
    out.extend(ssrc.to_be_bytes());
    out.extend(payload);
    out
}

fn protected(protector: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + LARGEST_OVERHEAD, 0);
    let length = protector.rtp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn opened(opener: &mut Opener, protected: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = protected.to_vec();
    let length = opener.rtp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

#[test]
fn session_keys_are_those_of_rfc_3711_appendix_b_3() {
    let master = known_key(Suite::AesCm128HmacSha1_80);
    let root = Aes128::new(&master.key.into());
    for (label, expected) in [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
        (
            1,
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2DC68",
        ),
    ] {
        let expected = bytes(expected);
        let mut derived = vec![0; expected.len()];
        derive(&root, &master.salt, label, &mut derived);
        assert_eq!(derived, expected, "label {label}");
    }
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_appendix_b_2() {
    let cipher = Aes128::new_from_slice(&bytes("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let iv = bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    let mut stream = vec![0; 0xff02 * 16];
    keystream(&cipher, iv, &mut stream);
    for (block, expected) in [
        (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(stream[block * 16..][..16], bytes(expected), "block {block:#x}");
    }
}

#[test]
fn a_packet_is_protected_as_libsrtp_protects_it() {
    let mut protector = Protector::new(&known_key(Suite::AesCm128HmacSha1_80));
    let plain = bytes("800f1234decafbadcafebabe abababababababababababababababab");
    let expected = bytes("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
    assert_eq!(protected(&mut protector, &plain), expected);
    let mut opener = Opener::new(&known_key(Suite::AesCm128HmacSha1_80));
    assert_eq!(opened(&mut opener, &expected), Ok(plain));
}

#[test]
fn a_report_is_protected_as_libsrtp_protects_it() {
    let mut protector = Protector::new(&known_key(Suite::AesCm128HmacSha1_80));
    let plain = bytes("81c8000bcafebabe abababababababababababababababab");
    let expected = bytes("81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798");
    let mut buffer = plain.clone();
    buffer.resize(plain.len() + LARGEST_OVERHEAD, 0);
    assert_eq!(protector.rtcp(&mut buffer, plain.len()), Ok(expected.len()));
    assert_eq!(hex::encode(&buffer), hex::encode(&expected));
    let mut opener = Opener::new(&known_key(Suite::AesCm128HmacSha1_80));
    assert_eq!(opener.rtcp(&mut buffer), Ok(plain.len()));
    assert_eq!(buffer[..plain.len()], plain);
}

#[test]
fn numbers_may_wrap_many_times() {
    for suite in SUITES {
        let (mut protector, mut opener) = (Protector::new(&key(suite, 1)), Opener::new(&key(suite, 1)));
        for n in (0..400_000u32).step_by(1_000) {
            let [_, _, s0, s1] = n.to_be_bytes();
            let plain = packet(u16::from_be_bytes([s0, s1]), 7, &n.to_be_bytes());
            let secret = protected(&mut protector, &plain);
            assert_ne!(secret[12..16], plain[12..16]);
            assert_eq!(opened(&mut opener, &secret), Ok(plain));
        }
    }
}

#[test]
fn what_was_heard_before_is_not_heard_again_and_late_packets_are() {
    let key = key(Suite::AesCm128HmacSha1_32, 3);
    let (mut protector, mut opener) = (Protector::new(&key), Opener::new(&key));
    let secrets: Vec<_> = (65_500..65_536)
        .chain(0..100)
        .map(|n: u32| protected(&mut protector, &packet(u16::try_from(n).unwrap(), 7, &[1, 2, 3])))
        .collect();
    // The 40th comes before the 20 before it, around the wrap.
    let order = (0..20).chain([40]).chain(20..40).chain(41..136);
    for n in order {
        assert!(opened(&mut opener, &secrets[n]).is_ok(), "{n}");
        assert_eq!(opened(&mut opener, &secrets[n]), Err(Refused::Replayed), "{n}");
    }
    assert_eq!(opened(&mut opener, &secrets[0]), Err(Refused::Replayed), "older than the window");
}

#[test]
fn nothing_goes_out_twice_under_one_number() {
    let mut protector = Protector::new(&key(Suite::AesCm128HmacSha1_80, 3));
    protected(&mut protector, &packet(5, 7, &[1]));
    let mut second = packet(5, 7, &[2]);
    second.resize(40, 0);
    assert_eq!(protector.rtp(&mut second, 13), Err(Refused::Replayed));
}

#[test]
fn a_stranger_changes_nothing_and_leaves_nothing_behind() {
    let good = key(Suite::AesCm128HmacSha1_80, 3);
    let (mut protector, mut opener) = (Protector::new(&good), Opener::new(&good));
    assert!(opened(&mut opener, &protected(&mut protector, &packet(1, 7, &[1]))).is_ok());
    let mut stranger = Protector::new(&key(Suite::AesCm128HmacSha1_80, 4));
    for n in 0..1_000 {
        let secret = protected(&mut stranger, &packet(30_000 + n, u32::from(n), &[1]));
        assert_eq!(opened(&mut opener, &secret), Err(Refused::NotAuthentic));
    }
    assert_eq!(opener.senders.iter().flatten().count(), 1);
    assert!(opened(&mut opener, &protected(&mut protector, &packet(2, 7, &[1]))).is_ok());
}

#[test]
fn a_changed_bit_anywhere_is_noticed() {
    for suite in SUITES {
        let secret = protected(&mut Protector::new(&key(suite, 3)), &packet(9, 7, &[5; 20]));
        for bit in 0..secret.len() * 8 {
            let mut changed = secret.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&mut Opener::new(&key(suite, 3)), &changed).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_packet_without_room_for_its_tag_stays_as_it_is() {
    let mut protector = Protector::new(&key(Suite::AesCm128HmacSha1_80, 3));
    let mut plain = packet(9, 7, &[5; 20]);
    let before = plain.clone();
    let length = plain.len();
    assert_eq!(protector.rtp(&mut plain, length), Err(Refused::Exhausted));
    assert_eq!(plain, before);
}

#[test]
fn keys_are_not_shown() {
    let master = known_key(Suite::AesCm128HmacSha1_80);
    let shown = format!("{master:?} {:?} {:?}", Protector::new(&master), Opener::new(&master));
    assert!(!shown.contains("e1") && !shown.contains("225") && !shown.contains("249"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_can_panic(mut noise in proptest::collection::vec(any::<u8>(), 0..200), length in 0usize..220) {
        let master = key(Suite::AesCm128HmacSha1_80, 3);
        let _ = Opener::new(&master).rtp(&mut noise);
        let _ = Opener::new(&master).rtcp(&mut noise);
        let _ = Protector::new(&master).rtp(&mut noise, length);
        let _ = Protector::new(&master).rtcp(&mut noise, length);
    }
}
