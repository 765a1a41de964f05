//! Rows within an object: `{"users":[…]}`, as the API returns and takes them.
//!
//! A list under another name that such lists have is found, too, so that the message can say where
//! the rows are.

use std::io::{self, Read};

use serde::de::{DeserializeOwned, IgnoredAny};

use super::window::Window;

/// The key whose list holds rows: the API's own.
pub(super) const USERS: &str = "users";

/// Keys that lists of rows stand under in the files of others.
const LISTS: [&str; 9] =
    [USERS, "data", "items", "results", "records", "rows", "members", "value", "Resources"];

/// Keys that name a row's user: an object with one of them is a row.
const ROWS: [&str; 4] = ["loginId", "loginIds", "userId", "identifier"];

/// How many objects deep a list is looked for.
const MAX_DEPTH: usize = 3;

/// Where an object's list of rows begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// Behind so many bytes, the bracket included, under these keys.
    List(usize, Vec<String>),
    /// Not in what is there; more may tell.
    Unknown,
    /// The object is not a wrapper.
    None,
}

/// How far into a file a list is looked for.
const HEAD: usize = 64 * 1024;

/// Looks for the list of rows in the object that a window begins with, reading no further than is
/// needed to tell.
pub(super) fn find_in<R: Read>(window: &mut Window<R>) -> io::Result<Wrapper> {
    loop {
        let found = find(window.bytes());
        if found != Wrapper::Unknown || window.bytes().len() >= HEAD || !window.fill()? {
            return Ok(found);
        }
    }
}

/// Looks for the list of rows in the object that these bytes begin with, if they do.
fn find(bytes: &[u8]) -> Wrapper {
    let mut text = Text { bytes, at: 0 };
    let mut path = Vec::new();
    match text.object(&mut path) {
        Ok(true) => Wrapper::List(text.at, path),
        Ok(false) => Wrapper::None,
        Err(Ends) => Wrapper::Unknown,
    }
}

/// What stands behind the list: how many bytes belong to the object, or what is wrong with them.
/// `None` where they end too early.
pub(super) fn rest(bytes: &[u8]) -> Option<Result<usize, &'static str>> {
    let mut text = Text { bytes, at: 0 };
    loop {
        match text.next().ok()? {
            b'}' => {
                text.at += 1;
                return Some(Ok(text.at));
            }
            b',' => text.at += 1,
            _ => return Some(Err("the object around the list is not valid JSON")),
        }
        let member = |text: &mut Text<'_>| -> Result<Option<String>, Ends> {
            let Some(key) = text.value::<String>()? else { return Ok(None) };
            if text.next()? != b':' {
                return Ok(None);
            }
            text.at += 1;
            Ok(text.value::<IgnoredAny>()?.map(|_| key))
        };
        match member(&mut text).ok()? {
            None => return Some(Err("the object around the list is not valid JSON")),
            Some(key) if key == USERS => return Some(Err("the key users appears twice")),
            Some(_) => {}
        }
    }
}

/// The bytes end before it can be told.
struct Ends;

struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Text<'_> {
    /// The next byte that is not blank.
    fn next(&mut self) -> Result<u8, Ends> {
        let rest = &self.bytes[self.at..];
        let blanks = rest.iter().take_while(|byte| super::jsonl::is_blank(**byte)).count();
        self.at += blanks;
        rest.get(blanks).copied().ok_or(Ends)
    }

    /// The next JSON value; nothing if it is none.
    fn value<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Ends> {
        let mut values = serde_json::Deserializer::from_slice(&self.bytes[self.at..]).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(Some(value))
            }
            Some(Err(error)) if !error.is_eof() => Ok(None),
            _ => Err(Ends),
        }
    }

    /// Goes behind the bracket of a list of rows in the object that begins here; or behind the
    /// object.
    fn object(&mut self, path: &mut Vec<String>) -> Result<bool, Ends> {
        if self.next()? != b'{' {
            return Ok(false);
        }
        self.at += 1;
        loop {
            if self.next()? != b'"' {
                return Ok(false);
            }
            let Some(key) = self.value::<String>()? else { return Ok(false) };
            if ROWS.contains(&&*key) || self.next()? != b':' {
                return Ok(false);
            }
            self.at += 1;
            let listed = LISTS.contains(&&*key);
            let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            path.push(key);
            match self.next()? {
                b'[' if listed && self.is_list_of_objects()? => return Ok(true),
                b'{' if plain && path.len() < MAX_DEPTH => {
                    let start = self.at;
                    if self.object(path)? {
                        return Ok(true);
                    }
                    self.at = start;
                }
                _ => {}
            }
            path.pop();
            if self.value::<IgnoredAny>()?.is_none() || self.next()? != b',' {
                return Ok(false);
            }
            self.at += 1;
        }
    }

    /// Whether objects, or nothing, are in the list that begins here; goes behind its bracket.
    fn is_list_of_objects(&mut self) -> Result<bool, Ends> {
        let start = self.at;
        self.at += 1;
        let behind = self.at;
        let found = matches!(self.next()?, b'{' | b']');
        self.at = if found { behind } else { start };
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_rows_is_found_within_an_object() {
        let list = |path: &[&str]| path.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (text, path) in [
            (r#"{"users":[{"#, &["users"][..]),
            ("{\n  \"total\": 2,\n  \"users\": [\n    {", &["users"]),
            (r#"{"users":[]"#, &["users"]),
            (r#"{"meta":{"page":1},"data":{"items":[{"#, &["data", "items"]),
        ] {
            let found = find(text.as_bytes());
            let behind = text.rfind('[').unwrap() + 1;
            assert_eq!(found, Wrapper::List(behind, list(path)), "{text}");
        }
    }

    #[test]
    fn a_row_is_no_wrapper() {
        for text in [
            r#"{"loginId":"a","userTenants":[{"tenantId":"T"}]}"#,
            r#"{"loginId":"a","items":[{"x":1}]}"#,
            r#"{"users":["a","b"]}"#,
            r#"{"users":"a"}"#,
            r#"{"users" [{}]}"#,
            "{}",
            "[{}]",
            "x",
        ] {
            assert_eq!(find(text.as_bytes()), Wrapper::None, "{text}");
        }
        for text in ["", "{", r#"{"us"#, r#"{"users":"#, r#"{"users":["#, r#"{"total":1"#] {
            assert_eq!(find(text.as_bytes()), Wrapper::Unknown, "{text}");
        }
    }

    #[test]
    fn what_stands_behind_the_list_is_read() {
        assert_eq!(rest(b"}x"), Some(Ok(1)));
        assert_eq!(rest(br#" , "total":2, "more":{"a":[1]} } {"#), Some(Ok(32)));
        assert_eq!(rest(br#","total":2"#), None);
        for text in ["]", ",}", r#","users":[]}"#, r#","total" 2}"#, r#","total":2]"#] {
            assert!(rest(text.as_bytes()).unwrap().is_err(), "{text}");
        }
    }
}
