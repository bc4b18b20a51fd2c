//! Time zones.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::config::suggest::nearest;
use crate::config::walk::Walk;
use crate::config::yaml::Node;

/// The zone of a place. A fixed distance from UTC is refused: it follows no summer time.
pub(super) fn read(walk: &Walk, node: &Node) -> Option<Tz> {
    let text = walk.full_text(node, "America/New_York")?;
    if let Ok(zone) = text.parse() {
        return Some(zone);
    }
    let zone = text.to_ascii_uppercase();
    if (zone.starts_with("UTC") || zone.starts_with("GMT")) && zone.contains(['+', '-']) {
        let help = "write the zone of a place, such as America/New_York: it follows summer time, and a fixed distance \
                    does not";
        walk.error(node, format!("`{text}` is not a time zone"), help);
        return None;
    }
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let of_city = |name: &&str| name.rsplit('/').next().is_some_and(|city| nearest(text, [city]).is_some());
    let help = match nearest(text, names()).or_else(|| names().find(of_city)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the name of a place's zone, such as America/New_York, Europe/Berlin or UTC".to_owned(),
    };
    walk.error(node, format!("`{text}` is not a time zone"), help);
    None
}
