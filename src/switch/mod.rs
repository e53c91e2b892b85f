//! The exchange: joins SIP to calls. Registrar, trunks, which dialog is which leg. Pure; never decides
//! (that is [`crate::call`]'s), awaits, locks or logs.

pub mod media;
