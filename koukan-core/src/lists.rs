//! Lists in logs: [`List`].

use std::{error::Error, fmt};

/// Several values as one field of a log event.
///
/// A field of [`tracing`] holds one value. As text, the items are separated by blanks. A subscriber
/// with arrays, for example one that writes JSON, can get the items: the list is passed as an error
/// ([`List::as_field`]), the only kind of value whose type can be queried.
///
/// # Example
///
/// ```
/// use koukan_core::lists::List;
///
/// let addresses = List::of(&["127.0.0.1:1025", "[::1]:1025"]);
/// assert_eq!(addresses.to_string(), "127.0.0.1:1025 [::1]:1025");
/// tracing::info!(addresses = addresses.as_field(), "listening");
///
/// let items = addresses.as_field().downcast_ref::<List<String>>();
/// assert_eq!(items, Some(&addresses));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl List<String> {
    /// A list of the items as text.
    pub fn of<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter();
        Self(items.map(|item| item.to_string()).collect())
    }
}

impl<T: fmt::Display + fmt::Debug + 'static> List<T> {
    /// The list as the value of a log field.
    pub fn as_field(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{item}")?;
        }
        Ok(())
    }
}

impl<T: fmt::Display + fmt::Debug> Error for List<T> {}
