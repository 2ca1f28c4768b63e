//! The guides, so that their code is tested. The examples are in `examples/`.

#[doc = include_str!("../../guides/building-a-filter.md")]
pub mod building_a_filter {}

#[doc = include_str!("../../docs/writing-a-backend.md")]
pub mod writing_a_backend {}

#[doc = include_str!("../../guides/an-endpoint-of-your-own.md")]
pub mod an_endpoint_of_your_own {}

#[doc = include_str!("../../guides/testing-your-filter.md")]
pub mod testing_your_filter {}

#[doc = include_str!("../../guides/embedding-the-queue.md")]
pub mod embedding_the_queue {}

#[doc = include_str!("../../guides/from-lettre.md")]
pub mod from_lettre {}

#[doc = include_str!("../../guides/from-mailin-embedded.md")]
pub mod from_mailin_embedded {}
