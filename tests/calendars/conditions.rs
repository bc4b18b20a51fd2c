//! Conditions that read the clock and hours of business, and what no condition may do: panic, or never come to an end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use pulsewarden::engine::{
    Basis, Calendar, Condition, Event, Facts, Names, Slice, Source, Subject, SubjectKind, Timestamp, Truth, Value,
};
use serde_json_borrow::Value as Json;

use crate::{at, office};

/// A Thursday, 10:00 in New York.
const NOW: &str = "2026-01-15T15:00:00Z";

/// What a condition comes to at [`NOW`] for an event with this payload.
fn truth_with(condition: &str, payload: &str, settings: &BTreeMap<String, Value>) -> Truth {
    let calendars = BTreeMap::from([("office".to_owned(), Arc::new(office(&["2026-01-01"])))]);
    truth_by(condition, payload, settings, &calendars)
}

fn truth_by(
    condition: &str,
    payload: &str,
    settings: &BTreeMap<String, Value>,
    calendars: &BTreeMap<String, Arc<Calendar>>,
) -> Truth {
    let condition = Condition::compile(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let payload: Json = serde_json::from_str(payload).unwrap();
    let facts = Facts::default();
    let event = Event {
        position: 1,
        id: "1",
        kind: "device.lowBattery",
        source: Source::Test,
        received_at: at(NOW),
        occurred_at: at(NOW),
        basis: Basis::Received,
        facts: &facts,
        payload: &payload,
    };
    let slice = Slice::new(Subject::new(SubjectKind::Device, "1"));
    let names =
        Names { slice: &slice, previous: None, then: None, event: Some(&event), settings, calendars, now: at(NOW) };
    condition.holds(&names)
}

fn settings() -> BTreeMap<String, Value> {
    let far =
        [("past", i64::MIN), ("future", i64::MAX), ("year_1", -62_135_596_800_000), ("year_9999", 253_402_300_799_999)];
    let times = [("then", at("2026-01-13T22:00:00Z")), ("later", at("2026-01-16T15:00:00Z"))];
    let times = times.into_iter().chain(far.map(|(name, at)| (name, Timestamp(at))));
    let spans = [("long", i64::MAX), ("back", i64::MIN), ("hour", 3_600_000)];
    let numbers = [("least", i64::MIN), ("most", i64::MAX), ("nothing", 0), ("minus_one", -1)];
    let others = [
        ("name", Value::from("office")),
        ("half", Value::Float(0.5)),
        ("zero", Value::Float(0.0)),
        ("huge", Value::Float(f64::MAX)),
        ("flag", Value::Bool(true)),
        ("list", Value::List(vec![Value::Int(1), Value::from("a")])),
    ];
    (times.map(|(name, at)| (name, Value::Time(at))))
        .chain(spans.map(|(name, span)| (name, Value::Span(span))))
        .chain(numbers.map(|(name, number)| (name, Value::Int(number))))
        .chain(others)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn truth(condition: &str) -> Truth {
    truth_with(
        condition,
        r#"{"list":[1,2,3],"texts":["a","b"],"object":{"a":1},"text":"abc","number":2.5}"#,
        &settings(),
    )
}

fn fault(error: &str) -> Truth {
    Truth::Fault { error: error.to_owned() }
}

fn unknown(term: &str) -> Truth {
    Truth::Unknown { term: term.into() }
}

const TYPES: &str = "an operator or function got values of types that it does not take";
const TOO_LARGE: &str = "a number is too large";
const BY_ZERO: &str = "it divides by zero";
const TOO_LONG: &str = "it takes too long";

#[test]
fn age_is_the_time_since() {
    for condition in [
        r#"age(settings.then) == duration("41h")"#,
        r#"age(settings.then) == now - settings.then"#,
        r#"age(timestamp("2026-01-15T14:59:59.999Z")) == duration("1ms")"#,
        r#"age(settings.later) == duration("-24h")"#,
        r#"age(event.received_at) == duration("0s")"#,
        r#"[settings.then].exists(now, age(now) > settings.hour)"#,
        r#"[settings.then, settings.later].filter(t, age(t) > settings.hour).size() == 1"#,
        r#"age(settings.then).getHours() == 41 && device.id == "1""#,
    ] {
        assert_eq!(truth(condition), Truth::True, "{condition}");
    }
    let term = r#"age(device.last_heard_at) > duration("1h")"#;
    assert_eq!(truth(term), unknown(term));
    assert_eq!(truth(&format!("!({term})")), unknown(&format!("!({term})")));
    assert_eq!(truth(&format!("device.id == '1' && {term}")), unknown(term));
    let known = r#"has(device.last_heard_at) && age(device.last_heard_at) > duration("1h")"#;
    assert_eq!(truth(known), Truth::False { term: "has(device.last_heard_at)".into() });
    for operand in ["settings.hour", "payload.text", "payload.number", "payload.object", "payload.list", "1", "null"] {
        assert_eq!(truth(&format!("age({operand}) > settings.hour")), fault(TYPES), "{operand}");
    }
    // CEL counts lengths of time in nanoseconds.
    for operand in ["settings.past", "settings.future", "settings.year_1", "settings.year_9999"] {
        assert_eq!(truth(&format!("age({operand}) > settings.hour")), fault(TOO_LARGE), "{operand}");
    }
}

#[test]
fn business_time_is_the_open_time_since() {
    for condition in [
        // An hour on Tuesday, ten on Wednesday, two on Thursday.
        r#"business_time("office", settings.then) == duration("13h")"#,
        r#"business_time(settings.name, settings.then) == duration("13h")"#,
        r#"business_time("office", settings.later) == duration("0s")"#,
        r#"business_time("office", timestamp("2025-12-31T22:00:00Z")) == duration("93h")"#,
        r#"[settings.then].all(t, ["office"].exists(c, business_time(c, t) > duration("12h")))"#,
    ] {
        assert_eq!(truth(condition), Truth::True, "{condition}");
    }
    let term = r#"business_time("office", device.last_heard_at) > duration("1h")"#;
    assert_eq!(truth(term), unknown(term));
    let term = r#"business_time(settings.missing, settings.then) > duration("1h")"#;
    assert_eq!(truth(term), unknown(term));
    for operand in ["settings.then", "device.last_heard_at"] {
        let condition = format!(r#"business_time("offices", {operand}) > duration("1h")"#);
        assert_eq!(truth(&condition), fault("no calendar has this name"));
        let condition = format!(r#"business_time("offices", {operand}) > duration("1h") && device.id == "2""#);
        assert_eq!(truth(&condition), Truth::False { term: r#"device.id == "2""#.into() });
    }
    for operand in ["settings.hour", "payload.text", "payload.object", "1"] {
        assert_eq!(truth(&format!(r#"business_time("office", {operand}) > settings.hour"#)), fault(TYPES), "{operand}");
        assert_eq!(truth(&format!("business_time({operand}, settings.then) > settings.hour")), {
            if operand == "payload.text" { fault("no calendar has this name") } else { fault(TYPES) }
        });
    }
    // Two thousand years of working hours are more than CEL can count.
    assert_eq!(truth(r#"business_time("office", settings.year_1) > settings.hour"#), fault(TOO_LARGE));
    assert_eq!(truth(r#"business_time("office", settings.past) > settings.hour"#), fault(TOO_LARGE));
    assert_eq!(truth(r#"business_time("office", settings.future) == duration("0s")"#), Truth::True);
    let none = truth_by(r#"business_time("office", now) > settings.hour"#, "{}", &settings(), &BTreeMap::new());
    assert_eq!(none, fault("no calendar has this name"));
}

#[test]
fn a_condition_knows_whether_it_reads_the_clock() {
    let reads = |condition: &str| Condition::compile(condition).unwrap().reads_clock();
    for condition in [
        "now > device.last_heard_at",
        "age(device.last_heard_at) > duration('1h')",
        "business_time('office', device.last_heard_at) > duration('1h')",
        "device.id == '1' || now.getHours() > 8",
        "payload.list.exists(x, [1].all(y, age(x) > y))",
        "{'a': now}.size() == 1",
        "payload.list[size([now])] == 1",
    ] {
        assert!(reads(condition), "{condition}");
    }
    for condition in [
        "device.now == '1'",
        "device.age > 1 && payload.business_time > 1",
        "payload.list.exists(now, now > 1)",
        "event.received_at - event.occurred_at > duration('1h')",
        "'now' == 'age(now)'",
    ] {
        assert!(!reads(condition), "{condition}");
    }
}

#[test]
fn the_checker_sees_a_condition_as_it_was_written() {
    let source = r#"age(device.last_heard_at) > duration("1h") && payload.list.exists(x, x.matches("a"))"#;
    let condition = Condition::compile(source).unwrap();
    let written = format!("{:?}", condition.expression());
    assert!(written.contains(r#"func_name: "age""#) && !written.contains("@age") && !written.contains("@step"));
    assert_eq!(condition.place(condition.expression().id).map(|at| &source[at]), Some("&&"));
}

#[test]
fn loops_come_to_the_same_as_before() {
    for condition in [
        "payload.list.exists(x, x == 2)",
        "!payload.list.exists(x, x == 4)",
        "payload.list.all(x, x > 0)",
        "payload.list.exists_one(x, x > 2)",
        "!payload.list.exists_one(x, x > 1)",
        "payload.list.map(x, x + 1) == [2, 3, 4]",
        "payload.list.map(x, x > 1, x * 2) == [4, 6]",
        "payload.list.filter(x, x > 1) == [2, 3]",
        "[1, 2, 3] == payload.list && payload.list == [1, 2, 3]",
        "payload.list.filter(x, payload.list.exists(y, y == x + 1)).size() == 2",
        "payload.texts.exists(t, payload.text.contains(t))",
        "payload.texts.exists(t, t.matches('^b$'))",
        "[payload.object].exists(o, o.a == 1 && has(o.a) && !has(o.b))",
        "[{'a': payload.text}].exists(o, o.a == 'abc' && o['a'].size() == 3)",
        "[[1], [2]].exists(l, l[0] == 2 && 2 in l)",
        "['b'].exists(payload, payload == 'b')",
        "[].all(x, x.nonsense) && ![].exists(x, x.nonsense)",
        "payload.list.exists(x, x == 1 || x.nonsense)",
    ] {
        assert_eq!(truth(condition), Truth::True, "{condition}");
    }
    let term = "payload.list.exists(x, x == device.battery)";
    assert_eq!(truth(term), unknown(term));
    assert_eq!(truth("payload.list.exists(x, x > 'a')"), fault(TYPES));
    assert!(Condition::compile("{'a': [1].map(x, [1].map(y, [1].map(z, z)))}.size() == 1").is_err(), "three loops");
}

#[test]
fn what_cannot_be_computed_is_a_fault() {
    for (condition, error) in [
        ("1 / settings.nothing == 1", BY_ZERO),
        ("1 % settings.nothing == 1", BY_ZERO),
        ("1u / 0u == 1u", BY_ZERO),
        ("1u % 0u == 1u", BY_ZERO),
        ("payload.number / settings.zero > 1.0", BY_ZERO),
        ("payload.number / -settings.zero > 1.0", BY_ZERO),
        ("payload.list.exists(x, x / (x - x) > 1)", BY_ZERO),
        ("settings.least / settings.minus_one > 0", TOO_LARGE),
        ("settings.least % settings.minus_one == 0", TOO_LARGE),
        ("-settings.least > 0", TOO_LARGE),
        ("settings.most + 1 > 0", TOO_LARGE),
        ("settings.least - 1 > 0", TOO_LARGE),
        ("settings.most * settings.most > 0", TOO_LARGE),
        ("settings.most * settings.minus_one - 2 > 0", TOO_LARGE),
        ("0u - 1u > 0u", TOO_LARGE),
        ("settings.future + settings.hour > now", TOO_LARGE),
        ("settings.future + settings.long > now", TOO_LARGE),
        ("settings.long + settings.future > now", TOO_LARGE),
        ("settings.past - settings.long > now", TOO_LARGE),
        ("settings.past + settings.back > now", TOO_LARGE),
        ("settings.past - settings.hour > now", TOO_LARGE),
        ("settings.long + settings.long > settings.hour", TOO_LARGE),
        ("settings.back + settings.back > settings.hour", TOO_LARGE),
        ("settings.back - settings.long > settings.hour", TOO_LARGE),
        ("settings.future - settings.past > settings.hour", TOO_LARGE),
        ("now + now > now", TYPES),
        ("settings.hour * 2 > settings.hour", TYPES),
        ("-settings.hour < settings.hour", TYPES),
        ("1 + 1.0 > 1.0", TYPES),
        ("int(settings.huge) > 1", "a function refused its argument"),
        ("uint(settings.minus_one) > 1u", "a function refused its argument"),
        ("timestamp(settings.most) > now", "a function refused its argument"),
        ("duration('1000000h') + duration('1000000h') + duration('1000000h') > settings.hour", TOO_LARGE),
        ("duration('9999999h') > settings.hour", "a function refused its argument"),
        ("duration('1e400h') > settings.hour", "a function refused its argument"),
        ("duration('nanh') > settings.hour", "a function refused its argument"),
    ] {
        assert_eq!(truth(condition), fault(error), "{condition}");
    }
    // Numbers with a fraction grow without end, and stay comparable.
    assert_eq!(truth("settings.huge * settings.huge > settings.huge"), Truth::True);
    assert_eq!(truth("payload.number / 0.5 == 5.0 && 7 / 2 == 3"), Truth::True);
    // Times beyond the years that CEL knows count as the first and the last.
    assert_eq!(truth("settings.past < now && now < settings.future && settings.back < settings.long"), Truth::True);
    assert_eq!(truth("settings.past.getDayOfYear() == 0 && settings.future.getFullYear() == 9999"), Truth::True);
}

/// Every operator and function gets every value, and every two of them: what is a fault for one ends no loop.
#[test]
fn no_operator_or_function_panics() {
    let fields =
        ["payload", "payload.object", "payload.list", "payload.text", "payload.number", "event", "device", "now"];
    let literals = ["null", "[]", "{}", "{'a': 1}", "1u", "b'a'", "type(1)", "optional.none()", "payload.?text"];
    let texts = ["''", "'1h'", "'-'", "'Asia/Tokyo'", "'-23:59'", "'+99:99'", "'('"];
    let operands: Vec<String> = (settings().keys().map(|name| format!("settings.{name}")))
        .chain([&fields[..], &literals, &texts].concat().into_iter().map(str::to_owned))
        .collect();
    let operands = format!("[{}]", operands.join(", "));
    let functions = "size string int uint double bool bytes dyn type duration timestamp age nonsense";
    let getters = "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds \
                   getMilliseconds size hasValue value nonsense";
    let members = "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds \
                   getMilliseconds contains startsWith endsWith matches orValue nonsense";
    let operators = "+ - * / % < <= == != in && ||";
    let of_one = ["-x", "!x", "[x]", "{x: 1}", "x.a", "x[0]", "x.?a", "x ? 1 : 2", "x.map(y, y)", "x.exists(y, y)"];
    let of_two = ["x[y]", "x[?y]", "{x: y}", "business_time(x, y)", "business_time('office', y)", "matches(x, y)"];
    let one = (of_one.map(str::to_owned).into_iter())
        .chain(functions.split_whitespace().map(|function| format!("{function}(x)")))
        .chain(getters.split_whitespace().map(|getter| format!("x.{getter}()")));
    for tried in one {
        // Whatever it comes to, it is not this text.
        let condition = format!("{operands}.exists(x, ({tried}) == 'nonsense' && false)");
        assert_eq!(truth(&condition), Truth::False { term: condition.clone().into() }, "{tried}");
    }
    let two = (of_two.map(str::to_owned).into_iter())
        .chain(operators.split_whitespace().map(|operator| format!("(x {operator} y)")))
        .chain(members.split_whitespace().map(|member| format!("x.{member}(y)")));
    for tried in two {
        let condition = format!("{operands}.exists(x, {operands}.exists(y, ({tried}) == 'nonsense' && false))");
        assert_eq!(truth(&condition), Truth::False { term: condition.clone().into() }, "{tried}");
    }
}

/// A payload with two lists of so many numbers, and a text of so many letters.
fn large(elements: usize, letters: usize) -> String {
    let numbers = (0..elements).fold(String::new(), |mut all, number| {
        write!(all, "{}{number}", if all.is_empty() { "" } else { "," }).unwrap();
        all
    });
    format!(r#"{{"list":[{numbers}],"other":[{numbers}],"text":"{}"}}"#, "a".repeat(letters))
}

#[test]
fn an_evaluation_comes_to_an_end() {
    let payload = large(10_000, 500_000);
    for condition in [
        "payload.list.exists(x, payload.other.exists(y, x + y < 0))",
        "payload.list.exists_one(x, payload.other.exists_one(y, x + y < 0))",
        "payload.list.filter(x, payload.other.filter(y, x + y < 0).size() > 0).size() > 0",
        "payload.list.exists(x, payload.list.filter(y, true).exists(z, x + z < 0))",
        "payload.list.exists(x, x + 1 in payload.other && x < 0)",
        "payload.list.exists(x, size(payload.other) < x)",
        "[payload.other].exists(l, payload.list.exists(x, -1 in l))",
        "[{'l': payload.other}].exists(m, payload.list.exists(x, -1 in m.l))",
        "payload.list.exists(x, payload.text.contains(string(x)))",
        "[payload.text].exists(t, payload.list.exists(x, t.contains(string(x))))",
        "[payload.text + payload.text].exists(t, payload.list.exists(x, (t + t).contains(string(x))))",
        "payload.list.exists(x, payload.text.matches('(a|aa)+b'))",
        "payload.list.exists(x, ''.matches('([a-z]{5,30}){30}'))",
        "payload.list.map(x, payload.list).exists(l, l.exists(x, x < 0))",
    ] {
        assert_eq!(truth_with(condition, &payload, &settings()), fault(TOO_LONG), "{condition}");
    }
    for condition in [
        "payload.list.exists(x, x == 9999)",
        "payload.list.map(x, x * 2).filter(x, x > 10000).size() == 4999",
        "!payload.text.contains('b') && payload.text.size() == 500000 && payload.text.matches('^a+$')",
        "payload.list.filter(x, x < 30).all(x, payload.other.exists(y, x + y == 29))",
    ] {
        assert_eq!(truth_with(condition, &payload, &settings()), Truth::True, "{condition}");
    }
    let honest = large(300, 300);
    let pairs =
        "payload.list.exists(x, payload.other.exists(y, x + y == 598)) && payload.list.all(x, x in payload.other)";
    assert_eq!(truth_with(pairs, &honest, &settings()), Truth::True);
}

/// With parts as deep in one another as can be, on a thread with the stack that threads have.
#[test]
fn deep_conditions_fit_the_stack() {
    let repeated = |first: &str, more: &str, last: &str, times: usize| format!("{first}{}{last}", more.repeat(times));
    let chains = [
        ("1", "+1", " > 0"),
        ("2.0", "/1.0", " == 2.0"),
        ("now", "-settings.hour", " < now"),
        ("true", "==true", ""),
        ("payload.a", ".a", ""),
        ("payload.list", "[0]", ""),
        ("payload.text", ".size()", " == 1"),
    ];
    let tried = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for (first, more, last) in chains {
            let _ = truth(&repeated(first, more, last, 190));
            let long = repeated(first, more, last, (4000 - first.len() - last.len()) / more.len());
            let error = Condition::compile(&long).unwrap_err();
            assert!(error.message.ends_with("deep in one another; at most 200 are allowed"), "{error}");
        }
        for (open, close) in [("age(", ")"), ("[1 + 1 * ", "]"), ("(1 < 2 ? 1 / ", " : 2)"), ("'a'.matches('' + ", ")")]
        {
            let _ = truth(&format!("{}now{} == now", open.repeat(30), close.repeat(30)));
        }
    });
    tried.unwrap().join().unwrap();
    // Terms that `&&` and `||` join lie beside one another.
    assert_eq!(truth(&repeated("true", "&&true", "", 600)), Truth::True);
    assert_eq!(truth(&repeated("false", "||(1 == 2)", "||true", 380)), Truth::True);
}

/// Names and literals of every type, known and unknown.
const SIDES: [&str; 31] = [
    "settings.then",
    "settings.later",
    "settings.past",
    "settings.year_1",
    "settings.future",
    "settings.long",
    "settings.least",
    "settings.nothing",
    "settings.half",
    "settings.name",
    "settings.flag",
    "settings.list",
    "settings.missing",
    "payload.text",
    "payload.number",
    "payload.object",
    "payload.object.a",
    "payload.missing",
    "payload.text.inside",
    "event.type",
    "device",
    "device.id",
    "device.battery",
    "device.readings_disabled",
    "order.status",
    "previous.battery",
    "now",
    "1",
    "1.0",
    "\"abc\"",
    "false",
];

/// Simple terms are computed without the interpreter; inside a list it is the interpreter that does it.
fn comes_to_the_same(condition: &str) -> Truth {
    let (quick, slow) = (truth(&format!("({condition})")), truth(&format!("[{condition}][0]")));
    let same = match (&quick, &slow) {
        (Truth::Fault { error: quick }, Truth::Fault { error: slow }) => quick == slow,
        _ => std::mem::discriminant(&quick) == std::mem::discriminant(&slow),
    };
    assert!(same, "{condition}: {quick:?} and {slow:?}");
    quick
}

#[test]
fn a_comparison_comes_to_what_the_interpreter_makes_of_it() {
    let operators = ["==", "!=", "<", "<=", ">", ">="];
    let mut decided = 0;
    for (at, left) in SIDES.iter().enumerate() {
        for (beside, right) in SIDES.iter().enumerate() {
            // A third of the pairs by one operator, and each side with itself by all.
            let one = (5 * at + beside) % operators.len();
            let chosen = match (at == beside, (at + beside) % 3) {
                (true, _) => &operators[..],
                (false, 0) => &operators[one..=one],
                _ => continue,
            };
            for operator in chosen {
                let truth = comes_to_the_same(&format!("{left} {operator} {right}"));
                decided += u32::from(matches!(truth, Truth::True | Truth::False { .. }));
            }
        }
    }
    assert!(decided > 120, "{decided} came to something");
}

#[test]
fn what_is_joined_comes_to_what_the_interpreter_makes_of_it() {
    // True, false, unknown, and two kinds of fault.
    let parts = [
        "settings.flag",
        "device.readings_disabled",
        "payload.missing",
        "settings.name",
        "settings.then == 1 / settings.nothing",
        "has(payload.text)",
        "has(payload.missing)",
        "has(order.status)",
        "!has(payload.object.a)",
        "!payload.text",
    ];
    for side in SIDES.iter().filter(|side| side.contains('.') && !side.contains("1.0")) {
        comes_to_the_same(&format!("has({side})"));
        comes_to_the_same(&format!("!{side}"));
    }
    for (first, second) in parts.iter().flat_map(|first| parts.iter().map(move |second| (first, second))) {
        comes_to_the_same(&format!("{first} && {second}"));
        comes_to_the_same(&format!("({first} || !({second})) && payload.missing"));
    }
}
