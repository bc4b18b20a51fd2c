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
}

impl<F, K, I> Pages<F, K, I> {
    /// `fetch` gets a page, the first of which is 1; `key` tells rows apart.
    pub fn new(fetch: F, key: K) -> Self {
        let seen = HashSet::new();
        Self { fetch, key, seen, page: 1, times: 1, ended: false, news: false, moved: false, rows: 0, total: None }
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
            if self.page > MOST {
                return Err(ApiError::Unreadable("a list has no end"));
            }
            let Page { rows, last, total } = (self.fetch)(self.page).await?;
            let came = rows.len();
            self.rows += came;
            let fresh: Vec<T> = rows.into_iter().filter(|row| self.seen.insert((self.key)(row))).collect();
            self.news |= !fresh.is_empty();
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
        let again = !one_page && if self.times == 1 { self.moved || short } else { self.news };
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
