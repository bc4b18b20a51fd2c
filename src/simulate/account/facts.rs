//! Which requests Impilo documents (version 3 of its API), as far as the stand-in serves them.

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int32,
    Int64,
    Double,
    Bool,
    Text,
    /// A list of texts, in bodies alone.
    Texts,
    /// RFC 3339.
    Instant,
    /// Without a time of day.
    Date,
    OneOf(&'static [&'static str]),
}

/// A query parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    /// It may stand more than once.
    pub repeated: bool,
}

/// A field of a body.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Webhooks,
    CreateWebhook,
    Webhook,
    MoveWebhook,
    DeleteWebhook,
    Secret,
    CreateSecret,
    ChangeSecret,
    DeleteSecret,
    Log,
    Devices,
    Device,
    Orders,
    Order,
    Returns,
    Return,
    Tickets,
    Ticket,
    TestGlucose,
    TestOxygen,
    TestPressure,
    TestWeight,
    TestAssociated,
    TestRemoved,
    TestOrder,
    TestOrderFull,
}

/// A documented request. `{}` in a path is a whole number of 64 bits.
#[derive(Debug)]
pub(super) struct Documented {
    pub call: Call,
    pub method: &'static str,
    pub path: &'static str,
    pub query: &'static [Parameter],
    /// `None` where there is no body.
    pub body: Option<&'static [Field]>,
}

const fn one(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, repeated: false }
}

const fn many(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, repeated: true }
}

