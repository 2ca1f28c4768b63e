//! A list that nearly always has one item: [`Few`].

use std::{iter, mem, ops::Index, slice, vec};

/// The room that is allocated for a second item. Most messages with several recipients have no more
/// than this, so their lists allocate once.
pub(crate) const SOME: usize = 16;

/// A list whose first item needs no allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Few<T> {
    pub(crate) fn new() -> Self {
        Self {
            first: None,
            others: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        match &self.first {
            None => self.first = Some(item),
            Some(_) => {
                if self.others.is_empty() {
                    self.others.reserve(SOME - 1);
                }
                self.others.push(item);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    pub(crate) fn iter(&self) -> iter::Chain<slice::Iter<'_, T>, slice::Iter<'_, T>> {
        self.first.as_slice().iter().chain(&self.others)
    }

    pub(crate) fn iter_mut(&mut self) -> iter::Chain<slice::IterMut<'_, T>, slice::IterMut<'_, T>> {
        { self.first.as_mut_slice().iter_mut() }.chain(&mut self.others)
    }

    /// Takes all items out.
    pub(crate) fn take(&mut self) -> iter::Chain<std::option::IntoIter<T>, vec::IntoIter<T>> {
        let others = mem::take(&mut self.others);
        self.first.take().into_iter().chain(others)
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Index<usize> for Few<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        match (index, &self.first) {
            (0, Some(first)) => first,
            // One before the first of an empty list is beyond the end of it, too.
            _ => &self.others[index.wrapping_sub(1)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order() {
        let mut few = Few::new();
        for item in 0..4 {
            assert_eq!(few.len(), item);
            few.push(item);
        }
        few.iter_mut().for_each(|item| *item *= 2);
        assert_eq!(few.iter().copied().collect::<Vec<_>>(), [0, 2, 4, 6]);
        assert_eq!([few[0], few[1], few[3]], [0, 2, 6]);
        assert_eq!(few.take().collect::<Vec<_>>(), [0, 2, 4, 6]);
        assert_eq!(few.len(), 0);
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn an_empty_list_has_no_first_item() {
        let _ = Few::<u8>::new()[0];
    }
}
