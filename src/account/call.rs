//! One request to Impilo's API.

use reqwest::Method;

/// What is asked, and whether it may be asked twice.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub method: Method,
    /// What follows `/api/v3`.
    pub path: &'a [&'a str],
    /// Which page of a list, counted in the largest pages.
    pub page: Option<u32>,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<String>,
    /// Whether it does no harm twice, so that it may be sent again where nobody knows whether it arrived.
    pub repeatable: bool,
}

impl<'a> Call<'a> {
    pub fn get(path: &'a [&'a str]) -> Self {
        Self { method: Method::GET, path, page: None, query: Vec::new(), body: None, repeatable: true }
    }

    pub fn page(path: &'a [&'a str], page: u32) -> Self {
        Self { page: Some(page.max(1)), ..Self::get(path) }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn sends(method: Method, path: &'a [&'a str], body: serde_json::Value) -> Self {
        Self { repeatable: method != Method::POST, body: Some(body.to_string()), method, ..Self::get(path) }
    }
}
