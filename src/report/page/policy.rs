//! What pages may do: the style that they share, and what a content security policy says of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The style of all pages.
pub(super) const STYLE: &str = include_str!("page.css");

/// The content security policy of a page with a script: nothing but its own style and script, and what
/// else it names.
#[must_use]
pub(super) fn policy(script: &str, besides: &str) -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'{besides}",
        hash(STYLE),
        hash(script)
    )
}

/// A text as a policy names it.
fn hash(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
}
