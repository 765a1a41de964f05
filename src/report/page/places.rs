//! Where in the files of a run each user was shown last: a table on the disk, so that memory does not
//! grow with the users.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::store;

/// Places of a user in the files of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserPlaces {
    /// The hash of the user's ID; 0 is nobody.
    pub(super) key: u64,
    /// Where the user is as it was before the last request; see [`UserShownAt`].
    pub(super) before: UserShownAt,
    /// Where the user is as the last reply showed it.
    pub(super) last: UserShownAt,
    /// A hash of that reply: rows that shared one request have the same.
    pub(super) reply: u64,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum UserShownAt {
    /// Nowhere.
    #[default]
    Nowhere,
    /// Before-images, at this byte.
    Image(u64),
    /// Results, at this byte.
    Result(u64),
}

/// Marks a place in the results.
const IN_RESULTS: u64 = 1 << 63;

impl UserShownAt {
    fn to_number(self) -> u64 {
        match self {
            Self::Nowhere => 0,
            Self::Image(place) => place + 1,
            Self::Result(place) => (place + 1) | IN_RESULTS,
        }
    }

    fn of_number(number: u64) -> Self {
        match number {
            0 => Self::Nowhere,
            number if number & IN_RESULTS == 0 => Self::Image(number - 1),
            number => Self::Result((number & !IN_RESULTS).saturating_sub(1)),
        }
    }
}

/// Bytes of a slot.
const SLOT: usize = 32;

/// The table: slots that are found by the key, the next free one where it is taken.
#[derive(Debug)]
pub(super) struct PlaceTable {
    file: File,
    slots: u64,
    taken: u64,
    /// The slot that was looked at last, and whose it is or would be.
    latest: Option<(u64, u64, UserPlaces)>,
}

impl PlaceTable {
    /// An empty one, in a file without a name.
    pub(super) fn new() -> io::Result<Self> {
        Self::of_slots(4_096)
    }

    fn of_slots(slots: u64) -> io::Result<Self> {
        let file = store::unnamed_file()?;
        file.set_len(slots * SLOT as u64)?;
        Ok(Self { file, slots, taken: 0, latest: None })
    }

    /// The places of a user; nowhere for one who is not known yet.
    pub(super) fn find(&mut self, key: u64) -> io::Result<UserPlaces> {
        let (_, found) = self.slot_of(key)?;
        Ok(UserPlaces { key, ..found })
    }

    /// Keeps the places of a user.
    pub(super) fn keep(&mut self, places: UserPlaces) -> io::Result<()> {
        // It was mostly asked for just before.
        let (slot, found) = match self.latest.take() {
            Some((key, slot, found)) if key == places.key => (slot, found),
            _ => self.slot_of(places.key)?,
        };
        self.latest = None;
        self.write(slot, &places)?;
        self.taken += u64::from(found.key == 0);
        if self.taken * 10 > self.slots * 7 { self.grow() } else { Ok(()) }
    }

    /// The slot of a user, and what is in it: places, or nothing yet.
    fn slot_of(&mut self, key: u64) -> io::Result<(u64, UserPlaces)> {
        let mut slot = key % self.slots;
        loop {
            let mut bytes = [0; SLOT];
            self.file.seek(SeekFrom::Start(slot * SLOT as u64))?;
            self.file.read_exact(&mut bytes)?;
            let found = read(&bytes);
            if found.key == key || found.key == 0 {
                self.latest = Some((key, slot, found));
                return Ok((slot, found));
            }
            slot = (slot + 1) % self.slots;
        }
    }

    fn write(&mut self, slot: u64, places: &UserPlaces) -> io::Result<()> {
        let mut bytes = [0; SLOT];
        let numbers =
            [places.key, places.before.to_number(), places.last.to_number(), places.reply];
        for (to, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        self.file.seek(SeekFrom::Start(slot * SLOT as u64))?;
        self.file.write_all(&bytes)
    }

    fn grow(&mut self) -> io::Result<()> {
        let mut larger = Self::of_slots(self.slots * 4)?;
        self.file.seek(SeekFrom::Start(0))?;
        let mut bytes = [0; SLOT];
        let mut slots = io::BufReader::new(&self.file);
        for _ in 0..self.slots {
            slots.read_exact(&mut bytes)?;
            let places = read(&bytes);
            if places.key != 0 {
                larger.keep(places)?;
            }
        }
        *self = larger;
        Ok(())
    }
}

fn read(bytes: &[u8; SLOT]) -> UserPlaces {
    let mut numbers = [0; 4];
    for (number, from) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = u64::from_le_bytes(from.try_into().unwrap_or_default());
    }
    let [key, before, last, reply] = numbers;
    let (before, last) = (UserShownAt::of_number(before), UserShownAt::of_number(last));
    UserPlaces { key, before, last, reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_again_however_many_there_are() {
        let mut table = PlaceTable::new().unwrap();
        let places = |n: u64| UserPlaces {
            // Four of them begin at one slot.
            key: n / 4 + n % 4 * 65_536 + 1,
            before: if n.is_multiple_of(2) { UserShownAt::Image(n) } else { UserShownAt::Nowhere },
            last: UserShownAt::Result(n),
            reply: n,
        };
        for n in 0..3_000 {
            table.keep(places(n)).unwrap();
        }
        table.keep(UserPlaces { last: UserShownAt::Nowhere, ..places(7) }).unwrap();
        for n in (0..3_000).filter(|n| *n != 7) {
            assert_eq!(table.find(places(n).key).unwrap(), places(n));
        }
        assert_eq!(table.find(places(7).key).unwrap().last, UserShownAt::Nowhere);
        assert_eq!(table.find(99_999_999_999).unwrap().last, UserShownAt::Nowhere);
        assert_eq!(table.taken, 3_000);
    }
}
