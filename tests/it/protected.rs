//! Planted values in every protected field of every event type, and a look for them everywhere that something comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pulsewarden::engine::{Protection, SubjectKind, Timestamp};
use pulsewarden::impilo::schema::{EVENT_TYPES, EventType, PayloadField, Shape};
use pulsewarden::store::sqlite::Sqlite;
use pulsewarden::store::{DigestDue, Store};
use serde_json::{Value, json};

use crate::harness::{SECRET, World, eventually};

/// The receivers, each of a class that is its name.
const CLASSES: [&str; 3] = ["none", "ids", "full"];

/// What was planted, by how far it may travel.
#[derive(Default)]
struct Planted {
    /// By what stood there before: the same value stays the same within one event, and no other event speaks of the same
    /// device, order or patient.
    marks: BTreeMap<(Protection, &'static str, String), Value>,
    /// Values that a text can name: those outside lists.
    named: BTreeSet<String>,
    /// The type of the event at hand.
    event: &'static str,
}

impl Planted {
    /// The event with every protected text and number replaced by one that stands nowhere else.
    fn in_event(&mut self, kind: &EventType) -> Value {
        let path = format!("{}/tests/fixtures/impilo/{}.json", env!("CARGO_MANIFEST_DIR"), kind.name);
        let mut event: Value = serde_json::from_str(&fs::read_to_string(Path::new(&path)).unwrap()).unwrap();
        self.event = kind.name;
        self.walk(Some(kind.payload), &mut event["payload"], true);
        event
    }

    fn walk(&mut self, fields: Option<&'static [PayloadField]>, value: &mut Value, named: bool) {
        let serial = value.get("type").and_then(Value::as_str).map(|of| of.eq_ignore_ascii_case("serial"));
        for (name, value) in value.as_object_mut().unwrap() {
            let field = fields.and_then(|fields| fields.iter().find(|field| field.name == name));
            let inner = field.and_then(|field| match field.shape {
                Shape::Object(inner) | Shape::Objects(inner) => Some(inner),
                _ => None,
            });
            let protection = field.map_or(Protection::Full, |field| field.protection);
            match value {
                Value::Object(_) => self.walk(inner, value, named && field.is_some()),
                Value::Array(items) => {
                    for item in items {
                        match item {
                            Value::Object(_) => self.walk(inner, item, false),
                            item => self.plant(protection, item, false),
                        }
                    }
                }
                // What tells the kinds of identifiers apart is none itself.
                _ if name == "type" && serial.is_some() => {}
                value if serial == Some(true) && name == "value" => self.plant(Protection::Ids, value, false),
                value if protection == Protection::Full || is_identifier(name, field) => {
                    self.plant(protection, value, named && field.is_some());
                }
                _ => {}
            }
        }
    }

    fn plant(&mut self, protection: Protection, value: &mut Value, named: bool) {
        if !(value.is_string() || value.is_number()) || protection == Protection::None {
            return;
        }
        let place = self.marks.len();
        let mark = self.marks.entry((protection, self.event, value.to_string())).or_insert_with(|| {
            match (protection, &*value) {
                (Protection::Full, Value::String(_)) => json!(format!("Zq{place}F")),
                (_, Value::String(_)) => json!(format!("Zq{place}I")),
                (Protection::Full, _) => json!(555_000_000 + place),
                _ => json!(444_000_000 + place),
            }
        });
        *value = mark.clone();
        if named && protection == Protection::Full {
            self.named.insert(plain(mark));
        }
    }

