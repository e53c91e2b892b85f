//! Users, their sessions and their tokens. Passwords come and go as argon2id hashes, secrets of cookies
//! and tokens as SHA-256: this room never sees what would let somebody in.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::{edit::Editor, error::StoreError, group::utc, reader::Reader, rows::Cells};
use crate::desk::people::{Right, Role};

/// SHA-256 of a cookie's or token's secret.
pub type SecretHash = [u8; 32];

/// Somebody who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// The desk phone that rings for their calls out.
    pub phone: Option<String>,
    /// argon2id in the PHC form.
    pub password: String,
    pub totp: Totp,
    /// May not sign in at present.
    pub locked: bool,
    pub created: DateTime<Utc>,
}

/// Shows neither hash nor secret.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// One-time codes beside the password (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub enum Totp {
    Off,
    /// A secret was handed out; no code has confirmed yet that somebody has it.
    Offered(Vec<u8>),
    /// A code is asked for. Only steps after `last_step` are good: a code counts once.
    Active {
        secret: Vec<u8>,
        last_step: u64,
    },
}

/// Never shows the secret.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::Offered(_) => "Offered(…)",
            Self::Active { .. } => "Active(…)",
        })
    }
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: User,
    pub begun: DateTime<Utc>,
    /// The last time it was used, to the minute.
    pub seen: DateTime<Utc>,
    /// Where it was begun from.
    pub address: String,
}

/// What a program shows instead of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub key: i64,
    /// What it is for, in its owner's words.
    pub name: String,
    pub user: String,
    pub scopes: BTreeSet<Right>,
    pub created: DateTime<Utc>,
    pub expires: Option<DateTime<Utc>>,
}

/// What an administrator changes of a user; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    /// `Some(None)` takes the phone away.
    pub phone: Option<Option<String>>,
    /// A new hash; ends every session.
    pub password: Option<String>,
    /// Locking ends every session.
    pub locked: Option<bool>,
    /// Takes one-time codes away from somebody who lost theirs.
    pub totp_off: bool,
}

/// What became of a change of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// There is no such user.
    NoSuchUser,
    /// It would leave nobody who may administer.
    LastAdministrator,
}

fn user(row: &SqliteRow) -> Result<User, StoreError> {
    let name: String = Cells { row, table: "user", of: "?".into() }.get("name")?;
    let cells = Cells { row, table: "user", of: name.clone() };
    let secret: Option<Vec<u8>> = cells.get("totp_secret")?;
    let totp = match (secret, cells.get::<bool>("totp_active")?) {
        (None, _) => Totp::Off,
        (Some(secret), false) => Totp::Offered(secret),
        (Some(secret), true) => Totp::Active { secret, last_step: cells.number("totp_step")? },
    };
    Ok(User {
        role: cells.get::<&str>("role")?.parse().map_err(|_| cells.bad("role"))?,
        phone: cells.get("phone")?,
        password: cells.get("password")?,
        totp,
        locked: cells.get("locked")?,
        created: cells.utc("created_utc")?,
        name,
    })
}

fn token(row: &SqliteRow) -> Result<Token, StoreError> {
    let cells = Cells { row, table: "token", of: "?".into() };
    let scopes = cells.get::<&str>("scopes")?.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    Ok(Token {
        key: cells.get("key")?,
        name: cells.get("label")?,
        user: cells.get("owner")?,
        scopes: scopes.map_err(|_| cells.bad("scopes"))?,
        created: cells.utc("made_utc")?,
        expires: cells.time_or_null("expires_utc")?.map(|at| at.to_utc()),
    })
}

/// A token's columns beside those of its user.
const TOKEN_COLUMNS: &str = "t.key, t.name AS label, t.user AS owner, t.scopes, t.created_utc AS made_utc, \
     t.expires_utc";

