//! Patients and sites, alone and inside everything else.

use serde_json_borrow::Value;
use smol_str::SmolStr;

use super::facts::{Said, link, put};
use super::read::{fact, first_id, flag, id, instant, known, object, text};
use crate::engine::{SubjectKind, Value as Known};

/// `patient.created`, `patient.updated`: a Patient (inferred), or the merged form of one guide with a text id.
///
/// Own time: a Patient has none; the guide's form has `updatedAt` (documented there alone).
pub(super) fn event(said: &mut Said, payload: &Value) {
    let inner = object(payload, "patient").unwrap_or(payload);
    if patient(said, inner).is_none()
        && let Some(patient_id) = id(payload, "patientId")
    {
        said.of(SubjectKind::Patient, patient_id);
    }
    said.facts.occurred_at = instant(payload, "updatedAt").or_else(|| instant(payload, "createdAt"));
}

/// A Patient (documented). Only what rules need is projected; names and contact data stay in the journal.
pub(super) fn patient(said: &mut Said, patient: &Value) -> Option<SmolStr> {
    let patient_id = first_id(patient, &["id", "patientId"])?;
    let about = said.of(SubjectKind::Patient, patient_id.clone());
    for name in ["enrolled", "archived"] {
        if let Some(set) = flag(patient, name) {
            put(about, fact(name, Known::Bool(set)));
        }
    }
    about.over |= flag(patient, "archived") == Some(true);
    let Some(inner) = object(patient, "site") else { return Some(patient_id) };
    if let Some(name) = text(inner, "name") {
        put(about, fact("site", known(name)));
    }
    if let Some(site_id) = id(inner, "id") {
        link(about, SubjectKind::Site, site_id);
    }
    site(said, inner);
    Some(patient_id)
}

/// The patient that something belongs to: as an object, or by its id alone.
pub(super) fn party(said: &mut Said, owner: &Value) -> Option<SmolStr> {
    let whole = object(owner, "patient").and_then(|inner| patient(said, inner));
    whole.or_else(|| {
        let patient_id = first_id(owner, &["patientId", "patient"])?;
        said.of(SubjectKind::Patient, patient_id.clone());
        Some(patient_id)
    })
}

/// A Site (documented).
pub(super) fn site(said: &mut Said, site: &Value) -> Option<SmolStr> {
    let site_id = id(site, "id")?;
    let about = said.of(SubjectKind::Site, site_id.clone());
    if let Some(name) = text(site, "name") {
        put(about, fact("name", known(name)));
    }
    Some(site_id)
}