    /// The planted values that may leave under this class at the soonest.
    fn of(&self, protection: Protection) -> Vec<String> {
        self.marks.iter().filter(|((of, ..), _)| *of == protection).map(|(_, mark)| plain(mark)).collect()
    }
}

/// Fields of the identifier class that hold an identifier, and not a status or a time.
fn is_identifier(name: &str, field: Option<&PayloadField>) -> bool {
    let is_id = field.is_some_and(|field| matches!(field.shape, Shape::Id));
    is_id || name == "value" || name == "trackingNumber"
}

fn plain(mark: &Value) -> String {
    mark.as_str().map_or_else(|| mark.to_string(), str::to_owned)
}

/// Every dotted name of a payload that a text can show.
fn names(fields: &[PayloadField], way: &str, found: &mut Vec<String>) {
    for field in fields {
        let name = format!("{way}.{}", field.name);
        match field.shape {
            Shape::Object(inner) => names(inner, &name, found),
            Shape::Objects(_) => {}
            _ => found.push(name),
        }
    }
}

/// A rule for each event type, whose texts print all that they can name; and receivers of each class.
fn rules() -> String {
    let mut rules = String::from("rules:\n");
    for kind in EVENT_TYPES {
        let mut found = vec![format!("{}.id", kind.subject)];
        names(kind.payload, "payload", &mut found);
        if kind.names.contains(&SubjectKind::Device) {
            found.push("device.serial".to_owned());
        }
        let name: String = kind.name.replace('.', "_");
        let _ = writeln!(
            rules,
            "  - alert: Leaky_{name}\n    subject: {}\n    event: {}\n    severity: critical\n    expire: 3000d\n    annotations:",
            kind.subject, kind.name
        );
        let texts = ["summary", "description", "action", "runbook"];
        for (text, part) in texts.into_iter().zip(found.chunks(found.len().div_ceil(texts.len()))) {
            let shown: Vec<String> = part.iter().map(|name| format!("{{{{ {name} }}}}")).collect();
            let _ = writeln!(rules, "      {text}: \"{}\"", shown.join(" "));
        }
    }
    rules += "  - { alert: Faulty, subject: device, event: device.lowBattery, severity: info, \
              where: \"int(payload.device.currentPatient.firstName) > 0\" }\n";
    rules += "receivers:\n";
    for class in CLASSES {
        let _ = writeln!(
            rules,
            "  - {{ name: {class}, phi: {class}, email: [{{ to: [{class}@clinic.example] }}], slack: [{{ webhook: alerts }}] }}"
        );
    }
    rules += "route: { receiver: none, group_by: [\"...\"], group_wait: 0s, group_interval: 1s, routes: [\
              { receiver: none, continue: true }, { receiver: ids, continue: true }, { receiver: full }] }\ndigests:\n";
    for class in CLASSES {
        let _ =
            writeln!(rules, "  - {{ digest: {class}, schedule: \"0 8 1 1 *\", time_zone: UTC, receiver: {class} }}");
    }
    rules
}

/// What one receiver was told: what everybody can see of it at a glance, and the rest.
#[derive(Default)]
struct Heard {
    glance: String,
    whole: String,
    digests: String,
}

fn heard(world: &World, class: &str) -> Heard {
    let mut heard = Heard::default();
    for mail in world.mail.mails() {
        if !mail.to.iter().any(|to| to.starts_with(&format!("{class}@"))) {
            continue;
        }
        let subject = mail.header("Subject").unwrap();
        let (headers, _) = mail.raw.split_once("\r\n\r\n").unwrap();
        let (text, html) = (mail.text(), mail.html());
        let (_, preheader) = html.split_once("display:none").unwrap();
        let (preheader, _) = preheader.split_once("</div>").unwrap();
        let _ = writeln!(heard.glance, "{subject}\n{headers}\n{preheader}");
        let told = format!("{subject}\n{headers}\n{text}\n{html}\n");
        if subject.starts_with("[DIGEST]") {
            heard.digests += &told;
        }
        heard.whole += &told;
    }
    let foot = format!("to the receiver {class}.");
    for message in world.slack.messages().iter().filter(|message| message.to_string().contains(&foot)) {
        let head = message["blocks"][0]["text"]["text"].as_str().unwrap();
        let _ = writeln!(heard.glance, "{}\n{head}", message["text"].as_str().unwrap());
        let _ = writeln!(heard.whole, "{message}");
    }
    heard
}

fn found<'m>(text: &str, marks: &'m [String]) -> Vec<&'m String> {
    marks.iter().filter(|mark| text.contains(mark.as_str())).collect()
}

