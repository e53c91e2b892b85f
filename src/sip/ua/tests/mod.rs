//! The user agent in virtual time, against a peer whose messages are written out ([`bench`]).

mod bench;
mod called;
mod calling;
