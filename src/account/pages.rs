//! Reading lists that move while they are read. Impilo's pages are cut by number (documented), so a row that comes or goes on
//! an earlier page shifts others from one page to the next: seen twice, or not at all.

use std::collections::HashSet;
use std::hash::Hash;

use super::ApiError;
use crate::impilo::answer::Page;

/// How often a list is read at most. It is read again where rows moved, until a time through brings nothing new.
const TIMES: u8 = 4;

/// Pages that are read at most in one go: a list that never ends is no list.
const MOST: u32 = 20_000;

/// Pages in a row that bring nothing new the first time: then they are the same again and again.
const BARREN: u32 = 3;

/// Reads a list to its end, each row once, whatever moves meanwhile.
pub struct Pages<F, K, I> {
    fetch: F,
    key: K,
    seen: HashSet<I>,
    page: u32,
    times: u8,
    ended: bool,
    /// Whether this time through brought anything, and whether rows seemed to move.
    news: bool,
    moved: bool,
    rows: usize,
    total: Option<i64>,
    barren: u32,
}

impl<F, K, I> Pages<F, K, I> {
    /// `fetch` gets a page, the first of which is 1; `key` tells rows apart.
    pub fn new(fetch: F, key: K) -> Self {
        let seen = HashSet::new();
        Self {
            fetch,
            key,
            seen,
            page: 1,
            times: 1,
            ended: false,
            news: false,
            moved: false,
            rows: 0,
            total: None,
            barren: 0,
        }
    }

    /// The next rows, without those that came before; `None` at the end.
    ///
    /// # Errors
    /// Where a page cannot be had. The same page is asked for again at the next call.
    pub async fn next<T, Fetched>(&mut self) -> Result<Option<Vec<T>>, ApiError>
    where
        F: FnMut(u32) -> Fetched,
        Fetched: Future<Output = Result<Page<T>, ApiError>>,
        K: Fn(&T) -> I,
        I: Hash + Eq,
    {
        loop {
            if self.ended {
                return Ok(None);
            }
            if self.page > MOST || (self.times == 1 && self.barren >= BARREN) {
                return Err(ApiError::Unreadable("a list has no end"));
            }
            let Page { rows, last, total, left_out, .. } = (self.fetch)(self.page).await?;
            let came = rows.len();
            self.rows += came + left_out;
            let fresh: Vec<T> = rows.into_iter().filter(|row| self.seen.insert((self.key)(row))).collect();
            self.news |= !fresh.is_empty();
            self.barren = if fresh.is_empty() { self.barren + 1 } else { 0 };
            // On the first time through every row is new, unless it was on an earlier page too.
            self.moved |= self.times == 1 && fresh.len() < came;
            self.moved |= self.page > 1 && total.is_some() && self.total.is_some() && total != self.total;
            self.total = total.or(self.total);
            self.page += 1;
            if last {
                self.turn_back();
            }
            if !fresh.is_empty() {
                return Ok(Some(fresh));
            }
        }
    }

    /// At the end of the list: once more from its beginning, where rows may have slipped through.
    fn turn_back(&mut self) {
        let one_page = self.page == 2;
        // Rows that went away shift others over to pages that were read already: nothing comes twice, and some are missing.
        let short = self.total.is_some_and(|total| usize::try_from(total).is_ok_and(|total| total > self.rows));
        // Where nobody says how many there are, what slipped through is seen only at another time.
        let doubtful = self.moved || short || self.total.is_none();
        let again = !one_page && if self.times == 1 { doubtful } else { self.news };
        self.ended = !again || self.times >= TIMES;
        (self.page, self.rows, self.news) = (1, 0, false);
        self.times += 1;
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn all<T, Fetched>(mut self) -> Result<Vec<T>, ApiError>
    where
        F: FnMut(u32) -> Fetched,
        Fetched: Future<Output = Result<Page<T>, ApiError>>,
        K: Fn(&T) -> I,
        I: Hash + Eq,
    {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Reads a list of pages of two, which changes when a page is asked for as `change` says: page and time of asking.
    async fn read(rows: &[u32], total: bool, change: impl Fn(&mut Vec<u32>, u32, u32)) -> (Vec<u32>, u32) {
        let list = RefCell::new((rows.to_vec(), 0));
        let fetch = |page: u32| {
            let (rows, asked) = &mut *list.borrow_mut();
            *asked += 1;
            change(rows, page, *asked);
            let begin = (page as usize - 1) * 2;
            let cut: Vec<u32> = rows.iter().skip(begin).take(2).copied().collect();
            let total = total.then(|| i64::try_from(rows.len()).unwrap());
            let page = Page { rows: cut, last: begin + 2 >= rows.len(), total, left_out: 0, too_long: Vec::new() };
            async { Ok(page) }
        };
        let mut all = Pages::new(fetch, |row: &u32| *row).all().await.unwrap();
        all.sort_unstable();
        let asked = list.borrow().1;
        (all, asked)
    }

    #[tokio::test]
    async fn what_moves_while_it_is_read_is_read_once_and_not_missed() {
        let still = |_: &mut Vec<u32>, _: u32, _: u32| {};
        assert_eq!(read(&[1, 2, 3, 4, 5], true, still).await, (vec![1, 2, 3, 4, 5], 3));
        assert_eq!(read(&[1, 2], true, still).await, (vec![1, 2], 1));
        assert_eq!(read(&[], true, still).await, (vec![], 1));
        for total in [true, false] {
            // One is gone before the second page is read, and another slips over to the first.
            let goes = |rows: &mut Vec<u32>, _: u32, asked: u32| {
                if asked == 2 {
                    rows.remove(0);
                }
            };
            assert_eq!(read(&[1, 2, 3, 4, 5], total, goes).await.0, [1, 2, 3, 4, 5]);
            // One comes in front, and the last of the first page is seen twice.
            let comes = |rows: &mut Vec<u32>, _: u32, asked: u32| {
                if asked == 2 {
                    rows.insert(0, 9);
                }
            };
            assert_eq!(read(&[1, 2, 3, 4, 5], total, comes).await.0, [1, 2, 3, 4, 5, 9]);
        }
        // A list that is never the same twice is read a few times and no more.
        let restless = |rows: &mut Vec<u32>, page: u32, asked: u32| {
            if page == 1 {
                rows.insert(0, 100 + asked);
            }
        };
        let (rows, asked) = read(&[1, 2, 3], false, restless).await;
        assert!(rows.starts_with(&[1, 2, 3]) && asked <= 16, "{asked}");
    }

    #[tokio::test]
    async fn a_list_without_end_is_given_up() {
        let fetch =
            |_| async { Ok(Page { rows: vec![1], last: false, total: None, left_out: 0, too_long: Vec::new() }) };
        let read = Pages::new(fetch, |row: &i32| *row).all().await;
        assert_eq!(read, Err(ApiError::Unreadable("a list has no end")));
    }
}
