//! All integration tests in one binary: the floors of the house, whole calls in virtual time, random
//! simulation, and the real daemon on real sockets.

mod floors;
