//! Signing in and out, and what a person changes about themselves.

use axum::{
    Extension, Json,
    extract::{FromRequest, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    guard::{self, COOKIE, Way, Who},
    password,
    problem::{Problem, Refusals},
    take::Body,
};
use crate::{
    desk::{access::Deed, people::Right},
    store::people::{Totp, User, UserChange},
};

/// Open to everybody: it is how one gets in.
pub(super) fn open() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(sign_in))
}

/// What everybody may who is signed in.
pub(super) fn own() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(me))
        .routes(routes!(sign_out))
        .routes(routes!(set_password))
        .routes(routes!(offer_codes, confirm_codes, end_codes))
}

/// Name and password, and a code where the user has one-time codes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: String,
    password: String,
    code: Option<String>,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct Me {
    name: String,
    /// `operator`, `supervisor`, `manager` or `administrator`.
    role: &'static str,
    /// What this session or token may do: `look`, `work`, `listen`, `figures`, `oversee`, `administer`.
    rights: Vec<&'static str>,
    /// The desk phone that rings for calls out.
    phone: Option<String>,
    /// Whether a one-time code is asked for at sign-in.
    codes: bool,
    /// `session` or `token`.
    by: &'static str,
}

impl Me {
    fn of(user: &User, rights: impl IntoIterator<Item = Right>, by: &'static str) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role.word(),
            rights: rights.into_iter().map(Right::word).collect(),
            phone: user.phone.clone(),
            codes: matches!(user.totp, Totp::Active { .. }),
            by,
        }
    }
}

/// Sign in
///
/// Sets the cookie of a session. Failures are limited for each address and each name.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Me, description = "signed in; the cookie is set"), Refusals))]
async fn sign_in(State(site): State<Site>, request: Request) -> Result<Response, Problem> {
    let address = guard::address(request.extensions())?;
    // Else a foreign page could sign somebody in as somebody else. A program without Origin has no cookie
    // that could be misused.
    if request.headers().contains_key(header::ORIGIN) {
        guard::same_origin(request.headers())?;
    }
    let Body(wanted) = Body::<SignIn>::from_request(request, &()).await?;
    let who = [format!("address {}", address.ip()), format!("user {}", wanted.name)];
    if let Some(seconds) = site.inner.throttle.wait(&who, site.now()) {
        return Err(Problem::too_many(seconds));
    }
    let user = match check(&site, &wanted).await {
        Ok(user) => user,
        Err(problem) => {
            // A missing code is no failure: the password was right, and it is asked for now.
            if problem != Problem::code_needed() {
                site.inner.throttle.failed(&who, site.now());
                tracing::warn!(peer = %address, "sign-in failed");
                site.log(
                    wanted.name.clone(),
                    Deed::SignedIn,
                    None,
                    format!("refused, from {}", address.ip()),
                )
                .await?;
            }
            return Err(problem);
        }
    };
    site.inner.throttle.passed(&who);
    let secret = guard::secret(&site.chance()?);
    let now = site.now();
    let idle = TimeDelta::from_std(site.inner.settings.session_idle).unwrap_or(TimeDelta::MAX);
    let stale = now.checked_sub_signed(idle).unwrap_or(now);
    let hash = guard::hash(&secret);
    site.inner.editor.begin_session(hash, user.name.clone(), now, address.ip().to_string(), stale).await?;
    site.log(user.name.clone(), Deed::SignedIn, None, format!("from {}", address.ip())).await?;
    tracing::info!(user = user.name, peer = %address, "signed in");
    let longest = site.inner.settings.session_longest.as_secs();
    let secure = if site.inner.settings.secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={longest}{secure}");
    let me = Me::of(&user, user.role.rights(), "session");
    Ok(([(header::SET_COOKIE, cookie)], Json(me)).into_response())
}

async fn check(site: &Site, wanted: &SignIn) -> Result<User, Problem> {
    let user = site.inner.books.reader().await?.user(&wanted.name).await?;
    let (password, kept) = (wanted.password.clone(), user.as_ref().map(|user| user.password.clone()));
    let right = hashing(site, move || password::is_right(&password, kept.as_deref())).await?;
    let Some(user) = user.filter(|user| right && !user.locked) else {
        return Err(Problem::wrong_credentials());
    };
    if let Totp::Active { secret, .. } = &user.totp {
        let Some(code) = &wanted.code else { return Err(Problem::code_needed()) };
        take_code(site, &user.name, secret, code).await?;
    }
    Ok(user)
}

/// A code that is right, and was not shown before.
async fn take_code(site: &Site, user: &str, secret: &[u8], code: &str) -> Result<(), Problem> {
    let seconds = u64::try_from(site.now().timestamp()).unwrap_or(0);
    let step = password::step_of(code.trim(), secret, seconds).ok_or_else(Problem::wrong_credentials)?;
    if site.inner.editor.take_code(user.to_owned(), step).await? {
        Ok(())
    } else {
        Err(Problem::wrong_credentials())
    }
}

