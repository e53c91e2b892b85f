//! TLS for SIP (RFC 3261 §26.2, RFC 5922): our certificate for those who connect, read again at SIGHUP
//! while open connections stay, and how each trunk's server proves who it is. Handshakes and ciphers run on
//! a thread of their own, so that a flood of them delays no call.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::config::{settings::Tls, trunk::Verify};

/// Everything that the sockets must know of TLS.
#[derive(Debug, Default)]
pub(super) struct TlsSetup {
    /// What we show; `None` where no listener is TLS.
    pub(super) server: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// By trunk, those that are reached by TLS.
    pub(super) trunks: BTreeMap<String, TrunkTls>,
    /// Servers that are configured by address, with their trunk.
    pub(super) addresses: Vec<(SocketAddr, String)>,
}

/// How we connect to a trunk's server.
#[derive(Debug, Clone)]
pub(super) struct TrunkTls {
    pub(super) name: ServerName<'static>,
    pub(super) config: Arc<ClientConfig>,
}

/// Which key of the configuration is wrong, what it should be, and what was found.
#[derive(Debug)]
pub(super) struct Unfit {
    pub(super) key: &'static str,
    pub(super) expected: &'static str,
    pub(super) found: String,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(format!("{}: no certificate in it", file.display())),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// Reads our certificate and its key.
pub(super) fn server(files: &Tls) -> Result<Arc<ServerConfig>, Unfit> {
    let expected = "a PEM file with our certificate and those above it";
    let chain = certificates(&files.certificate).map_err(|found| Unfit {
        key: "sip.tls.certificate",
        expected,
        found,
    })?;
    let unfit = |found| Unfit { key: "sip.tls.key", expected: "the certificate's private key as PEM", found };
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unfit(format!("{}: {error}", files.key.display())))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unfit(format!("{}: {error}", files.key.display())))?;
    Ok(Arc::new(config))
}

/// How to connect to a trunk of that domain.
pub(super) fn client(verify: &Verify, domain: &str) -> Result<TrunkTls, Unfit> {
    let bare = domain.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(bare).map_err(|error| Unfit {
        key: "domain",
        expected: "the name or address in the server's certificate",
        found: format!("{domain:?}: {error}"),
    })?;
    let unfit = |key, found| Unfit { key, expected: "a PEM file with certificates of authorities", found };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit("transport", error.to_string()))?;
    let config = match verify {
        Verify::System => {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                tracing::warn!("this machine trusts no authority: trunks by TLS need tls_ca_file or tls_pin");
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Verify::Authorities(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file).map_err(|found| unfit("tls_ca_file", found))? {
                roots
                    .add(certificate)
                    .map_err(|error| unfit("tls_ca_file", format!("{}: {error}", file.display())))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Verify::Pinned(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { sha256: *pin, provider: provider() }))
            .with_no_client_auth(),
    };
    Ok(TrunkTls { name, config: Arc::new(config) })
}

/// Reads our certificate again; what is shown from now on. A bad file changes nothing.
pub(super) fn reload(files: &Tls, shown: &watch::Sender<Arc<ServerConfig>>) -> Result<(), String> {
    let config = server(files)
        .map_err(|unfit| format!("{}: expected {}, found {}", unfit.key, unfit.expected, unfit.found))?;
    shown.send_replace(config);
    Ok(())
}

/// Believes one certificate, whatever names and dates it holds, from whoever has its key.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Sha256::digest(end_entity.as_ref()).as_slice() == self.sha256 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General("not the pinned certificate".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The files of tests.
#[cfg(test)]
pub(super) fn fixture(name: &str) -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(certificate: &str, key: &str) -> Tls {
        Tls { certificate: fixture(certificate), key: fixture(key) }
    }

    #[test]
    fn a_bad_certificate_or_key_is_a_fault_that_names_its_file() {
        assert!(server(&files("hotline.pem", "hotline.key")).is_ok());
        for (certificate, key, wrong, says) in [
            ("nowhere.pem", "hotline.key", "sip.tls.certificate", "nowhere.pem"),
            ("README.md", "hotline.key", "sip.tls.certificate", "no certificate"),
            ("hotline.pem", "nowhere.key", "sip.tls.key", "nowhere.key"),
            ("hotline.pem", "ca.pem", "sip.tls.key", "ca.pem"),
            ("hotline.pem", "renewed.key", "sip.tls.key", "renewed.key"),
        ] {
            let unfit = server(&files(certificate, key)).unwrap_err();
            assert_eq!(unfit.key, wrong, "{certificate} {key}");
            assert!(unfit.found.contains(says), "{certificate} {key}: {}", unfit.found);
        }
        assert_eq!(
            client(&Verify::Authorities(fixture("README.md")), "a.example").unwrap_err().key,
            "tls_ca_file"
        );
        assert_eq!(client(&Verify::System, "not a name").unwrap_err().key, "domain");
    }

    #[test]
    fn a_bad_file_at_a_reload_leaves_the_certificate_that_is_shown() {
        let (shown, seen) = watch::channel(server(&files("hotline.pem", "hotline.key")).unwrap());
        let before = Arc::clone(&seen.borrow());
        assert!(reload(&files("hotline.pem", "renewed.key"), &shown).is_err());
        assert!(Arc::ptr_eq(&before, &seen.borrow()));
        reload(&files("renewed.pem", "renewed.key"), &shown).unwrap();
        assert!(!Arc::ptr_eq(&before, &seen.borrow()));
    }
}
