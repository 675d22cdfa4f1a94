//! The certificates of the simulated server. They are the same everywhere and hold until 2120: the key of the server is
//! no secret, it is only ever used on loopback; that of the authority was thrown away.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate of the authority that certified the server.
pub(crate) const CA_PEM: &str = include_str!("tls/ca.pem");

/// A server that answers as `localhost`, `stage.example.org` and 127.0.0.1.
pub(crate) fn config() -> io::Result<Arc<rustls::ServerConfig>> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server-key.pem")).map_err(io::Error::other)?;
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}
