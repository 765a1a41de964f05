//! TLS: with what it is spoken, and whom it trusts.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};

use super::lost::innermost;

/// How TLS is spoken: by ring, which is the provider of this client alone, whatever else the
/// process has installed. Without TLS nothing of the machine's is needed, such as certificates.
pub(super) fn tls(is_needed: bool) -> Result<ClientConfig, String> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| innermost(&error))?;
    if !is_needed {
        return Ok(builder
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth());
    }
    let verified = builder.with_platform_verifier().map_err(|error| innermost(&error))?;
    let mut config = verified.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates that a server has shown, its own first.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownChain(Arc<Mutex<Vec<CertificateDer<'static>>>>);

impl ShownChain {
    /// What was shown last.
    pub(super) fn taken(&self) -> Vec<CertificateDer<'static>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// TLS as [`tls`] has it, by which it is known what was shown, trusted or not.
pub(super) fn witnessed_tls(chain: &ShownChain) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusted = Verifier::new(provider).map_err(|error| innermost(&error))?;
    let mut config = tls(true)?;
    // It decides nothing: the platform's own verifier does.
    let witness = Arc::new(Witness { trusted, chain: chain.clone() });
    config.dangerous().set_certificate_verifier(witness);
    Ok(config)
}

/// Notes what is shown, and has it verified.
#[derive(Debug)]
struct Witness {
    trusted: Verifier,
    chain: ShownChain,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = std::iter::once(own).chain(others);
        *self.chain.0.lock().unwrap_or_else(PoisonError::into_inner) =
            shown.map(|certificate| certificate.clone().into_owned()).collect();
        self.trusted.verify_server_cert(own, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trusted.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trusted.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trusted.supported_verify_schemes()
    }
}
