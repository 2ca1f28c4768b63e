//! Messages that are described: there are none here, for nothing of them is shared.

pub(crate) use koukan_core::message::parser;

pub(crate) mod header_fields {
    use bytes::Bytes;

    /// What is never changed here.
    #[derive(Debug, Clone)]
    pub struct HeaderFields(Bytes);

    impl HeaderFields {
        pub(crate) fn parse(octets: Bytes) -> Self {
            Self(octets)
        }

        pub(crate) fn only_added(&self) -> Option<Bytes> {
            Some(Bytes::new())
        }

        pub(crate) fn octets_before(&self) -> u64 {
            self.0.len() as u64
        }

        pub(crate) fn to_octets(&self) -> Bytes {
            self.0.clone()
        }
    }
}

pub(crate) mod builder {
    use std::{
        collections::BTreeMap,
        convert::Infallible,
        sync::Arc,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use serde_json::Value;

    use crate::{blob::Blob, failure::BodyError};

    #[derive(Debug, Clone)]
    pub enum Composition {}

    pub(crate) struct Rendering(Composition);

    pub(crate) struct Spec;

    impl Spec {
        pub(crate) fn from_stored(_: &Value) -> Result<Self, Infallible> {
            Ok(Self)
        }

        pub(crate) fn create_ids(&self) -> Vec<&str> {
            Vec::new()
        }
    }

    impl Composition {
        pub(crate) fn parts(&self) -> &BTreeMap<Box<str>, Blob> {
            match *self {}
        }

        pub(crate) fn new(
            _: Arc<Spec>,
            _: impl Iterator<Item = (Box<str>, Blob)>,
        ) -> Result<Self, &'static str> {
            Err("messages are not described here")
        }
    }

    impl Rendering {
        pub(crate) fn new(composition: Composition) -> Self {
            Self(composition)
        }

        pub(crate) fn is_unread(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn composition(&self) -> Option<&Composition> {
            Some(&self.0)
        }

        pub(crate) fn into_composition(self) -> Result<Composition, Self> {
            Ok(self.0)
        }

        pub(crate) fn poll_chunk(
            &mut self,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, BodyError>>> {
            match self.0 {}
        }
    }
}
