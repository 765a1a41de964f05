//! TLS: with what it is spoken, and whom it trusts.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, SignatureScheme, WantsVerifier};
use rustls_platform_verifier::Verifier;

use super::lost::innermost;

/// How TLS is spoken: by ring, which is the provider of this client alone, whatever else the
/// process has installed. Without TLS nothing of the machine's is needed, such as certificates.
pub(super) fn tls(is_needed: bool) -> Result<ClientConfig, String> {
    // The certificates of a machine take a megabyte and time to be read, and many runs may go on
    // in one process.
    static TRUSTING: OnceLock<ClientConfig> = OnceLock::new();
    static UNUSED: OnceLock<ClientConfig> = OnceLock::new();
    let shared = if is_needed { &TRUSTING } else { &UNUSED };
    if let Some(shared) = shared.get() {
        return Ok(shared.clone());
    }
    let config = if is_needed { trusting(Arc::new(platform()?))? } else { trusting_nobody()? };
    Ok(shared.get_or_init(|| config).clone())
}

fn trusting_nobody() -> Result<ClientConfig, String> {
    Ok(builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| innermost(&error))
}

/// Trusts whom the machine trusts; it reads the machine's certificates.
fn platform() -> Result<Verifier, String> {
    Verifier::new(Arc::new(rustls::crypto::ring::default_provider()))
        .map_err(|error| innermost(&error))
}

fn trusting(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, String> {
    let verified = builder()?.dangerous().with_custom_certificate_verifier(verifier);
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
    // It decides nothing: the platform's own verifier does.
    trusting(Arc::new(Witness { trusted: platform()?, chain: chain.clone() }))
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
