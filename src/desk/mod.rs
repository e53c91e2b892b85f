//! What the office remembers and promises: tickets, matters, the rota. Pure; never knows SQL, HTTP
//! or SIP. Reading starts at [`ticket`].

pub mod access;
pub mod calendar;
pub mod chain;
pub mod deadline;
pub mod directory;
pub mod event;
pub mod facts;
pub mod figures;
pub mod matter;
pub mod missed;
pub mod number;
pub mod office;
pub mod outage;
pub mod people;
pub mod resident;
pub mod retention;
pub mod return_visit;
pub mod risk;
pub mod rota;
pub mod search;
pub mod ticket;
pub mod verdict;
pub mod work_order;