/// What the commands print that show what is known, and no payload.
fn printed(world: &World, alerts: &[u64]) -> String {
    let mut all = String::new();
    let mut run = |arguments: &[&str]| {
        let output = world.run(arguments);
        let _ = writeln!(all, "{arguments:?}\n{}\n{}", output.stdout, output.stderr);
    };
    for listing in ["status", "devices", "events", "deliveries"] {
        run(&[listing]);
        run(&[listing, "--json"]);
    }
    run(&["alerts", "--all"]);
    run(&["alerts", "--all", "--json"]);
    run(&["backtest", "--since", "1d", "--json"]);
    for (place, number) in alerts.iter().map(u64::to_string).enumerate() {
        // Each form of each command for some of the alerts.
        match place % 8 {
            0 => run(&["explain", &number]),
            4 => run(&["explain", &number, "--json"]),
            1 | 3 | 5 => run(&["alerts", &number]),
            _ => run(&["alerts", &number, "--json"]),
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_planted_value_comes_out_where_it_must_not() {
    let mut planted = Planted::default();
    let events: Vec<Value> = EVENT_TYPES.iter().map(|kind| planted.in_event(kind)).collect();
    let (ids, full) = (planted.of(Protection::Ids), planted.of(Protection::Full));
    assert!(ids.len() > 30 && full.len() > 300 && planted.named.len() > 200, "{} {}", ids.len(), full.len());

    let mut world = World::with(&rules(), "").await;
    let now = Timestamp::from(chrono::Utc::now());
    let store = Sqlite::open(&world.path("pulsewarden.db")).unwrap();
    for class in CLASSES {
        let due = DigestDue {
            schedule: "0 8 1 1 * UTC".to_owned(),
            due: Timestamp(now.0 + 3000),
            covered_until: Timestamp(now.0 - 60_000),
        };
        store.schedule_digest(class, &due).unwrap();
    }
    drop(store);
    world.start().await;
    for event in &events {
        assert_eq!(world.post(event).await, 200, "{}", event["type"]);
    }
    let bad = format!("{{\"id\": 1, \"type\": \"device.lowBattery\", \"payload\": \"{}\" ", full.join(" "));
    let answer = world.post_raw(Some(SECRET), bad).await;
    assert_eq!(answer.status(), 422);
    let mut elsewhere = answer.text().await.unwrap();
    world.settle().await;
    let of_digests = |world: &World| CLASSES.iter().filter(|class| !heard(world, class).digests.is_empty()).count();
    eventually("the digests", || (of_digests(&world) == CLASSES.len()).then_some(())).await;
    world.settle().await;

    let alerts = world.alerts();
    for kind in EVENT_TYPES {
        let name = format!("Leaky_{}", kind.name.replace('.', "_"));
        assert!(alerts.iter().any(|alert| alert["rule"] == name.as_str()), "{name} has not fired");
    }
    assert!(world.log().contains("a condition cannot be computed"), "{}", world.log());

    let [none, some, all] = CLASSES.map(|class| heard(&world, class));
    for (heard, class) in [(&none, "none"), (&some, "ids"), (&all, "full")] {
        assert!(!heard.glance.is_empty() && heard.whole.contains("to the receiver"), "{class} was told");
        for marks in [&ids, &full] {
            assert_eq!(found(&heard.glance, marks), [""; 0], "seen at a glance by {class}");
        }
    }
    assert_eq!(found(&none.whole, &ids), [""; 0], "told to none");
    assert_eq!(found(&none.whole, &full), [""; 0], "told to none");
    assert_eq!(found(&some.whole, &full), [""; 0], "told to ids");

    // The same looks find what may be told, so they would find the rest.
    assert!(found(&some.whole, &ids).len() > 20, "{:?}", found(&some.whole, &ids));
    assert!(!found(&some.digests, &ids).is_empty() && !found(&all.digests, &full).is_empty());
    let named: Vec<String> = planted.named.iter().cloned().collect();
    let missing: Vec<&String> = named.iter().filter(|mark| !all.whole.contains(mark.as_str())).collect();
    assert!(missing.is_empty(), "not told to full: {missing:?}");

    let leaky = alerts.iter().filter(|alert| alert["rule"].as_str().unwrap().starts_with("Leaky_"));
    let numbers: Vec<u64> = leaky.filter_map(|alert| alert["number"].as_u64()).collect();
    elsewhere += &printed(&world, &numbers);
    elsewhere +=
        &world.own_mails().iter().map(|mail| [mail.raw.clone(), mail.text(), mail.html()].concat()).collect::<String>();
    elsewhere += &world.log();
    let base = world.url().replace("/webhooks/impilo", "");
    for page in ["/healthz", "/readyz", "/metrics", "/"] {
        elsewhere += &world.http.get(format!("{base}{page}")).send().await.unwrap().text().await.unwrap();
    }
    assert_eq!(found(&elsewhere, &full), [""; 0], "in logs, commands or pages");
    assert_eq!(
        found(&world.log(), &ids.iter().filter(|mark| mark.starts_with('Z')).cloned().collect::<Vec<_>>()),
        [""; 0]
    );

    shown_on_demand_alone(&world, &alerts, &full);
}

/// Who asks for what is protected gets it, and the log says so.
fn shown_on_demand_alone(world: &World, alerts: &[Value], full: &[String]) {
    let alert = alerts.iter().find(|alert| alert["rule"] == "Leaky_device_lowBattery").unwrap();
    let number = alert["number"].to_string();
    for command in ["alerts", "explain"] {
        let asked = world.run(&[command, &number, "--phi"]);
        assert!(!found(&asked.stdout, full).is_empty(), "{asked:?}");
        assert!(asked.stderr.contains("protected values were shown") && asked.stderr.contains(&number), "{asked:?}");
        assert_eq!(found(&asked.stderr, full), [""; 0]);
    }
    let out = world.path("out").display().to_string();
    let preview = |receiver: &str, more: &[&str]| {
        world.run(&[&["preview", &number, "--receiver", receiver, "--out", &out], more].concat())
    };
    let refused = preview("full", &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(fs::read_dir(&out).is_err(), "nothing is written");
    let asked = preview("full", &["--phi"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    assert!(asked.stderr.contains("protected values were shown"), "{asked:?}");
    let written = |name: &str| fs::read_to_string(world.path(&format!("out/preview-{number}-{name}"))).unwrap();
    assert!(!found(&written("full.html"), full).is_empty());
    assert_eq!(preview("none", &[]).code, 0);
    for file in ["none.html", "none.txt", "none.slack.json"] {
        assert_eq!(found(&written(file), full), [""; 0]);
        assert!(written(file).contains("to the receiver none."));
    }
}
