//! `host_address`: the host's own end of a network, on a real kernel, with machines that have kernels of
//! their own, and with frames that no kernel would send.

mod attacks;
mod dhcp;
mod reach;
mod recipes;
mod refused;
mod several_hosts;
mod stage;