impl Reader {
    /// All users by name.
    ///
    /// # Errors
    /// The database cannot be read, or holds a row that this program never writes.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query("SELECT * FROM user ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(user).collect()
    }

    /// One user.
    ///
    /// # Errors
    /// As [`Reader::users`].
    pub async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT * FROM user WHERE name = ?")
            .bind(name.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// The session with that secret, whether or not it is still good.
    ///
    /// # Errors
    /// As [`Reader::users`].
    pub async fn session(&self, hash: SecretHash) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "SELECT u.*, s.begun_utc, s.seen_utc, s.address FROM session s JOIN user u ON u.name = s.user \
             WHERE s.hash = ?",
        )
        .bind(hash.to_vec())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let user = user(&row)?;
            let cells = Cells { row: &row, table: "session", of: user.name.clone() };
            Ok(Session {
                begun: cells.utc("begun_utc")?,
                seen: cells.utc("seen_utc")?,
                address: cells.get("address")?,
                user,
            })
        })
        .transpose()
    }

    /// The token with that secret and its owner, whether or not it is still good.
    ///
    /// # Errors
    /// As [`Reader::users`].
    pub async fn token(&self, hash: SecretHash) -> Result<Option<(Token, User)>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT u.*, {TOKEN_COLUMNS} FROM token t JOIN user u ON u.name = t.user WHERE t.hash = ?"
        )))
        .bind(hash.to_vec())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((token(&row)?, user(&row)?))).transpose()
    }

    /// All tokens, or one user's, oldest first.
    ///
    /// # Errors
    /// As [`Reader::users`].
    pub async fn tokens(&self, of: Option<&str>) -> Result<Vec<Token>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {TOKEN_COLUMNS} FROM token t WHERE ?1 IS NULL OR t.user = ?1 ORDER BY t.key"
        )))
        .bind(of.map(str::to_owned))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(token).collect()
    }
}

impl Editor {
    /// Adds a user. `false`: the name is taken.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed. So of all methods here.
    pub async fn add_user(&self, user: User) -> Result<bool, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO user (name, role, phone, password, locked, created_utc) \
                     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )
                .bind(user.name)
                .bind(user.role.word())
                .bind(user.phone)
                .bind(user.password)
                .bind(user.locked)
                .bind(utc(user.created))
                .execute(connection)
                .await?;
                Ok(added.rows_affected() > 0)
            })
        })
        .await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn change_user(&self, name: String, change: UserChange) -> Result<Changed, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let loses_rights = change.role.is_some_and(|role| !role.may(Right::Administer))
                    || change.locked == Some(true);
                if loses_rights && is_last_administrator(connection, &name).await? {
                    return Ok(Changed::LastAdministrator);
                }
                let ends_sessions = change.password.is_some() || change.locked == Some(true);
                let changed = sqlx::query(
                    "UPDATE user SET role = ifnull(?2, role), phone = CASE WHEN ?3 THEN ?4 ELSE phone END, \
                     password = ifnull(?5, password), locked = ifnull(?6, locked), \
                     totp_secret = CASE WHEN ?7 THEN NULL ELSE totp_secret END, \
                     totp_active = CASE WHEN ?7 THEN 0 ELSE totp_active END WHERE name = ?1",
                )
                .bind(name.clone())
                .bind(change.role.map(Role::word))
                .bind(change.phone.is_some())
                .bind(change.phone.flatten())
                .bind(change.password)
                .bind(change.locked)
                .bind(change.totp_off)
                .execute(&mut *connection)
                .await?;
                if ends_sessions {
                    sqlx::query("DELETE FROM session WHERE user = ?").bind(name).execute(connection).await?;
                }
                Ok(if changed.rows_affected() > 0 { Changed::Done } else { Changed::NoSuchUser })
            })
        })
        .await
    }

    /// Removes a user with sessions and tokens. What they did stays on record under their name.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn remove_user(&self, name: String) -> Result<Changed, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                if is_last_administrator(connection, &name).await? {
                    return Ok(Changed::LastAdministrator);
                }
                let gone =
                    sqlx::query("DELETE FROM user WHERE name = ?").bind(name).execute(connection).await?;
                Ok(if gone.rows_affected() > 0 { Changed::Done } else { Changed::NoSuchUser })
            })
        })
        .await
    }

    /// Hands a user a new secret for one-time codes, not asked for until [`Editor::take_code`].
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn offer_totp(&self, name: String, secret: Vec<u8>) -> Result<(), StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                sqlx::query("UPDATE user SET totp_secret = ?, totp_active = 0, totp_step = 0 WHERE name = ?")
                    .bind(secret)
                    .bind(name)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes that the code of that time step was shown; from then on codes are asked for. `false`: that
    /// step, or a later one, was taken before, so the code is a repetition.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn take_code(&self, name: String, step: u64) -> Result<bool, StoreError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.edit(move |connection| {
            Box::pin(async move {
                let taken = sqlx::query(
                    "UPDATE user SET totp_active = 1, totp_step = ?1 \
                     WHERE name = ?2 AND totp_secret IS NOT NULL AND totp_step < ?1",
                )
                .bind(step)
                .bind(name)
                .execute(connection)
                .await?;
                Ok(taken.rows_affected() > 0)
            })
        })
        .await
    }

    /// Begins a session, and forgets those last used before `stale`.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn begin_session(
        &self,
        hash: SecretHash,
        user: String,
        at: DateTime<Utc>,
        address: String,
        stale: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM session WHERE seen_utc < ?")
                    .bind(utc(stale))
                    .execute(&mut *connection)
                    .await?;
                sqlx::query(
                    "INSERT INTO session (hash, user, begun_utc, seen_utc, address) VALUES (?, ?, ?3, ?3, ?4)",
                )
                .bind(hash.to_vec())
                .bind(user)
                .bind(utc(at))
                .bind(address)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes that the session was used.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn touch_session(&self, hash: SecretHash, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                sqlx::query("UPDATE session SET seen_utc = ? WHERE hash = ?")
                    .bind(utc(at))
                    .bind(hash.to_vec())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn end_session(&self, hash: SecretHash) -> Result<(), StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM session WHERE hash = ?")
                    .bind(hash.to_vec())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Adds a token; its key.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn add_token(
        &self,
        hash: SecretHash,
        user: String,
        name: String,
        scopes: BTreeSet<Right>,
        created: DateTime<Utc>,
        expires: Option<DateTime<Utc>>,
    ) -> Result<i64, StoreError> {
        let words = scopes.into_iter().map(Right::word).collect::<Vec<_>>().join(" ");
        self.edit(move |connection| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO token (name, user, hash, scopes, created_utc, expires_utc) \
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(name)
                .bind(user)
                .bind(hash.to_vec())
                .bind(words)
                .bind(utc(created))
                .bind(expires.map(utc))
                .execute(connection)
                .await?;
                Ok(added.last_insert_rowid())
            })
        })
        .await
    }

    /// Takes a token back; one of that user only, where one is named. `false`: there is no such token.
    ///
    /// # Errors
    /// The database did not take it; nothing was changed.
    pub async fn remove_token(&self, key: i64, of: Option<String>) -> Result<bool, StoreError> {
        self.edit(move |connection| {
            Box::pin(async move {
                let gone = sqlx::query("DELETE FROM token WHERE key = ?1 AND (?2 IS NULL OR user = ?2)")
                    .bind(key)
                    .bind(of)
                    .execute(connection)
                    .await?;
                Ok(gone.rows_affected() > 0)
            })
        })
        .await
    }
}

