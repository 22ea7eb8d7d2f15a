//! Counts by cell, as they travel: cumulative, and small when most cells are empty.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::balance::Counts;

/// Cells that there are.
const CELLS: usize = 256;

/// How often something fell into each cell, from the first that anything fell into. Counts go round at 2³²: only their
/// differences mean anything.
///
/// Written as a list: the first cell, then the count of it and of those after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    first: u8,
    counts: Vec<u32>,
}

impl Cells {
    /// Whether nothing fell into any.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Adds `count` to a cell.
    pub fn add(&mut self, cell: u8, count: u32) {
        if count == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.first = cell;
        }
        if cell < self.first {
            let more = usize::from(self.first - cell);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = cell;
        }
        let place = usize::from(cell - self.first);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] = self.counts[place].wrapping_add(count);
    }

    /// Adds a tick's counts.
    pub(super) fn add_all(&mut self, counts: &Counts) {
        for (cell, count) in counts.cells() {
            self.add(cell, count);
        }
    }

    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut gained = Self::default();
        for (cell, count) in self.iter() {
            gained.add(cell, count.wrapping_sub(earlier.count(cell)));
        }
        gained
    }

    /// Cells with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u32)> + '_ {
        (self.first..=u8::MAX).zip(self.counts.iter().copied())
    }

    fn count(&self, cell: u8) -> u32 {
        let place = cell.checked_sub(self.first);
        let count = place.and_then(|place| self.counts.get(usize::from(place)));
        count.copied().unwrap_or_default()
    }
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = std::iter::once(u32::from(self.first));
        serializer.collect_seq(first.chain(self.counts.iter().copied()))
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<u32>::deserialize(deserializer)?;
        let Some((first, counts)) = list.split_first() else {
            return Ok(Self::default());
        };
        let wrong = "expected a cell from 0 to 255 and the counts from it on";
        let first = u8::try_from(*first).map_err(|_| serde::de::Error::custom(wrong))?;
        if usize::from(first) + counts.len() > CELLS {
            return Err(serde::de::Error::custom(wrong));
        }
        Ok(Self {
            first,
            counts: counts.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_travel_as_a_short_list_and_differences_are_exact() {
        let mut cells = Cells::default();
        cells.add(120, 3);
        cells.add(118, 1);
        let text = serde_json::to_string(&cells).unwrap();
        assert_eq!(text, "[118,1,0,3]");
        assert_eq!(serde_json::from_str::<Cells>(&text).unwrap(), cells);
        let before = cells.clone();
        cells.add(255, u32::MAX);
        cells.add(255, 4);
        cells.add(120, 2);
        let gained: Vec<_> = cells.since(&before).iter().filter(|it| it.1 > 0).collect();
        assert_eq!(gained, [(120, 2), (255, 3)], "counts go round");
        assert!(serde_json::from_str::<Cells>("[250,1,1,1,1,1,1,1]").is_err());
        assert!(serde_json::from_str::<Cells>("[]").unwrap().is_empty());
    }
}
