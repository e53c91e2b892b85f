//! RTP as its RFCs tell it: packets, G.711, telephone events, and where a packet's samples belong on
//! a recording's timeline. Pure; never opens a socket or writes a file. Reading starts at [`timeline`].

pub mod stream;
