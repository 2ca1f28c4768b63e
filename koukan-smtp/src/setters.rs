//! Methods that set one of many settings.

/// Gives settings a method for each field, which are named twice since a macro makes no names.
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
