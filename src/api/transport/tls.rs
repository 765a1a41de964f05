//! TLS: with what it is spoken, and whom it trusts.

use rustls_platform_verifier::BuilderVerifierExt;

use super::lost::innermost;

/// How TLS is spoken: by ring, which is the provider of this client alone, whatever else the
/// process has installed. Without TLS nothing of the machine's is needed, such as certificates.
pub(super) fn tls(is_needed: bool) -> Result<rustls::ClientConfig, String> {
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
