//! Users, for administrators.

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::Who,
    problem::{Problem, Refusals},
    session::hashed,
    take::{Body, Named},
    utc,
};
use crate::{
    console::json::Time,
    desk::people::{Role, is_user_name},
    store::people::{self, Changed, Totp, UserChange},
};

pub(super) fn administer() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(users, add_user)).routes(routes!(change_user, remove_user))
}

/// Somebody who may sign in.
#[derive(Serialize, ToSchema)]
struct User {
    name: String,
    /// `operator`, `supervisor`, `manager` or `administrator`.
    role: &'static str,
    /// The desk phone that rings for their calls out.
    phone: Option<String>,
    /// Whether a one-time code is asked for at sign-in.
    codes: bool,
    /// May not sign in at present.
    locked: bool,
    created: Time,
}

impl From<people::User> for User {
    fn from(user: people::User) -> Self {
        Self {
            codes: matches!(user.totp, Totp::Active { .. }),
            name: user.name,
            role: user.role.word(),
            phone: user.phone,
            locked: user.locked,
            created: utc(user.created),
        }
    }
}

/// A user to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// Letters of any script, digits, `.`, `-`, `_`.
    name: String,
    role: String,
    phone: Option<String>,
    /// At least 10 characters.
    password: String,
}

/// What is to change; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedUser {
    role: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// A new one; ends the user's sessions.
    password: Option<String>,
    locked: Option<bool>,
    /// False: no one-time code is asked for any more, for who lost their phone.
    codes: Option<bool>,
}

/// A key that is there, also with null.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// All users
#[utoipa::path(get, path = "/users", tag = "users", responses((status = 200, body = Vec<User>), Refusals))]
async fn users(State(site): State<Site>) -> Result<Json<Vec<User>>, Problem> {
    let users = site.inner.books.reader().await?.users().await?;
    Ok(Json(users.into_iter().map(User::from).collect()))
}

/// Add a user
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser,
    responses((status = 201, body = User), Refusals))]
async fn add_user(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(wanted): Body<NewUser>,
) -> Result<(StatusCode, Json<User>), Problem> {
    if !is_user_name(&wanted.name) {
        return Err(Problem::unprocessable("name: 1 to 64 letters, digits, dots, dashes or underscores"));
    }
    let role = role(&wanted.role)?;
    let user = people::User {
        role,
        phone: phone(wanted.phone),
        password: hashed(&site, &wanted.name, wanted.password).await?,
        totp: Totp::Off,
        locked: false,
        created: site.now(),
        name: wanted.name,
    };
    if !site.inner.editor.add_user(user.clone()).await? {
        return Err(Problem::conflict(format!("there is a user {} already", user.name)));
    }
    tracing::info!(by = who.name(), user = user.name, role = role.word(), "user added");
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Change a user
#[utoipa::path(patch, path = "/users/{name}", tag = "users", params(("name" = String, Path)),
    request_body = ChangedUser, responses((status = 200, body = User), Refusals))]
async fn change_user(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    Body(wanted): Body<ChangedUser>,
) -> Result<Json<User>, Problem> {
    if wanted.codes == Some(true) {
        return Err(Problem::unprocessable("codes: only the user can switch them on, with their own phone"));
    }
    let password = match wanted.password {
        Some(password) => Some(hashed(&site, &name, password).await?),
        None => None,
    };
    let change = UserChange {
        role: wanted.role.as_deref().map(role).transpose()?,
        phone: wanted.phone.map(phone),
        password,
        locked: wanted.locked,
        totp_off: wanted.codes == Some(false),
    };
    done(site.inner.editor.change_user(name.clone(), change).await?, &name)?;
    tracing::info!(by = who.name(), user = name, "user changed");
    let user = site.inner.books.reader().await?.user(&name).await?;
    user.map(|user| Json(user.into())).ok_or_else(|| Problem::not_found(format!("there is no user {name}")))
}

/// Remove a user
///
/// Their sessions and tokens go with them; what they did stays on record under their name.
#[utoipa::path(delete, path = "/users/{name}", tag = "users", params(("name" = String, Path)),
    responses((status = 204, description = "removed"), Refusals))]
async fn remove_user(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    done(site.inner.editor.remove_user(name.clone()).await?, &name)?;
    tracing::info!(by = who.name(), user = name, "user removed");
    Ok(StatusCode::NO_CONTENT)
}

fn done(changed: Changed, name: &str) -> Result<(), Problem> {
    match changed {
        Changed::Done => Ok(()),
        Changed::NoSuchUser => Err(Problem::not_found(format!("there is no user {name}"))),
        Changed::LastAdministrator => {
            Err(Problem::conflict(format!("{name} is the last administrator: make another one first")))
        }
    }
}

fn role(word: &str) -> Result<Role, Problem> {
    word.parse().map_err(|error| Problem::unprocessable(format!("role: {error}")))
}

/// An empty text is no phone.
fn phone(phone: Option<String>) -> Option<String> {
    phone.map(|phone| phone.trim().to_owned()).filter(|phone| !phone.is_empty())
}
