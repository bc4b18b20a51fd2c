//! The pages behind the links in mails: `GET` shows, only `POST` acts, since scanners of mail follow links.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::link::{Link, LinkError, Purpose, Signer};
use super::{AskError, Desk, LONGEST_NAME, Outcome, What};
use crate::engine::{Act, Actor, Alert, AlertState};

/// Bytes of a form.
const LARGEST_FORM: usize = 16 * 1024;

/// For how long one can take it on.
const SPANS: [(&str, &str, Option<u64>); 4] = [
    ("", "until it is over", None),
    ("4h", "for 4 hours", Some(4)),
    ("1d", "for a day", Some(24)),
    ("5d", "for 5 days", Some(5 * 24)),
];

/// What the pages work with.
#[derive(Clone)]
pub struct Pages {
    pub desk: Desk,
    pub signer: Signer,
}

/// The routes of the pages.
pub fn routes(config: &mut web::ServiceConfig, pages: Pages) {
    config.service(
        web::resource("/act/{token}")
            .app_data(web::Data::new(pages))
            .app_data(web::FormConfig::default().limit(LARGEST_FORM).error_handler(|error, _| {
                let answer =
                    simple(StatusCode::BAD_REQUEST, "The form could not be read", "Go back and send it again.");
                actix_web::error::InternalError::from_response(error, answer).into()
            }))
            .route(web::get().to(show))
            .route(web::head().to(show))
            .route(web::post().to(act))
            .default_service(web::to(|| async {
                simple(StatusCode::METHOD_NOT_ALLOWED, "This page can only be read, and its form sent", "")
            })),
    );
}

/// What is on a page.
#[derive(Serialize)]
struct Shown<'p> {
    title: &'p str,
    lead: &'p str,
    alerts: Vec<Line>,
    /// Whether there is a form.
    form: bool,
    spans: Vec<(&'p str, &'p str)>,
    name: &'p str,
    error: &'p str,
}

/// An alert as anybody with the link may see it: nothing that names a person or a device.
#[derive(Serialize)]
struct Line {
    number: u64,
    rule: String,
    severity: &'static str,
    site: String,
    state: String,
    open: bool,
}

async fn show(pages: web::Data<Pages>, token: web::Path<String>) -> HttpResponse {
    let link = match read(&pages, &token) {
        Ok(link) => link,
        Err(error) => return wrong(error),
    };
    page_of(&pages, &link, "", "").await
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "for")]
    span: String,
}

async fn act(pages: web::Data<Pages>, token: web::Path<String>, form: web::Form<Form>) -> HttpResponse {
    let link = match read(&pages, &token) {
        Ok(link) => link,
        Err(error) => return wrong(error),
    };
    let name: String = form.name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let name = name.trim();
    if name.is_empty() {
        return page_of(&pages, &link, "", "Write your name, so that others know who has it.").await;
    }
    let Some((_, _, hours)) = SPANS.iter().find(|(value, ..)| *value == form.span) else {
        return page_of(&pages, &link, name, "Choose one of the times.").await;
    };
    let now = pages.desk.clock.now();
    let until = hours.map(|hours| now.plus(Duration::from_secs(hours * 60 * 60)));
    let Purpose::Acknowledge = link.purpose;
    let by = Actor { name: name.to_owned(), via: format!("the link sent to {}", link.to) };
    match pages.desk.act(&link.alerts, &Act::Acknowledge { until }, &by).await {
        Ok(outcomes) => done(&pages, &link, name, &outcomes).await,
        Err(AskError::NotYet) => {
            simple(StatusCode::ACCEPTED, "It is kept", "It will be carried out as soon as processing comes to it.")
        }
        Err(_) => simple(
            StatusCode::SERVICE_UNAVAILABLE,
            "It could not be kept now",
            "Nothing has changed. Try again in a minute.",
        ),
    }
}

fn read(pages: &Pages, token: &str) -> Result<Link, LinkError> {
    pages.signer.read(token, pages.desk.clock.now())
}

fn wrong(error: LinkError) -> HttpResponse {
    match error {
        LinkError::Forged => simple(
            StatusCode::NOT_FOUND,
            "This link leads nowhere",
            "It is not one of ours, or was cut off on its way. Open it from the message again.",
        ),
        LinkError::Expired => simple(
            StatusCode::GONE,
            "This link has expired",
            "Use the newest message about the alert, or `pulsewarden ack` on the server.",
        ),
    }
}

async fn page_of(pages: &Pages, link: &Link, name: &str, error: &str) -> HttpResponse {
    let Some(alerts) = lines(pages, &link.alerts).await else { return unreadable() };
    let open = alerts.iter().filter(|line| line.open).count();
    let title = if open == 0 { "Nothing is left to take on" } else { "Take this on" };
    let lead = if open == 0 {
        "All of these alerts have ended."
    } else {
        "Whoever takes an alert on tells the others that it is seen to: it is not repeated, and nobody else is called."
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let spans = SPANS.iter().map(|(value, words, _)| (*value, *words)).collect();
    render(status, &Shown { title, lead, alerts, form: open > 0, spans, name, error })
}

async fn done(pages: &Pages, link: &Link, name: &str, outcomes: &[Outcome]) -> HttpResponse {
    let Some(alerts) = lines(pages, &link.alerts).await else { return unreadable() };
    let taken = outcomes.iter().filter(|outcome| outcome.what == What::Done).count();
    let (title, lead) = match taken {
        0 => ("Nothing was left to take on", "All of these alerts had ended.".to_owned()),
        _ => ("Done", format!("{name} has taken this on. You may close this page.")),
    };
    let shown = Shown { title, lead: &lead, alerts, form: false, spans: Vec::new(), name, error: "" };
    render(StatusCode::OK, &shown)
}

async fn lines(pages: &Pages, numbers: &[u64]) -> Option<Vec<Line>> {
    let numbers = numbers.to_vec();
    let read = pages
        .desk
        .read(move |store| numbers.into_iter().map(|number| store.alert(number)).collect::<Result<Vec<_>, _>>());
    let alerts = read.await.ok()?;
    Some(alerts.iter().flatten().map(line).collect())
}

fn line(alert: &Alert) -> Line {
    let site = alert.labels.get("site").and_then(|seen| seen.value.as_text()).unwrap_or_default();
    let state = match (&alert.state, &alert.acknowledged) {
        (AlertState::Firing, Some(acknowledged)) => format!("taken on by {}", acknowledged.by),
        (AlertState::Firing, None) => "open".to_owned(),
        (state, _) => state.to_string(),
    };
    Line {
        number: alert.number,
        rule: alert.rule.clone(),
        severity: alert.severity.as_str(),
        site: if site == "unknown" { String::new() } else { site.to_owned() },
        state,
        open: alert.state == AlertState::Firing,
    }
}

fn unreadable() -> HttpResponse {
    simple(StatusCode::SERVICE_UNAVAILABLE, "The alerts cannot be read now", "Try again in a minute.")
}

fn simple(status: StatusCode, title: &str, lead: &str) -> HttpResponse {
    let shown = Shown { title, lead, alerts: Vec::new(), form: false, spans: Vec::new(), name: "", error: "" };
    render(status, &shown)
}

/// No page is kept by anybody, shown inside another, or says where one came from: its address is a key.
fn render(status: StatusCode, shown: &Shown<'_>) -> HttpResponse {
    let mut environment = Environment::new();
    let added = environment.add_template("act.html", include_str!("templates/act.html"));
    let html = added.and_then(|()| environment.get_template("act.html")?.render(Serde(shown)));
    let html = html.unwrap_or_else(|_| shown.title.to_owned());
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .body(html)
}
