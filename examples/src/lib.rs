#![doc = include_str!("../../guides/building-a-filter.md")]
