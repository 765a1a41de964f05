//! The errors that the simulator answers with, in the documented body (API reference, section 7).
//!
//! Statuses and codes that the reference does not know are our choice, stated at each constructor.

use serde_json::json;

/// An error answer: a status and the documented body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The HTTP status.
    pub(super) status: u16,
    /// `errorCode`, `E` and six digits.
    pub(super) code: &'static str,
    description: &'static str,
    message: String,
}

impl Problem {
    fn new(status: u16, code: &'static str, description: &'static str, message: String) -> Self {
        Self { status, code, description, message }
    }

    /// A body that is no JSON object, or a field of the wrong type.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "E011001", "Request is malformed", message.into())
    }

    /// A field that must be there is not.
    pub(super) fn missing(field: &str) -> Self {
        let message = format!("The {field} argument is required");
        Self::new(400, "E011002", "Request is missing required arguments", message)
    }

    /// A value that does not do.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "E011003", "Request failed validation", message.into())
    }

    /// No or wrong credentials. The code is our choice.
    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "E011003", "Request failed validation", message.into())
    }

    /// No such user. The status of writes is an open question, so it is an argument.
    pub(super) fn user_not_found(status: u16) -> Self {
        Self::new(status, "E112102", "User not found", "Cannot find the user".into())
    }

    /// Creating a user that is there. The status is our choice.
    pub(super) fn user_exists() -> Self {
        Self::new(
            400,
            "E062107",
            "User already exists",
            "A user with this login ID already exists".into(),
        )
    }

    /// A list that a project does not have which declares nothing: our choice.
    pub(super) fn nothing_declared(what: &str) -> Self {
        Self::new(404, "E111104", "Nothing declared", format!("The project declares no {what}"))
    }

    /// A role that the project does not have. The code is one that a third party's tests attest
    /// (API reference, 7.2); the status is our choice.
    pub(super) fn unknown_role(role: &str) -> Self {
        Self::new(400, "E111403", "Role not found", format!("The role {role} does not exist"))
    }

    /// A tenant that the project does not have; code and status as with roles.
    pub(super) fn unknown_tenant(tenant: &str) -> Self {
        let message = format!("The tenant {tenant} does not exist");
        Self::new(400, "E111102", "Tenant not found", message)
    }

    /// Loading a tenant that is not there. The code is attested, the status is our choice.
    pub(super) fn tenant_not_loaded() -> Self {
        let message = "Cannot find the tenant".into();
        Self::new(404, "E111104", "Failed to load tenants", message)
    }

    /// Creating a tenant that is there. The code is attested, the status is our choice.
    pub(super) fn tenant_exists() -> Self {
        let message = "A tenant with this ID or name exists".into();
        Self::new(400, "E073307", "Tenant already exists", message)
    }

    /// Creating a role that is there. The code is attested, the status is our choice.
    pub(super) fn role_exists() -> Self {
        Self::new(400, "E024209", "Role already exists", "A role with this name exists".into())
    }

    /// Creating a custom attribute that is there. The code is attested, the status is our choice.
    pub(super) fn attribute_exists(name: &str) -> Self {
        let message = format!("There is a custom attribute {name} already");
        Self::new(400, "E016002", "Custom attribute already exists", message)
    }

    /// A value that belongs to another user.
    pub(super) fn conflict(what: &str) -> Self {
        let message = format!("The {what} belongs to another user");
        Self::new(409, "E111127", "Value is in use by another user", message)
    }

    /// Too many requests.
    pub(super) fn rate_limited() -> Self {
        Self::new(
            429,
            "E130429",
            "https://docs.descope.com/rate-limit",
            "API rate limit exceeded.".into(),
        )
    }

    /// A status made to order by a fault.
    pub(super) fn fault(status: u16) -> Self {
        if status == 429 {
            return Self::rate_limited();
        }
        Self::new(
            status,
            "E010000",
            "Simulated fault",
            format!("The simulator was set to answer {status}"),
        )
    }

    /// The body: `errorCode`, `errorDescription`, `errorMessage`, and `message`, which repeats it.
    pub(super) fn body(&self) -> String {
        json!({
            "errorCode": self.code,
            "errorDescription": self.description,
            "errorMessage": self.message,
            "message": self.message,
        })
        .to_string()
    }

    /// The detail, as batch answers give it in `failure`.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}
