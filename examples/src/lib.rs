//! The guides, so that their code is tested. The examples are in `examples/`.

#[doc = include_str!("../../guides/building-a-filter.md")]
pub mod building_a_filter {}

#[doc = include_str!("../../docs/writing-a-backend.md")]
pub mod writing_a_backend {}
