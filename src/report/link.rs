//! Paths as links, for terminals that know them (OSC 8).

use std::path::Path;

use url::Url;

use super::format::tame;

/// A path as text, and as a link to what it names where that is asked for.
#[must_use]
pub(super) fn linked(links: bool, path: &Path) -> String {
    let text = tame(&path.to_string_lossy());
    let url = || Url::from_file_path(std::path::absolute(path).ok()?).ok();
    match links.then(url).flatten() {
        // A URL holds no control characters, so it cannot end the link early.
        Some(url) => format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stays_what_it_is() {
        let path = Path::new("/tmp/a b\x1b]/ü.csv");
        assert_eq!(linked(false, path), "/tmp/a b ]/ü.csv");
        let link = linked(true, path);
        assert_eq!(
            link,
            "\x1b]8;;file:///tmp/a%20b%1B]/%C3%BC.csv\x1b\\/tmp/a b ]/ü.csv\x1b]8;;\x1b\\"
        );
        assert_eq!(linked(true, Path::new("")), "");
    }
}