const fn needed(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const fn call(
    call: Call,
    method: &'static str,
    path: &'static str,
    query: &'static [Parameter],
    body: Option<&'static [Field]>,
) -> Documented {
    Documented { call, method, path, query, body }
}

/// The types of webhook that the specification lists.
pub(super) const WEBHOOK_TYPES: [&str; 24] = [
    "device.associationCreated",
    "device.associationRemoved",
    "device.healthcheck",
    "device.lowBattery",
    "device.weakSignal",
    "order.status",
    "order.statusFull",
    "patient.created",
    "patient.updated",
    "procurement.status",
    "procurement.statusFull",
    "reading.bloodGlucose",
    "reading.bloodOxygen",
    "reading.bloodPressure",
    "reading.peakFlow",
    "reading.sleepMatActivity",
    "reading.sleepMatDuration",
    "reading.temperature",
    "reading.weight",
    "return.status",
    "return.statusFull",
    "supportTicket.event",
    "transferRequest.status",
    "transferRequest.statusFull",
];

/// The type that is documented on a page of its own alone.
pub(super) const PACKED_KIT: &str = "packedKit.event";

const DEVICE_STATUSES: &[&str] = &[
    "initiated",
    "available",
    "availableRepacked",
    "availableAtSite",
    "packed",
    "packedAtSite",
    "awaitingShipment",
    "shipped",
    "delivered",
    "withPatient",
    "used",
    "refurbishing",
    "receivedInError",
    "returnedManufacturer",
    "decommissioned",
];
const DEVICE_SORTS: &[&str] = &["itemName", "itemModel", "itemSku", "deviceId"];
const IDENTIFIER_TYPES: &[&str] = &["serial", "imei", "iccid", "macAddress", "simCardNumber"];
const ITEM_SIZES: &[&str] = &["small", "medium", "standard", "large", "extraLarge"];
const ITEM_CLASSES: &[&str] = &[
    "wearable",
    "glucose",
    "miscellaneous",
    "circulatory",
    "packaging",
    "lab",
    "body",
    "familyPlanning",
    "cpap",
    "connectivity",
    "generalHealth",
    "service",
    "thermometer",
    "power",
    "respiratory",
    "info",
];
const READING_TYPES: &[&str] = &[
    "bloodPressure",
    "bloodGlucose",
    "continuousBloodGlucose",
    "spo2",
    "weight",
    "temperature",
    "peakFlow",
    "heartRate",
    "heartRateVariability",
    "sleepMatActivity",
    "sleepMatDuration",
];
const RETURN_STATUSES: &[&str] =
    &["rmaPlaced", "outbound", "pendingReturn", "inTransit", "arrived", "receiving", "completed", "voided"];
const TICKET_TYPES: &[&str] = &[
    "other",
    "engagement",
    "labOrder",
    "deviceTechnicalSupport",
    "patientSetup",
    "patientEngagement",
    "returnToSender",
    "mobileSupport",
    "customerDeviceInquiry",
    "operations",
    "alert",
    "clinicalSupport",
    "generalInquiry",
    "patientEnrollment",
    "technicalSupport",
    "addressConfirmation",
    "patientJourney",
    "deviceClaim",
    "returnMerchandiseAuthorization",
];

const PAGE: Parameter = one("page", Kind::Int32);
const SIZE: Parameter = one("size", Kind::Int32);

const LOG: &[Parameter] = &[
    one("webhookType", Kind::OneOf(&WEBHOOK_TYPES)),
    one("retryAttemptsMin", Kind::Int32),
    one("retryAttemptsMax", Kind::Int32),
    many("lastResponseStatus", Kind::Int32),
    one("startTimestamp", Kind::Instant),
    one("endTimestamp", Kind::Instant),
    one("startLastRetryTimestamp", Kind::Instant),
    one("endLastRetryTimestamp", Kind::Instant),
    PAGE,
    SIZE,
];

const DEVICES: &[Parameter] = &[
    PAGE,
    SIZE,
    one("sort", Kind::OneOf(DEVICE_SORTS)),
    one("sortDescending", Kind::Bool),
    many("id", Kind::Int64),
    many("externalIdentifier", Kind::Text),
    one("identifierType", Kind::OneOf(IDENTIFIER_TYPES)),
    many("identifier", Kind::Text),
    many("status", Kind::OneOf(DEVICE_STATUSES)),
    many("itemId", Kind::Int64),
    one("itemName", Kind::Text),
    one("itemModel", Kind::Text),
    one("itemSku", Kind::Text),
    many("manufacturerId", Kind::Int64),
    many("itemSize", Kind::OneOf(ITEM_SIZES)),
    many("itemClass", Kind::OneOf(ITEM_CLASSES)),
    many("readingType", Kind::OneOf(READING_TYPES)),
    many("siteId", Kind::Int64),
    many("patientId", Kind::Int64),
    many("patientExternalIdentifier", Kind::Text),
    one("patientEmail", Kind::Text),
    one("patientName", Kind::Text),
    many("patientSiteId", Kind::Int64),
];

const ORDERS: &[Parameter] = &[PAGE, SIZE, one("patientId", Kind::Int64), many("externalOrderId", Kind::Text)];

const RETURNS: &[Parameter] = &[
    one("status", Kind::OneOf(RETURN_STATUSES)),
    one("relatedOrderId", Kind::Int64),
    one("searchString", Kind::Text),
    one("lastUpdatedBefore", Kind::Date),
    one("standalone", Kind::Bool),
    PAGE,
    SIZE,
];

const TICKETS: &[Parameter] = &[
    PAGE,
    SIZE,
    one("ticketType", Kind::OneOf(TICKET_TYPES)),
    one("assigneeEmail", Kind::Text),
    one("patientExternalIdentifier", Kind::Text),
    one("patientId", Kind::Int64),
    one("createdAt", Kind::Instant),
    one("updatedAt", Kind::Instant),
    one("open", Kind::Bool),
];

const PATIENT: Field = optional("patientId", Kind::Int64);
const HEART: Field = optional("heartRate", Kind::Int32);
const SUBSCRIPTION: &[Field] = &[needed("type", Kind::Text), needed("url", Kind::Text)];
const MOVED: &[Field] = &[needed("url", Kind::Text)];
const SECRET: &[Field] = &[needed("secret", Kind::Text)];
/// The example of the documents has none, so that Impilo makes one.
const NEW_SECRET: &[Field] = &[optional("secret", Kind::Text)];
const ASSOCIATION: &[Field] = &[PATIENT, optional("deviceId", Kind::Int64), optional("deviceIdentifier", Kind::Text)];
const EXTERNAL: Field = optional("externalOrderIds", Kind::Texts);

/// Every request that the stand-in serves.
pub(super) const DOCUMENTED: [Documented; 26] = [
    call(Call::Webhooks, "GET", "/api/v3/webhook", &[PAGE, SIZE], None),
    call(Call::CreateWebhook, "POST", "/api/v3/webhook", &[], Some(SUBSCRIPTION)),
    call(Call::Log, "GET", "/api/v3/webhook/logs", LOG, None),
    call(Call::Webhook, "GET", "/api/v3/webhook/{}", &[], None),
    call(Call::MoveWebhook, "PATCH", "/api/v3/webhook/{}", &[], Some(MOVED)),
    call(Call::DeleteWebhook, "DELETE", "/api/v3/webhook/{}", &[], None),
    call(Call::Secret, "GET", "/api/v3/webhook-secret", &[], None),
    call(Call::CreateSecret, "POST", "/api/v3/webhook-secret", &[], Some(NEW_SECRET)),
    call(Call::ChangeSecret, "PATCH", "/api/v3/webhook-secret", &[], Some(SECRET)),
    call(Call::DeleteSecret, "DELETE", "/api/v3/webhook-secret", &[], None),
    call(Call::Devices, "GET", "/api/v3/device", DEVICES, None),
    call(Call::Device, "GET", "/api/v3/device/{}", &[], None),
    call(Call::Orders, "GET", "/api/v3/order", ORDERS, None),
    call(Call::Order, "GET", "/api/v3/order/{}", &[], None),
    call(Call::Returns, "GET", "/api/v3/return", RETURNS, None),
    call(Call::Return, "GET", "/api/v3/return/{}", &[], None),
    call(Call::Tickets, "GET", "/api/v3/support-ticket", TICKETS, None),
    call(Call::Ticket, "GET", "/api/v3/support-ticket/{}", &[], None),
    call(
        Call::TestGlucose,
        "POST",
        "/api/v3/test/blood-glucose-webhook",
        &[],
        Some(&[PATIENT, optional("glucose", Kind::Int32)]),
    ),
    call(
        Call::TestOxygen,
        "POST",
        "/api/v3/test/blood-oxygen-webhook",
        &[],
        Some(&[PATIENT, optional("bloodOxygen", Kind::Int32), HEART]),
    ),
    call(
        Call::TestPressure,
        "POST",
        "/api/v3/test/blood-pressure-webhook",
        &[],
        Some(&[PATIENT, optional("systolic", Kind::Int32), optional("diastolic", Kind::Int32), HEART]),
    ),
    call(
        Call::TestWeight,
        "POST",
        "/api/v3/test/weight-webhook",
        &[],
        Some(&[PATIENT, optional("weight", Kind::Double)]),
    ),
    call(Call::TestAssociated, "POST", "/api/v3/test/device-association-created", &[], Some(ASSOCIATION)),
    call(Call::TestRemoved, "POST", "/api/v3/test/device-association-removed", &[], Some(ASSOCIATION)),
    call(
        Call::TestOrder,
        "POST",
        "/api/v3/test/order-status-webhook",
        &[],
        Some(&[needed("orderStatusName", Kind::Text), EXTERNAL]),
    ),
    call(
        Call::TestOrderFull,
        "POST",
        "/api/v3/test/order-status-full-webhook",
        &[],
        Some(&[
            optional("orderId", Kind::Int64),
            EXTERNAL,
            PATIENT,
            optional("orderStatus", Kind::Text),
            optional("trackingNumber", Kind::Text),
        ]),
    ),
];
