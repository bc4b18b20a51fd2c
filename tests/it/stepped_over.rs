//! What Impilo answers and cannot be read is stepped over and told, and the rest is read.

use std::time::Duration;

use serde_json::Value;

use super::doubts::{ago, back_after, mails, not_whole, recovered, row, sentence};
use super::harness::{World, eventually};
use super::impilo::{Impilo, URL};
use super::recovery::told_whole;
use super::stand_in::Answer;

const MINUTE: Duration = Duration::from_secs(60);

/// Why rows lie in quarantine, and how much is kept of them.
fn quarantined(world: &World) -> Vec<(String, usize)> {
    let store = rusqlite::Connection::open(world.path("pulsewarden.db")).unwrap();
    let mut select = store.prepare("SELECT reason, body FROM quarantine").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    let kept = |row: rusqlite::Result<(String, Vec<u8>)>| {
        let (reason, body) = row.unwrap();
        (reason, pulsewarden::journal::codec::decode(&body).unwrap().len())
    };
    rows.map(kept).collect()
}

/// An account whose log has a row for each of these many minutes since an instant, oldest or newest first.
async fn logged(rows: i64, hours: u32, newest_first: bool, too_long: &'static [i64]) -> Impilo {
    let impilo = Impilo::start().await;
    impilo.log_by_time(too_long);
    impilo.account().add("device.healthcheck", URL);
    let at = |id: i64| ago(hours).plus(MINUTE * u32::try_from(id).unwrap());
    let mut log: Vec<Value> = (1..=rows).map(|id| row(id, 1, Some(URL), at(id))).collect();
    if newest_first {
        log.reverse();
    }
    impilo.account().log = log;
    impilo
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_too_long_is_stepped_over_and_told_once() {
    // In the middle, at both ends, and two in a row.
    let cases: [(bool, &[i64]); 4] = [(false, &[8]), (true, &[8]), (true, &[30]), (false, &[29, 30])];
    for (newest_first, too_long) in cases {
        let impilo = logged(30, 4, newest_first, too_long).await;
        let world = back_after(6, &impilo).await;
        let told = not_whole(&world).await;
        assert!(sentence(&told).contains("rows of Impilo's log cannot be read"), "{told}");
        assert_eq!(
            (told["unreadable"].as_u64(), recovered(&world)),
            (Some(too_long.len() as u64), 30 - too_long.len())
        );
        let kept = quarantined(&world);
        assert_eq!(kept.len(), 1, "{kept:?}");
        let first = if newest_first { 31 - too_long[0] } else { too_long[0] };
        assert!(kept[0].0.starts_with(&format!("row {first} of Impilo's log from ")) && kept[0].1 == 0, "{kept:?}");

        // Another reading begins elsewhere, so that the row has another place in its list.
        let again = world.json(&["impilo", "recover", "--since", "235m"]);
        assert_eq!((&again["unreadable"], &again["new"]), (&too_long.len().into(), &0.into()), "{again}");
        let later = world.json(&["status"])["whole"].clone();
        assert_eq!((&later["unreadable"], quarantined(&world)), (&told["unreadable"], kept), "{later}");
        world.settle().await;
        assert!(mails(&world).contains("in quarantine"), "{}", mails(&world));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_too_long_casts_doubt_on_its_own_time_alone() {
    let impilo = logged(60, 8, true, &[8]).await;
    let world = back_after(6, &impilo).await;
    let told = told_whole(&world, false).await;
    assert_eq!((&told["not_heard"], &told["last_outage"]["lacks"]), (&serde_json::json!([]), &Value::Null), "{told}");
    assert!(sentence(&told).contains("1 row of Impilo's log of the last seven days cannot be read"), "{told}");
    assert_eq!(recovered(&world), 59);
    // Nothing of it comes by itself any more.
    eventually("the self-watch tells it", || {
        let mails = world.own_mails();
        mails.iter().any(|mail| mail.text().contains("1 row of Impilo's log of the last seven days")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_itself_after_all_is_not_missing() {
    let impilo = Impilo::start().await;
    impilo.log_by_time(&[]);
    impilo.account().add("device.healthcheck", URL);
    let mut world = World::new().await;
    world.configure(&impilo.configuration(&world));
    let mut logged = row(1, 1, Some(URL), ago(1));
    logged["payload"] = "{'id':1234}".into();
    impilo.account().log = vec![logged];
    world.start().await;
    let read = world.json(&["impilo", "recover", "--since", "2h"]);
    assert_eq!(read["unreadable"], 1, "{read}");
    let told = world.json(&["status"])["whole"].clone();
    assert!(told["unreadable"] == 1 && told["whole"] == false, "{told}");
    // A later attempt was answered well.
    impilo.account().log[0]["lastResponseStatus"] = 200.into();
    let read = world.json(&["impilo", "recover", "--since", "2h"]);
    assert_eq!(read["unreadable"], 0, "{read}");
    assert_eq!(world.json(&["status"])["whole"]["unreadable"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_the_same_however_the_clocks_are_measured() {
    let impilo = Impilo::start().await;
    impilo.account().add("device.healthcheck", URL);
    let mut world = World::new().await;
    world.configure(&impilo.configuration(&world));
    let mut logged = row(1, 1, Some(URL), ago(1));
    logged["payload"] = "{'id':1234}".into();
    impilo.account().log = vec![logged];
    // Ten minutes ahead, and now and then a little more or less.
    let mut asked_for = 0;
    impilo.interrupt(move |account, asked| {
        let Answer::Say(status, mut headers, body) = account.answer(asked) else { return None };
        asked_for += 1;
        let theirs = chrono::Utc::now() + chrono::TimeDelta::seconds(600 + asked_for % 7);
        headers.push(("Date", theirs.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        Some(Answer::Say(status, headers, body))
    });
    world.start().await;
    for _ in 0..4 {
        let read = world.json(&["impilo", "recover", "--since", "2h"]);
        assert_eq!(read["unreadable"], 1, "{read}");
    }
    assert_eq!(world.json(&["status"])["whole"]["unreadable"], 1);
}
