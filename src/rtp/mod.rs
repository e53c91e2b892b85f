//! RTP as its RFCs tell it: packets, G.711, telephone events, RTCP, whose packets to believe, and where
//! a packet's samples belong on a recording's timeline. Pure; never opens a socket, reads a clock or
//! writes a file. Reading starts at [`packet`].

pub mod continuity;
pub mod g711;
pub mod g722;
pub mod half_band;
pub mod inband;
pub mod packet;
pub mod reception;
pub mod rtcp;
pub mod source_lock;
pub mod srtp;
pub mod stream;
pub mod telephone_event;
pub mod timeline;
pub mod timestamp;
pub mod transcode;
