//! The desk's work over a real database: lists taken over, matters followed, figures recomputed.

mod messy_list;
mod sample;
mod year;
