//! The pure heart: what an input means for one subject. No I/O, clock, randomness or async.

mod admission;
mod alert;
mod association;
mod calendar;
mod digest;
mod effect;
mod escalation;
mod evaluate;
mod following;
mod holding;
mod inhibition;
mod interval;
mod event;
mod expression;
mod group;
mod grouping;
mod labels;
mod length;
mod lifecycle;
mod members;
mod memory;
mod muting;
mod names;
mod outage;
mod outlet;
mod outlook;
mod people;
mod project;
mod receiver;
mod recount;
mod record;
mod relations;
mod remark;
mod route;
mod rule;
mod rule_set;
mod silence;
mod silent;
mod slice;
mod stale;
mod standing;
mod state;
mod status;
mod step;
mod subject;
mod time;
mod value;
mod wake;
mod window;

pub use admission::{Admission, admit};
pub use alert::{
    Acknowledgement, Alert, AlertGroup, AlertState, End, Ending, EventRef, Evidence, Grounds, Labels, Note, Reason,
    Seen, Transition,
};
pub use calendar::{Calendar, CalendarError};
pub use digest::{
    BATTERY_STEPS, Caller, Callers, Digest, DigestCharts, DigestHealth, DigestPart, DigestReport, DigestRow,
    DigestRows, DigestSection,
};
pub use effect::{ALERTS_SHOWN, Content, Counts, Effects, Folded, Notification, Records, SelfAlert, Summary};
pub use escalation::Step;
pub use event::{
    About, Announcement, Association, Basis, Command, DeliveryFailure, Event, Facts, Input, Message, News, Position,
    Saying, Source,
};
pub use expression::{Condition, ConditionError, RETURN, Truth};
pub use inhibition::{InhibitRule, Meeting, Part};
pub use interval::{Muted, Span, TimeInterval, muted};
pub use labels::{UNKNOWN, subject_labels};
pub use length::{BusinessTime, Interval, Length};
pub use lifecycle::key_of;
pub use members::Members;
pub use memory::{Hit, Memory, Waiting};
pub use muting::{Cause, Held, Suppression};
pub use names::Names;
pub use outage::{Lack, Outage, Recovery, SENT_AGAIN_FOR};
pub use outlet::{Outlet, answers_for, tells_of_return};
pub use outlook::{Pending, falls_silent, pending, why_not};
pub use people::{Act, Action, Actor};
pub use receiver::{Cap, Channel, FALLBACK_AFTER, Fallback, LONGEST_PATIENCE, Phi, Quiet, Receiver};
pub use record::Record;
pub use remark::{Remark, stand_in_ends, stand_ins};
pub use route::{GroupBy, LabelTest, Matcher, MatcherError, Route};
pub use rule::{
    Derived, EventPattern, EventTest, Raise, RaiseWhen, Read, Resolve, Rule, Severity, Share, Since, Table, Trigger,
};
pub use rule_set::{Interest, RuleFiles, RuleSet};
pub use silence::{Hiding, Silence, SilenceRecord};
pub use slice::{
    Group, Member, PROJECTION_VERSION, Projection, Related, Slice, Told, Turn, VERDICTS_KEPT, Verdict, Why,
};
pub use stale::{Later, STALE_AFTER, StaleVerdict, judge_again, without_ended};
pub use standing::Standing;
pub use state::{FIELDS, Fact, Field, FieldGroup, FieldType};
pub use step::{Ground, step};
pub use subject::{Subject, SubjectKind};
pub use time::Timestamp;
pub use value::{Protection, Value};
