//! What handlers of requests work with, and what they answer.

use serde_json::{Value, json};

use super::fields::Fields;
use super::problem::Problem;
use super::store::{Moment, Store};
use super::switches::{BatchReply, Switches};

/// An answer with status 200.
#[derive(Debug)]
pub(super) struct Answer {
    /// JSON.
    pub(super) body: String,
    /// Whether anything was changed.
    pub(super) applied: bool,
    /// How many users a mail or SMS goes out to.
    pub(super) invited: usize,
}

impl Answer {
    /// To a request that changes nothing.
    pub(super) fn read(body: String) -> Self {
        Self { body, applied: false, invited: 0 }
    }

    /// To a request that changed something.
    pub(super) fn changed(body: String) -> Self {
        Self { body, applied: true, invited: 0 }
    }
}

/// What a route that is no operation of the catalogue does.
pub(super) type Handler = fn(&mut Desk<'_>, &Fields) -> Result<Answer, Problem>;

/// Everything that a handler works with.
pub(super) struct Desk<'a> {
    pub(super) store: &'a mut Store,
    pub(super) switches: &'a Switches,
    pub(super) moment: Moment,
}

impl Desk<'_> {
    /// The user of a number as answers show it.
    pub(super) fn show(&self, number: u32) -> String {
        let user = self.store.get(number);
        user.map_or("{}".into(), |user| self.store.show(number, user))
    }

    /// What a list of a batch call holds, unless it is more than the switch allows.
    pub(super) fn batch<'a>(
        &self,
        fields: &'a Fields,
        name: &str,
    ) -> Result<&'a Vec<Value>, Problem> {
        let items = fields.array(name)?.ok_or_else(|| Problem::missing(name))?;
        match self.switches.batch_maximum {
            Some(most) if items.len() > most => {
                Err(Problem::invalid(format!("At most {most} users in one call")))
            }
            _ => Ok(items),
        }
    }

    /// What a batch says of a user that failed: the reason as text, and its login ID as named.
    pub(super) fn failure(&self, problem: &Problem, user: &Value) -> String {
        let failure = problem.message();
        if self.switches.batch_reply == BatchReply::Anonymous {
            return json!({"failure": failure, "user": null}).to_string();
        }
        let login_ids: Vec<&Value> = user.get("loginId").into_iter().collect();
        json!({"failure": failure, "user": {"loginIds": login_ids}}).to_string()
    }

    /// The answer to a batch, as the switch has it.
    pub(super) fn batch_answer(
        &self,
        done_key: &str,
        done: &[String],
        failed: &[String],
    ) -> Answer {
        let (told_done, told_failed) = match self.switches.batch_reply {
            BatchReply::Full | BatchReply::Anonymous => (done, failed),
            BatchReply::Silent => (done, &[][..]),
            BatchReply::Empty => (&[][..], &[][..]),
        };
        let body = format!(
            "{{\"{done_key}\":[{}],\"failedUsers\":[{}],\"additionalErrors\":{{}}}}",
            told_done.join(","),
            told_failed.join(","),
        );
        Answer { body, applied: !done.is_empty(), invited: 0 }
    }
}
