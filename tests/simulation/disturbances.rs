//! What comes late, twice, out of order or never, and that all else comes.

use std::collections::BTreeMap;
use std::time::Duration;

use pulsewarden::engine::Timestamp;
use pulsewarden::simulate::{ClockSteps, Disturb, Disturbed, Downtime, Fleet, Webhook};

use crate::{plan, webhooks};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn fleet() -> impl Iterator<Item = Webhook> {
    Fleet::new(plan(21, 50, 15)).webhooks()
}

const ROUGH: Disturb = Disturb {
    seed: 1,
    duplicates: 0.05,
    failures: 0.1,
    reordering: 0.2,
    held_up: Duration::from_secs(90),
    losses: 0.01,
    downtime: None,
    clock: None,
};

#[test]
fn what_is_not_lost_comes_within_three_hours_and_the_rest_is_counted() {
    let mut disturbed = Disturbed::new(fleet(), ROUGH);
    let mut times: BTreeMap<u64, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    let (mut last, mut most, mut overtaken, mut newest) = (Timestamp(0), 0, 0, 0);
    while let Some((received_at, webhook)) = disturbed.next() {
        assert!(received_at >= last && received_at >= webhook.at);
        assert!(received_at.since(webhook.at) <= HOUR * 3, "{webhook:?} at {received_at}");
        last = received_at;
        overtaken += usize::from(webhook.id < newest);
        newest = newest.max(webhook.id);
        times.entry(webhook.id).or_default().push((webhook.at, received_at));
        most = most.max(disturbed.waiting());
    }
    let all = webhooks(21, 50, 15);
    assert_eq!(times.len() + usize::try_from(disturbed.lost()).unwrap(), all.len());
    assert!((20..80).contains(&disturbed.lost()), "{} of {}", disturbed.lost(), all.len());
    // Three hours hold an eighth of a day's webhooks, on average.
    assert!(most < all.len() / 15 / 2, "{most}");
    assert!(overtaken > 100, "{overtaken}");
    let twice = times.values().filter(|times| times.len() > 1).count();
    assert!((90..400).contains(&twice), "{twice}");
    let late = times.values().filter(|times| times[0].1.since(times[0].0) >= MINUTE * 15).count();
    assert!((200..800).contains(&late), "{late}");
}

#[test]
fn nothing_is_disturbed_unless_it_is_asked_for() {
    let came: Vec<u64> = Disturbed::new(fleet(), Disturb::default()).map(|(_, webhook)| webhook.id).collect();
    assert_eq!(came.len(), fleet().count());
    let mut sorted = came;
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), fleet().count());
}

#[test]
fn the_same_seed_disturbs_in_the_same_way() {
    let of =
        |seed| Disturbed::new(fleet(), Disturb { seed, ..ROUGH }).map(|(at, one)| (at, one.id)).collect::<Vec<_>>();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn nothing_comes_while_the_receiver_is_down_and_a_long_time_down_loses_webhooks() {
    let day = HOUR * 24;
    let of = |lasting| {
        let downtime = Some(Downtime { every: day, lasting });
        let mut disturbed = Disturbed::new(fleet(), Disturb { downtime, ..Disturb::default() });
        let received: Vec<Timestamp> = disturbed.by_ref().map(|(at, _)| at).collect();
        let gaps = received.windows(2).map(|pair| pair[1].since(pair[0])).filter(|gap| *gap >= lasting - MINUTE * 5);
        (gaps.count(), disturbed.lost())
    };
    let (gaps, lost) = of(MINUTE * 70);
    assert!(gaps >= 12 && lost == 0, "{gaps} gaps, {lost} lost");
    let (gaps, lost) = of(HOUR * 6);
    assert!(gaps >= 8 && lost > 200, "{gaps} gaps, {lost} lost");
}

#[test]
fn a_wrong_clock_shows_wrong_times_for_a_while_and_no_worse_ones_than_allowed() {
    let by = MINUTE * 40;
    let clock = Some(ClockSteps { every: HOUR * 24, by });
    let stepped = Disturbed::new(fleet(), Disturb { clock, ..Disturb::default() });
    let straight = Disturbed::new(fleet(), Disturb::default());
    let (mut wrong, mut right, mut back) = (0, 0, 0);
    let mut last = Timestamp(0);
    for ((shown, one), (real, other)) in stepped.zip(straight) {
        assert_eq!(one.id, other.id);
        assert!(shown.since(real) <= by && real.since(shown) <= by);
        right += usize::from(shown == real);
        wrong += usize::from(shown != real);
        back += usize::from(shown < last);
        last = shown;
    }
    assert!(wrong > 300 && right > 300 && back > 3, "{wrong} wrong, {right} right, {back} steps back");
}
