//! Templates of messages: what is wrong with them is shown before they make any.

use expect_test::expect;
use pulsewarden::config::{Bundle, Problems};
use pulsewarden::notify::Templates;
use pulsewarden::replay::samples;

const RULES: &str = r#"
rules:
  - alert: DeviceBatteryLow
    subject: device
    event: device.lowBattery
    severity: warning
    annotations: { summary: "Battery at {{ device.battery }}%, {{ payload.device.currentPatient.firstName }}" }
  - { alert: OrderStuck, subject: order, while: 'order.status == "onHold"', for: 2d, severity: critical }
"#;

/// What `check` says of these templates.
fn said(templates: &[(&str, &str)]) -> String {
    let named: Vec<(String, &str)> =
        templates.iter().map(|(name, text)| (format!("templates/{name}"), *text)).collect();
    let mut files: Vec<(&str, &str)> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    files.push(("rules.yaml", RULES));
    let bundle = Bundle::of(&files);
    let (rules, _) = bundle.compile().unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let problems: Problems = match Templates::of(&bundle) {
        Ok((templates, warnings)) => {
            let found = templates.check(&samples(&rules));
            warnings.into_iter().chain(found.into_vec()).collect()
        }
        Err(problems) => problems,
    };
    problems.render(false)
}

#[test]
fn the_shipped_templates_make_every_message() {
    assert_eq!(said(&[]), "");
}

#[test]
fn good_templates_are_left_alone() {
    let all = said(&[
        (
            "mail.html",
            "{% extends \"shipped/mail.html\" %}{% block foot %}<tr><td>{{ foot[0] }}</td></tr>{% endblock %}",
        ),
        ("mail.txt", "{% include \"shipped/mail.txt\" %}\n{% include \"parts/line.txt\" %}"),
        ("parts/line.txt", "Call {{ \"us\"|upper }}."),
        ("headline.txt", "{{ headline|replace(\"[\", \"<\") }}"),
        ("slack_entry.mrkdwn", "*{{ entry.title }}*\n{{ entry.summary }}{% if entry.runbook %} !{% endif %}"),
        ("slack_lead.mrkdwn", "{{ lead|join(\" \") }}"),
    ]);
    assert_eq!(all, "");
}

#[test]
fn what_does_not_parse_or_stands_for_nothing_is_shown() {
    expect![[r#"
        error: templates/shipped/mail.txt has the name of a shipped template
         |
         = help: put it into another folder below templates/

        warning: no message is made by templates/maill.txt, and no template names it
         |
         = help: did you mean mail.txt?

        error: this template cannot be rendered: syntax error: unexpected `}`, expected end of variable block
         --> templates/headline.txt:1:22
          |
        1 | {% if kind %}{{ kind }
          |                      ^

        2 errors, 1 warning
    "#]]
    .assert_eq(&said(&[("headline.txt", "{% if kind %}{{ kind }"), ("maill.txt", "x"), ("shipped/mail.txt", "x")]));
}

#[test]
fn what_cannot_be_rendered_is_shown_with_the_message_that_shows_it() {
    expect![[r#"
        error: this template cannot be rendered: engine ran out of fuel
         --> templates/headline.txt:1:1
          |
        1 | {% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rendering a firing alert of DeviceBatteryLow for a receiver of phi none

        error: this template names nothing that there is: `hedline`
         --> templates/mail.html:3:4
          |
        3 | {{ hedline }}
          |    ^^^^^^^ rendering a firing alert of DeviceBatteryLow for a receiver of phi none
          |
          = help: did you mean `headline`?

        error: this template names nothing that there is: `sections[0].titel`
         --> templates/mail.txt:2:4
          |
        2 | {{ sections[0].titel }}
          |    ^^^^^^^^^^^^^^^^^ rendering a digest for a receiver of phi none
          |
          = help: did you mean `title`?

        error: there is no such template
         --> templates/mail.txt:4:4
          |
        4 | {% include "shiped/mail.txt" %}
          |    ^^^^^^^^^^^^^^^^^^^^^^^^^ rendering a firing alert of DeviceBatteryLow for a receiver of phi none
          |
          = help: did you mean `shipped/mail.txt`?

        error: a value comes out as markup
         --> templates/slack_entry.mrkdwn:1:1
          |
        1 | *{{ entry.title }}*
          | ^^^^^^^^^^^^^^^^^^^ rendering an alert with markup in its values for a receiver of phi full
          |
          = help: remove `safe`, and include no template with another ending than this one's

        error: this template cannot be rendered: unknown method: undefined has no method named upper (`lead[0]` is undefined)
         --> templates/slack_lead.mrkdwn:1:11
          |
        1 | {{ lead[0].upper().x }}
          |           ^^^^^^^^ rendering a firing alert of DeviceBatteryLow for a receiver of phi none

        error: this template cannot be rendered: unknown method: string has no method named upper
         --> templates/slack_lead.mrkdwn:1:11
          |
        1 | {{ lead[0].upper().x }}
          |           ^^^^^^^^ rendering many alerts again for a receiver of phi none

        7 errors
    "#]].assert_eq(&said(&[
        ("mail.html", "{% extends \"shipped/mail.html\" %}\n{% block foot %}\n{{ hedline }}\n{% endblock %}\n"),
        (
            "mail.txt",
            "{% if kind == \"digest\" %}\n{{ sections[0].titel }}\n{% endif %}\n{% include \"shiped/mail.txt\" %}",
        ),
        ("headline.txt", "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"),
        ("slack_entry.mrkdwn", "*{{ entry.title }}*\n{{ entry.summary|safe }}"),
        ("slack_lead.mrkdwn", "{{ lead[0].upper().x }}"),
    ]));
}

#[test]
fn the_examples_of_the_document_hold() {
    let text = include_str!("../../docs/templates.md");
    let mut examples = Vec::new();
    for part in text.split("```jinja\n").skip(1) {
        examples.push(part.split("```").next().unwrap());
    }
    let names = ["mail.html", "mail.txt", "headline.txt", "slack_entry.mrkdwn"];
    assert_eq!(examples.len(), names.len());
    let templates: Vec<(&str, &str)> = names.into_iter().zip(examples).collect();
    assert_eq!(said(&templates), "");
    for name in names {
        assert!(text.contains(&format!("`templates/{name}`")), "{name}");
    }
}

#[test]
fn a_template_that_makes_nothing_is_refused() {
    for name in ["mail.txt", "mail.html", "slack_entry.mrkdwn", "headline.txt"] {
        let said = said(&[(name, "")]);
        assert!(said.contains("must not be empty"), "{name}: {said}");
    }
    assert_eq!(said(&[("slack_lead.mrkdwn", "")]), "", "a message of Slack can do without");
}
