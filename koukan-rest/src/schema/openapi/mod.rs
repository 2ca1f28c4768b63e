//! The API for other programs.

use serde_json::{Value, json};

/// The OpenAPI 3.1 document of the API.
pub fn openapi() -> Value {
    json!({"openapi": "3.1.0"})
}
