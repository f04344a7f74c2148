//! host_stack
