//! `vmhook-event`: what libvirt runs.
fn main() {}
