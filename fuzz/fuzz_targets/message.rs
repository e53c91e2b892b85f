//! No bytes may make the parser panic, and what has been read must be read the same from what we write.
#![no_main]

use hotlined::sip::{
    framing::{Frame, Framer},
    message::Message,
    parse,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut framer = Framer::new();
    framer.push(bytes);
    while let Ok(Some(frame)) = framer.next_frame() {
        if let Frame::Message(message) = frame {
            let _either_way = parse::message(&message);
        }
    }
    if let Ok(Message::Request(request)) = parse::message(bytes) {
        let written = request.to_bytes();
        if written.len() <= parse::MAX_MESSAGE {
            assert_eq!(parse::message(&written), Ok(Message::Request(request)));
        }
    }
});
