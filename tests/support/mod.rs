//! What the kernel tests share.
pub(crate) mod netns;