/// Runs the work of a password beside the thread that answers, one at a time.
pub(super) async fn hashing<T: Send + 'static>(
    site: &Site,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let Ok(_turn) = site.inner.hashing.acquire().await else { return Err(Problem::fault()) };
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::fault())
}

/// Who is signed in
#[utoipa::path(get, path = "/me", tag = "session", responses((status = 200, body = Me), Refusals))]
async fn me(Extension(who): Extension<Who>) -> Json<Me> {
    let by = match who.way {
        Way::Session(_) => "session",
        Way::Token(_) => "token",
    };
    Json(Me::of(&who.user, who.rights.iter().copied(), by))
}

/// Sign out
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204, description = "signed out; the cookie is gone"), Refusals))]
async fn sign_out(State(site): State<Site>, Extension(who): Extension<Who>) -> Result<Response, Problem> {
    site.inner.editor.end_session(who.session()?).await?;
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old: String,
    /// At least 10 characters.
    new: String,
}

/// Change the own password
///
/// Ends every session of the user, this one included.
#[utoipa::path(put, path = "/me/password", tag = "session", request_body = NewPassword,
    responses((status = 204, description = "changed; sign in again"), Refusals))]
async fn set_password(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(wanted): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    who.session()?;
    prove(&site, &who, wanted.old).await?;
    let change =
        UserChange { password: Some(hashed(&site, &who.user.name, wanted.new).await?), ..Default::default() };
    site.inner.editor.change_user(who.user.name.clone(), change).await?;
    tracing::info!(user = who.user.name, "password changed");
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for the password again, under the same limits as a sign-in.
async fn prove(site: &Site, who: &Who, password: String) -> Result<(), Problem> {
    let names = [format!("address {}", who.address.ip()), format!("user {}", who.user.name)];
    if let Some(seconds) = site.inner.throttle.wait(&names, site.now()) {
        return Err(Problem::too_many(seconds));
    }
    let kept = who.user.password.clone();
    if hashing(site, move || password::is_right(&password, Some(&kept))).await? {
        return Ok(());
    }
    site.inner.throttle.failed(&names, site.now());
    Err(Problem::forbidden("the password is wrong"))
}

/// The hash of a new password.
pub(super) async fn hashed(site: &Site, name: &str, password: String) -> Result<String, Problem> {
    let (name, salt) = (name.to_owned(), site.chance()?);
    hashing(site, move || password::hash(&name, &password, &salt))
        .await?
        .map_err(|unfit| Problem::unprocessable(unfit.to_string()))
}

/// The password once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    password: String,
}

/// A new secret for one-time codes.
#[derive(Serialize, ToSchema)]
struct Codes {
    /// `otpauth://totp/…`, for the app to scan.
    address: String,
    /// The same secret in Base32, to type.
    secret: String,
}

/// Ask for one-time codes
///
/// A secret for an app (RFC 6238, SHA-1, 6 digits, 30 s). Codes are asked for from the moment that one has
/// been confirmed by `PUT`.
#[utoipa::path(post, path = "/me/codes", tag = "session", request_body = Proof,
    responses((status = 200, body = Codes), Refusals))]
async fn offer_codes(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(proof): Body<Proof>,
) -> Result<Json<Codes>, Problem> {
    who.session()?;
    prove(&site, &who, proof.password).await?;
    // 160 bits, as RFC 4226 §4 recommends.
    let secret = site.chance()?.iter().copied().take(20).collect::<Vec<u8>>();
    let address = password::totp_address(&who.user.name, &secret);
    let words = data_encoding::BASE32_NOPAD.encode(&secret);
    site.inner.editor.offer_totp(who.user.name.clone(), secret).await?;
    Ok(Json(Codes { address, secret: words }))
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

/// Confirm one-time codes
#[utoipa::path(put, path = "/me/codes", tag = "session", request_body = Code,
    responses((status = 204, description = "codes are asked for from now on"), Refusals))]
async fn confirm_codes(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(shown): Body<Code>,
) -> Result<StatusCode, Problem> {
    who.session()?;
    let (Totp::Offered(secret) | Totp::Active { secret, .. }) = &who.user.totp else {
        return Err(Problem::conflict("there is no secret yet: ask for one by POST"));
    };
    let wrong = |_| Problem::forbidden("the code is wrong, or was used; is the phone's clock right?");
    take_code(&site, &who.user.name, secret, &shown.code).await.map_err(wrong)?;
    tracing::info!(user = who.user.name, "one-time codes are on");
    Ok(StatusCode::NO_CONTENT)
}

/// End one-time codes
#[utoipa::path(delete, path = "/me/codes", tag = "session", request_body = Proof,
    responses((status = 204, description = "no code is asked for any more"), Refusals))]
async fn end_codes(
    State(site): State<Site>,
    Extension(who): Extension<Who>,
    Body(proof): Body<Proof>,
) -> Result<StatusCode, Problem> {
    who.session()?;
    prove(&site, &who, proof.password).await?;
    let change = UserChange { totp_off: true, ..UserChange::default() };
    site.inner.editor.change_user(who.user.name.clone(), change).await?;
    tracing::info!(user = who.user.name, "one-time codes are off");
    Ok(StatusCode::NO_CONTENT)
}
