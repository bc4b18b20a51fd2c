//! Templates of people's own: they make messages, bad ones change nothing, and none keeps a message from going out.

use std::fs;

use crate::events::battery;
use crate::harness::{RECEIVERS, World, eventually};

const OWN: &str = "In our own words: {{ headline }}\n{% include \"shipped/mail.txt\" %}";

fn write(world: &World, name: &str, text: &str) {
    let folder = world.path("rules/templates");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// What the mail about the next alert says.
async fn next_mail(world: &World, id: u64) -> String {
    let before = world.team_mails().len();
    assert_eq!(world.post(&battery(id, 9000 + id, 8)).await, 200);
    let mail = eventually("a mail", || world.team_mails().get(before).cloned()).await;
    world.settle().await;
    mail.text()
}

async fn told(world: &World, words: &str) -> String {
    eventually(words, || world.own_mails().iter().map(|mail| mail.text()).find(|text| text.contains(words))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_template_replaces_no_good_one_in_the_daemon_or_across_a_restart() {
    let mut world = World::with(RECEIVERS, "").await;
    write(&world, "mail.txt", OWN);
    world.start().await;
    assert!(next_mail(&world, 1).await.starts_with("In our own words: [WARNING]"));

    write(&world, "mail.txt", "{{ hedline }}");
    let reload = world.run(&["reload"]);
    assert_eq!(reload.code, 1, "{reload:?}");
    let shown = told(&world, "did you mean `headline`?").await;
    assert!(shown.contains("templates/mail.txt:1:4") && shown.contains("{{ hedline }}"), "{shown}");
    let check = world.run(&["check"]);
    assert!(check.code == 1 && check.stdout.contains("did you mean `headline`?"), "{check:?}");
    assert!(next_mail(&world, 2).await.starts_with("In our own words: "));

    world.kill();
    world.start().await;
    assert!(next_mail(&world, 3).await.starts_with("In our own words: "), "the last good one goes on");

    write(&world, "mail.txt", "Mended. {{ headline }}");
    assert_eq!(world.run(&["reload"]).code, 0);
    assert!(next_mail(&world, 4).await.starts_with("Mended. "));
    fs::remove_dir_all(world.path("rules/templates")).unwrap();
    assert_eq!(world.run(&["reload"]).code, 0);
    assert!(next_mail(&world, 5).await.starts_with("[WARNING]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_templates_at_the_first_start_keep_no_alert_from_being_told() {
    let mut world = World::with(RECEIVERS, "").await;
    write(&world, "mail.txt", "{{ hedline }}");
    world.start().await;
    assert!(next_mail(&world, 1).await.starts_with("[WARNING]"));
    told(&world, "did you mean `headline`?").await;
    write(&world, "mail.txt", OWN);
    assert_eq!(world.run(&["reload"]).code, 0);
    assert!(next_mail(&world, 2).await.starts_with("In our own words: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_at_a_message_is_made_by_the_shipped_template_and_told() {
    let mut world = World::with(RECEIVERS, "").await;
    // It fails at the first alert of all, which no sample is.
    let text = "{% if kind == \"alerts\" %}Own {{ 7 // (sections[0].entries[0].number - 1) }}{% else %}Own{% endif %}";
    write(&world, "mail.txt", text);
    world.start().await;
    assert!(next_mail(&world, 1).await.starts_with("[WARNING]"));
    let shown = told(&world, "A template could not make a message").await;
    assert!(shown.contains("templates/mail.txt: invalid operation in line 1 of mail.txt"), "{shown}");
    assert!(world.log().contains("the shipped one made the message"));
    assert!(next_mail(&world, 2).await.starts_with("Own 7"));
}