/// Whether nobody else could administer any more.
async fn is_last_administrator(
    connection: &mut sqlx::SqliteConnection,
    name: &str,
) -> Result<bool, StoreError> {
    let administrator = Role::Administrator.word();
    let others: i64 =
        sqlx::query_scalar("SELECT count(*) FROM user WHERE role = ? AND locked = 0 AND name <> ?")
            .bind(administrator)
            .bind(name.to_owned())
            .fetch_one(&mut *connection)
            .await?;
    let is_one: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM user WHERE role = ? AND locked = 0 AND name = ?")
            .bind(administrator)
            .bind(name.to_owned())
            .fetch_optional(connection)
            .await?;
    Ok(others == 0 && is_one.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::utc_at;

    async fn bench() -> (tempfile::TempDir, Editor, Reader) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hotlined.db");
        let editor = Editor::open(&path).await.unwrap();
        let reader = Reader::open(&path).await.unwrap();
        (folder, editor, reader)
    }

    fn somebody(name: &str, role: Role) -> User {
        User {
            name: name.into(),
            role,
            phone: Some("801".into()),
            password: "$argon2id$x".into(),
            totp: Totp::Off,
            locked: false,
            created: utc_at("16:00:00.000"),
        }
    }

    #[tokio::test]
    async fn a_user_reads_back_and_a_name_is_given_once() {
        let (_folder, editor, reader) = bench().await;
        let user = somebody("王芳", Role::Operator);
        assert!(editor.add_user(user.clone()).await.unwrap());
        assert!(!editor.add_user(somebody("王芳", Role::Administrator)).await.unwrap());
        assert_eq!(reader.user("王芳").await.unwrap(), Some(user));
        assert_eq!(reader.user("nobody").await.unwrap(), None);
        assert!(!format!("{:?}", reader.users().await.unwrap()).contains("argon2id"));
    }

    #[tokio::test]
    async fn the_last_who_may_administer_can_be_neither_lowered_locked_nor_removed() {
        let (_folder, editor, _reader) = bench().await;
        editor.add_user(somebody("root", Role::Administrator)).await.unwrap();
        let lower = UserChange { role: Some(Role::Manager), ..UserChange::default() };
        let lock = UserChange { locked: Some(true), ..UserChange::default() };
        for change in [&lower, &lock] {
            let said = editor.change_user("root".into(), change.clone()).await.unwrap();
            assert_eq!(said, Changed::LastAdministrator, "{change:?}");
        }
        assert_eq!(editor.remove_user("root".into()).await.unwrap(), Changed::LastAdministrator);
        editor.add_user(somebody("second", Role::Administrator)).await.unwrap();
        assert_eq!(editor.change_user("root".into(), lower).await.unwrap(), Changed::Done);
        assert_eq!(editor.remove_user("root".into()).await.unwrap(), Changed::Done);
        assert_eq!(editor.remove_user("root".into()).await.unwrap(), Changed::NoSuchUser);
    }

    #[tokio::test]
    async fn a_new_password_and_a_lock_end_every_session_and_removal_takes_tokens_along() {
        let (_folder, editor, reader) = bench().await;
        let at = utc_at("16:15:00.000");
        editor.add_user(somebody("root", Role::Administrator)).await.unwrap();
        editor.add_user(somebody("li", Role::Supervisor)).await.unwrap();
        let begin = async |hash: u8| {
            editor.begin_session([hash; 32], "li".into(), at, "127.0.0.1".into(), at).await.unwrap();
            assert_eq!(reader.session([hash; 32]).await.unwrap().unwrap().user.name, "li");
        };
        begin(1).await;
        let password = UserChange { password: Some("$new".into()), ..UserChange::default() };
        editor.change_user("li".into(), password).await.unwrap();
        assert_eq!(reader.session([1; 32]).await.unwrap(), None);
        begin(2).await;
        editor
            .change_user("li".into(), UserChange { locked: Some(true), ..UserChange::default() })
            .await
            .unwrap();
        assert_eq!(reader.session([2; 32]).await.unwrap(), None);
        let scopes = BTreeSet::from([Right::Look, Right::Figures]);
        let key =
            editor.add_token([9; 32], "li".into(), "wall".into(), scopes.clone(), at, None).await.unwrap();
        let (token, owner) = reader.token([9; 32]).await.unwrap().unwrap();
        assert_eq!((token.key, token.scopes, owner.name.as_str()), (key, scopes, "li"));
        assert!(!editor.remove_token(key, Some("root".into())).await.unwrap(), "another's token");
        editor.remove_user("li".into()).await.unwrap();
        assert_eq!(reader.token([9; 32]).await.unwrap(), None);
        assert_eq!(reader.tokens(None).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_code_counts_once() {
        let (_folder, editor, reader) = bench().await;
        editor.add_user(somebody("li", Role::Supervisor)).await.unwrap();
        assert!(!editor.take_code("li".into(), 7).await.unwrap(), "there is no secret");
        editor.offer_totp("li".into(), vec![1; 20]).await.unwrap();
        assert_eq!(reader.user("li").await.unwrap().unwrap().totp, Totp::Offered(vec![1; 20]));
        assert!(editor.take_code("li".into(), 7).await.unwrap());
        assert!(!editor.take_code("li".into(), 7).await.unwrap());
        assert!(!editor.take_code("li".into(), 6).await.unwrap());
        assert!(editor.take_code("li".into(), 8).await.unwrap());
        let active = Totp::Active { secret: vec![1; 20], last_step: 8 };
        assert_eq!(reader.user("li").await.unwrap().unwrap().totp, active);
    }

    #[tokio::test]
    async fn sessions_that_nobody_uses_are_forgotten() {
        let (_folder, editor, reader) = bench().await;
        editor.add_user(somebody("li", Role::Supervisor)).await.unwrap();
        let (early, late) = (utc_at("10:00:00.000"), utc_at("18:00:00.000"));
        editor.begin_session([1; 32], "li".into(), early, "::1".into(), early).await.unwrap();
        editor.begin_session([2; 32], "li".into(), early, "::1".into(), early).await.unwrap();
        editor.touch_session([2; 32], late).await.unwrap();
        editor.begin_session([3; 32], "li".into(), late, "::1".into(), utc_at("12:00:00.000")).await.unwrap();
        assert_eq!(reader.session([1; 32]).await.unwrap(), None);
        assert!(reader.session([2; 32]).await.unwrap().is_some());
        editor.end_session([3; 32]).await.unwrap();
        assert_eq!(reader.session([3; 32]).await.unwrap(), None);
    }
}
