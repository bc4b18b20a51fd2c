//! Reading what people write: the configuration file and the rule files.

mod settings;

pub use settings::{
    Admin, Delivery, Email, Heartbeat, Impilo, Log, LogFormat, Own, Receive, Retention, SecretRef, Settings, Slack,
    Storage,
};
