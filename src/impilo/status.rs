//! Statuses: open sets of words, of which some are known.

use crate::engine::SubjectKind;

/// A status that Impilo is known to use, with its stage: a higher one lies further along. `over` marks the statuses after
/// which nothing more is to be watched.
pub struct Status {
    pub kind: SubjectKind,
    pub name: &'static str,
    pub stage: Option<u8>,
    pub over: bool,
}

const fn staged(kind: SubjectKind, name: &'static str, stage: u8) -> Status {
    Status { kind, name, stage: Some(stage), over: false }
}

const fn last(kind: SubjectKind, name: &'static str, stage: Option<u8>) -> Status {
    Status { kind, name, stage, over: true }
}

const fn plain(kind: SubjectKind, name: &'static str) -> Status {
    Status { kind, name, stage: None, over: false }
}

/// Known statuses. Names are documented; stages follow the order that the names tell (inferred).
///
/// Stages of orders and returns: 1 before shipment, 2 awaiting shipment, 3 shipped, 4 at the door, 5 delivered or arrived,
/// 6 returned or completed, 7 voided.
pub const STATUSES: &[Status] = {
    use SubjectKind::{Device, Order, Return, Ticket, Transfer};
    &[
        plain(Device, "initiated"),
        plain(Device, "available"),
        plain(Device, "availableRepacked"),
        plain(Device, "availableAtSite"),
        plain(Device, "packed"),
        plain(Device, "packedAtSite"),
        plain(Device, "awaitingShipment"),
        plain(Device, "shipped"),
        plain(Device, "delivered"),
        plain(Device, "withPatient"),
        plain(Device, "used"),
        plain(Device, "refurbishing"),
        plain(Device, "receivedInError"),
        last(Device, "returnedManufacturer", None),
        last(Device, "decommissioned", None),
        staged(Order, "orderPlaced", 1),
        staged(Order, "reconfirmAddress", 1),
        staged(Order, "pendingAdditionalInformation", 1),
        staged(Order, "pendingInventory", 1),
        staged(Order, "onHold", 1),
        staged(Order, "unableToFulfill", 1),
        staged(Order, "awaitingShipment", 2),
        staged(Order, "shipped", 3),
        staged(Order, "availableForPickup", 4),
        staged(Order, "unsuccessfulDelivery", 4),
        last(Order, "delivered", Some(5)),
        staged(Order, "returnIssued", 6),
        last(Order, "voided", Some(7)),
        staged(Return, "rmaPlaced", 1),
        staged(Return, "outbound", 2),
        staged(Return, "pendingReturn", 2),
        staged(Return, "inTransit", 3),
        staged(Return, "arrived", 5),
        staged(Return, "receiving", 5),
        last(Return, "completed", Some(6)),
        last(Return, "voided", Some(7)),
        plain(Transfer, "requested"),
        plain(Transfer, "approved"),
        plain(Transfer, "pendingInventory"),
        last(Transfer, "completed", None),
        last(Transfer, "voided", None),
        plain(Ticket, "needsIntake"),
        plain(Ticket, "open"),
        last(Ticket, "closed", None),
    ]
};

/// The known status that `sent` means, whatever its case and separators (`ON_HOLD` is `onHold`).
pub(super) fn find(kind: SubjectKind, sent: &str) -> Option<&'static Status> {
    let mut known = STATUSES.iter().filter(|status| status.kind == kind);
    known.clone().find(|status| status.name == sent).or_else(|| known.find(|status| same(status.name, sent)))
}

/// The word for a status: the known one, or as it was sent.
pub(super) fn word(kind: SubjectKind, sent: &str) -> &str {
    find(kind, sent).map_or(sent, |status| status.name)
}

/// Whether two words are the same but for case and separators.
pub(super) fn same(one: &str, other: &str) -> bool {
    fn plain(text: &str) -> impl Iterator<Item = char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
    }
    one == other || plain(one).eq(plain(other))
}

#[cfg(test)]
mod tests {
    use super::{find, word};
    use crate::engine::SubjectKind;

    #[test]
    fn a_known_status_is_known_in_any_dress() {
        for sent in ["unsuccessfulDelivery", "UNSUCCESSFUL_DELIVERY", "Unsuccessful delivery", "unsuccessful-delivery"]
        {
            assert_eq!(word(SubjectKind::Order, sent), "unsuccessfulDelivery");
        }
        assert_eq!(word(SubjectKind::Order, "Lost_In_Space"), "Lost_In_Space");
        assert_eq!(word(SubjectKind::Return, "onHold"), "onHold", "a status of orders says nothing of returns");
        assert!(find(SubjectKind::Return, "onHold").is_none());
        assert!(find(SubjectKind::Order, "___").is_none());
    }

    #[test]
    fn stages_rise_along_the_way() {
        let stages = |kind, way: &[&str]| -> Vec<_> { way.iter().map(|name| find(kind, name)?.stage).collect() };
        let order =
            ["onHold", "awaitingShipment", "shipped", "availableForPickup", "delivered", "returnIssued", "voided"];
        assert!(stages(SubjectKind::Order, &order).is_sorted());
        let back = ["rmaPlaced", "outbound", "inTransit", "arrived", "completed", "voided"];
        assert!(stages(SubjectKind::Return, &back).is_sorted());
        assert!(stages(SubjectKind::Order, &order).iter().all(Option::is_some));
    }
}
