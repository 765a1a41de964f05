//! Users come (API reference, 3.5).

use serde_json::Value;

use super::desk::{Answer, Desk};
use super::effects::Change;
use super::fields::Fields;
use super::fill::fill;
use super::hashes;
use super::problem::Problem;
use super::project::Project;
use super::switches::Switches;
use super::users::User;
use crate::catalog::is_user_id;

/// Which messages go out to new users. Whether the project has mail and SMS set up is not
/// imitated: it has.
#[derive(Clone, Copy, Debug, Default)]
struct Invitation {
    mail: bool,
    sms: bool,
}

impl Invitation {
    /// Those of a body: none without `invite`, and then all that are not refused.
    fn read(fields: &Fields) -> Result<Self, Problem> {
        let invites = fields.flag("invite")? == Some(true);
        Ok(Self {
            mail: invites && fields.flag("sendMail")? != Some(false),
            sms: invites && fields.flag("sendSMS")? != Some(false),
        })
    }

    /// Whether a user gets one.
    fn reaches(self, user: Option<&User>) -> bool {
        user.is_some_and(|user| {
            (self.mail && user.email.is_some()) || (self.sms && !user.phone.is_empty())
        })
    }
}

pub(super) fn create(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    create_one(desk, fields, false)
}

pub(super) fn create_test(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    create_one(desk, fields, true)
}

fn create_one(desk: &mut Desk<'_>, fields: &Fields, test: bool) -> Result<Answer, Problem> {
    let invitation = Invitation::read(fields)?;
    let again = invited_again(desk, fields)?;
    let number = match again {
        Some(number) => number,
        None => {
            let mut user = new_user(fields, desk.switches, &desk.store.project())?;
            user.test |= test;
            desk.store.create(user, desk.moment)?
        }
    };
    let (user, created) = (desk.show(number), again.is_none());
    let invited = usize::from(invitation.reaches(desk.store.get(number)));
    let body = format!("{{\"user\":{user},\"created\":{created}}}");
    Ok(Answer { body, applied: created, invited })
}

/// The user that an invitation by user ID is for, who is there already: nobody is created then
/// (a comment in the Node SDK).
fn invited_again(desk: &Desk<'_>, fields: &Fields) -> Result<Option<u32>, Problem> {
    let name = fields.required("loginId")?;
    let invites = fields.flag("invite")? == Some(true);
    Ok(desk.store.by_user_id(name).filter(|_| invites && is_user_id(name)))
}

/// Answers 200 even when users failed. A second user of the same login ID fails like one who was
/// there before.
pub(super) fn create_batch(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let invitation = Invitation::read(fields)?;
    let (mut done, mut failed, mut invited) = (Vec::new(), Vec::new(), 0);
    for user in desk.batch(fields, "users")? {
        match create_in_batch(desk, user) {
            Ok(number) => {
                invited += usize::from(invitation.reaches(desk.store.get(number)));
                done.push(desk.show(number));
            }
            Err(problem) => failed.push(desk.failure(&problem, user)),
        }
    }
    let answer = desk.batch_answer("createdUsers", &done, &failed);
    Ok(Answer { invited, ..answer })
}

/// A user of a batch may have the seed of a TOTP device and a time of creation besides.
fn create_in_batch(desk: &mut Desk<'_>, user: &Value) -> Result<u32, Problem> {
    let fields = Fields::from_value(user.clone())?;
    let mut user = new_user(&fields, desk.switches, &desk.store.project())?;
    if fields.text("seed")?.is_some_and(|seed| !seed.is_empty()) {
        user.credentials_mut().totp = true;
    }
    if let Some(seconds) = fields.integer("createdTime")? {
        user.created = u32::try_from(seconds)
            .map_err(|_| Problem::invalid(format!("createdTime: {seconds} is no time")))?;
    }
    desk.store.create(user, desk.moment)
}

/// The user that a create asks for: `invited` unless it says otherwise, and with the e-mail
/// address that its login ID may be, verified unless it says otherwise.
pub(super) fn new_user(
    fields: &Fields,
    switches: &Switches,
    project: &Project,
) -> Result<User, Problem> {
    let named = fields.required("loginId")?;
    let mut user = User::named(named);
    let shaped = user.email.clone();
    fill(&mut user, &Change { named, fields, switches, project, seconds: 0 }, false)?;
    if let (None, Some(email)) = (&user.email, shaped) {
        user.set_email(&email);
        user.verified_email = fields.flag("verifiedEmail")?.unwrap_or(true);
    }
    user.password = fields.text("password")?.is_some_and(|password| !password.is_empty());
    if let Some(hashed) = fields.object("hashedPassword")? {
        hashes::check(hashed)?;
        user.password = true;
    }
    Ok(user)
}
