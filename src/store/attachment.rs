//! Files beside mails.

use serde::{Deserialize, Serialize};

use super::Rendered;

impl Rendered {
    /// A mail with a file beside it, where there is one.
    #[must_use]
    pub fn with(mut self, attachment: Option<Attachment>) -> Self {
        if let Self::Email { attachments, .. } = &mut self {
            attachments.extend(attachment);
        }
        self
    }
}

/// A file beside a mail. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Holds no identifier.
    pub name: String,
    /// The media type with its charset.
    pub media_type: String,
    pub content: String,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("name", &self.name).finish_non_exhaustive()
    }
}
