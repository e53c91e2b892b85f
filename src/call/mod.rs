//! One call walks one plan, and the house rules write the plan. Pure; never knows that SIP exists
//! and never asks what day it is. Reading starts at [`machine::Call`].

pub mod house;
pub mod journal;
pub mod machine;
pub mod plan;
pub mod prompt;
pub mod service;
pub mod staffing;

#[cfg(test)]
mod sample;
