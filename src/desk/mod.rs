//! What the office remembers and promises: tickets, matters, the rota. Pure; never knows SQL, HTTP
//! or SIP. Reading starts at [`ticket`].

pub mod access;
pub mod chain;
pub mod directory;
pub mod number;
pub mod office;
pub mod outage;
pub mod resident;
pub mod retention;
pub mod rota;
pub mod ticket;
pub mod verdict;
