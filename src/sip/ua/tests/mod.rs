//! The user agent in virtual time: against a peer whose messages are written out ([`bench`]), and
//! two of ours against each other over a network that loses, repeats and reorders ([`network`]).

mod alone;
mod bench;
mod called;
mod calling;
mod network;
mod notifying;
mod within;
