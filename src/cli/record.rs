//! `test --record`: a test case from events that have come.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;

use super::output::text;
use super::tried::Tried;
use super::{FINE, reader_at, store_path};
use crate::config::{Reviewed, review_settings};
use crate::engine::Position;
use crate::journal::codec;
use crate::process::Read;
use crate::replay::{Original, record};
use crate::store::{Entry, EventRow, JournalRow, Store};

/// Events that one case may be made from.
const MOST: usize = 10_000;

/// Rows read at once.
const PAGE: usize = 500;

/// Which events are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Journal rows, the ends included.
    rows: Vec<(Position, Position)>,
    /// Ids of envelopes.
    ids: BTreeSet<String>,
}

/// Reads `120-140,155` and `id:57637002`.
pub(super) fn chosen(written: &str) -> Result<Chosen, String> {
    let mut chosen = Chosen::default();
    for part in written.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if let Some(id) = part.strip_prefix("id:") {
            chosen.ids.insert(id.to_owned());
            continue;
        }
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = first.trim().parse().ok().zip(last.trim().parse().ok());
        let range = range.filter(|(first, last): &(Position, Position)| first <= last);
        chosen.rows.push(range.ok_or_else(|| {
            format!("`{part}` is no journal row; write rows as `pulsewarden events` lists them, as in 120-140,155, or id:57637002")
        })?);
    }
    if chosen == Chosen::default() { Err("write journal rows, as in 120-140,155".to_owned()) } else { Ok(chosen) }
}

/// Where things are, unless the configuration says it.
pub(super) struct Places<'a> {
    pub store: Option<&'a Path>,
    pub rules: Option<&'a Path>,
    pub library: Option<&'a Path>,
}

pub(super) fn run(config: &Path, wanted: &Chosen, places: &Places<'_>) -> anyhow::Result<u8> {
    let Reviewed { settings, understood, .. } = review_settings(config);
    let settings = understood.then_some(settings);
    let store = match (places.store, &settings) {
        (Some(path), _) => reader_at(path)?,
        (None, Some(settings)) => reader_at(store_path(settings))?,
        (None, None) => bail!("there is no configuration that names the store; say where it is: --store FILE"),
    };
    let tried = match places.rules {
        Some(folder) => Tried::of_folder(folder, places.library, settings.as_ref())?,
        None => Tried::in_force(Some(&store))?,
    };
    let originals = wanted.read(&store)?;
    let (Some((first, _)), Some((last, _))) = (originals.first(), originals.last()) else {
        bail!("no such event can be read; `pulsewarden events` lists those that there are");
    };
    let name =
        if first == last { format!("recorded event {first}") } else { format!("recorded events {first} to {last}") };
    let originals: Vec<Original> = originals.into_iter().map(|(_, original)| original).collect();
    let recording = record(&name, &originals, &tried.rules)?;
    text(&recording.text)?;
    for rule in &recording.differ {
        eprintln!(
            "pulsewarden: {rule} fires at other times for the recorded events than for the invented ones; compare them"
        );
    }
    Ok(FINE)
}

impl Chosen {
    fn has(&self, row: &JournalRow) -> bool {
        let Entry::Event(EventRow { envelope_id, .. }) = &row.entry else { return false };
        self.rows.iter().any(|(first, last)| (*first..=*last).contains(&row.position))
            || envelope_id.as_ref().is_some_and(|id| self.ids.contains(id))
    }

    /// The events with their rows, oldest first.
    fn read(&self, store: &dyn Store) -> anyhow::Result<Vec<(Position, Original)>> {
        // An id may stand anywhere; rows lie between the first and the last.
        let by_row = self.ids.is_empty();
        let mut after =
            self.rows.iter().map(|(first, _)| first.saturating_sub(1)).min().filter(|_| by_row).unwrap_or(0);
        let end = self.rows.iter().map(|(_, last)| *last).max().filter(|_| by_row).unwrap_or(Position::MAX);
        let mut found = Vec::new();
        while after < end {
            let rows = store.journal(after, PAGE)?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            found
                .extend(rows.iter().filter(|row| self.has(row)).filter_map(|row| Some((row.position, original(row)?))));
            if found.len() > MOST {
                bail!("more than {MOST} events make no test case; choose fewer");
            }
        }
        Ok(found)
    }
}

/// `None` where the body is gone or cannot be read back.
fn original(row: &JournalRow) -> Option<Original> {
    let Entry::Event(EventRow { body: Some(body), .. }) = &row.entry else { return None };
    let mut envelope: serde_json::Value = serde_json::from_slice(&codec::decode(body).ok()?).ok()?;
    let payload =
        ["payload", "data"].into_iter().find_map(|name| envelope.get_mut(name).map(serde_json::Value::take))?;
    Some(Original { received_at: row.received_at, read: Read::of(row)?, payload })
}
