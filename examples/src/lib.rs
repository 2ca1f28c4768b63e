//! Helpers shared by nothing: each example stands alone.
