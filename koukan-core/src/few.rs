//! A list that nearly always has one item: [`Few`].

use std::{iter, mem, slice, vec};

/// A list whose first item needs no memory of its own.
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
            Some(_) => self.others.push(item),
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
        assert_eq!(few.take().collect::<Vec<_>>(), [0, 2, 4, 6]);
        assert_eq!(few.len(), 0);
    }
}
