//! `pulsewarden demo`: a small fleet, a mail catcher and a Slack stand-in around the real daemon.

pub mod mail_catcher;
pub mod slack_stand_in;
