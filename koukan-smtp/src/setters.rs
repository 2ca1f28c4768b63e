//! A macro for methods that set one field each.

/// Gives a settings type a `with_` method for each field. Field and method are both named, since a
/// macro cannot make names.
macro_rules! setters {
    ($settings:ident { $($with:ident: $field:ident: $kind:ty,)* }) => {
        impl $settings {
            $(
                #[doc = concat!("With another [`", stringify!($settings), "::", stringify!($field), "`].")]
                #[must_use]
                pub fn $with(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}
