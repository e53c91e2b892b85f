//! What people see and press. So far the command line's view of tickets: [`text`] for eyes, [`json`]
//! for programs. It never touches a call and never writes to the database.

pub mod json;
pub mod text;
