//! Places in a text that a fast search finds, one after the other: lines without any need no closer look.

/// Finds the next place at or after a byte of a text.
type Find = fn(&[u8], usize) -> Option<usize>;

/// The places of one search.
pub(super) struct Places<'t> {
    text: &'t [u8],
    find: Find,
    next: Option<usize>,
}

impl<'t> Places<'t> {
    /// Those of a text; none if they are not `wanted`.
    pub(super) fn of(text: &'t [u8], find: Find, wanted: bool) -> Self {
        Self { text, find, next: if wanted { find(text, 0) } else { None } }
    }

    /// Whether there is one before `end`, where a line ends; those before it are left behind.
    #[inline]
    pub(super) fn pass(&mut self, end: usize) -> bool {
        let found = self.next.is_some_and(|at| at < end);
        if found {
            self.next = (self.find)(self.text, end);
        }
        found
    }
}
