//! `pulsewarden demo`: a small fleet, a mail catcher and a Slack stand-in around the real daemon.
