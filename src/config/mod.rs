//! Reading what people write: the configuration file and the rule files.

mod address;
mod bundle;
mod cases;
mod check;
mod difference;
mod exposure;
mod hide;
mod load;
mod measure;
mod problem;
mod rules;
mod schema;
mod secret;
mod services;
mod settings;
mod source;
mod suggest;
mod walk;
mod yaml;

pub use address::is_guarded;
pub use bundle::{Bundle, Origin, RuleFile, Unreadable};
pub use cases::{
    Case, CaseEvent, Expectation, ExpectedAlert, ExpectedMessage, Id, TestFile, When, read_test_file, read_test_text,
    test_files,
};
pub use difference::{Changes, Difference, SettingChange};
pub use exposure::{Exposure, IDENTIFIERS, IdentifierClass, ProtectedReads, exposure, protected_reads};
pub use load::{DEFAULT_FILE, Reviewed, load_settings, parse_settings, review_settings};
pub use measure::{parse_duration, spell_duration};
pub use problem::{Level, Place, Problem, Problems};
pub use schema::{rules_schema, tests_schema};
pub use secret::{SECRETS_FOLDER, SecretError};
pub use settings::{
    Admin, CannotServe, Delivery, Email, Endpoint, Heartbeat, Impilo, Log, LogFormat, Own, Pagerduty, Receive,
    Retention, SecretRef, Settings, Slack, Storage,
};
pub use source::Source;
pub use suggest::nearest;
