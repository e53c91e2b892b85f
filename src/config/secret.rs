//! Passwords, written in the configuration or kept in a file of their own.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A password, or where it is kept. `Debug` shows neither the password nor its length.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Written in the configuration (`password`).
    Text(String),
    /// The first line of this file (`password_file`), relative to the working directory.
    File(PathBuf),
}

/// Why a secret's file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Nothing is on the file's first line.
    #[error("{}: empty", path.display())]
    Empty { path: PathBuf },
}

impl Secret {
    /// The password itself. `read` reads a file as text; this room opens none.
    pub fn reveal(&self, read: impl FnOnce(&Path) -> io::Result<String>) -> Result<String, SecretError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                let text =
                    read(path).map_err(|source| SecretError::Unreadable { path: path.clone(), source })?;
                match text.lines().next() {
                    Some(line) if !line.is_empty() => Ok(line.to_owned()),
                    Some(_) | None => Err(SecretError::Empty { path: path.clone() }),
                }
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Secret(…)"),
            Self::File(path) => write!(f, "Secret(in {})", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug() {
        assert_eq!(format!("{:?}", Secret::Text("hunter2".into())), "Secret(…)");
        assert_eq!(format!("{:?}", Secret::File("/run/key".into())), "Secret(in /run/key)");
    }

    #[test]
    fn a_file_gives_its_first_line_and_an_empty_one_is_refused() {
        let secret = Secret::File("key".into());
        assert_eq!(secret.reveal(|_| Ok("s3 cret\r\nremark\n".into())).unwrap(), "s3 cret");
        let empty = secret.reveal(|_| Ok("\n".into())).unwrap_err();
        assert_eq!(empty.to_string(), "key: empty");
        let missing = secret.reveal(|_| Err(io::ErrorKind::NotFound.into())).unwrap_err();
        assert_eq!(missing.to_string(), "key: entity not found");
        assert_eq!(Secret::Text("x".into()).reveal(|_| unreachable!("no file")).unwrap(), "x");
    }
}
