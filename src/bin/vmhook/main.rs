//! `vmhook`: what an operator asks.
fn main() {}
