//! Setters for the optional fields of requests.

/// Declares a `with_*` method for each optional field, in two lists: those that take the field's
/// type, and those that take anything that converts into it.
macro_rules! setters {
    (
        $name:ident {
            $($setter:ident => $field:ident: $value:ty,)*
            $(; $($into_setter:ident => $into_field:ident: $into_value:ty,)*)?
        }
    ) => {
        impl $name {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, value: $value) -> Self {
                    self.$field = Some(value);
                    self
                }
            )*
            $($(
                #[doc = concat!("Sets [`", stringify!($into_field), "`](Self::", stringify!($into_field), ").")]
                #[must_use]
                pub fn $into_setter(mut self, value: impl Into<$into_value>) -> Self {
                    self.$into_field = Some(value.into());
                    self
                }
            )*)?
        }
    };
}

pub(crate) use setters;
