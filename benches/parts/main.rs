//! The parts on the way of a row, each by itself: `cargo bench --bench parts`.
//!
//! What the whole program does is measured by `cargo bench --bench whole`.

#[path = "../common/rows.rs"]
mod rows;

mod gate;
mod input;
mod instruction;
mod lanes;
mod phones;
mod recorder;

fn main() {
    divan::main();
}
