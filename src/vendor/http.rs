//! How HTTP is spoken to others, whoever they are: no proxy of the environment, no redirects, and nothing sent twice
//! unasked.

use reqwest::{Client, ClientBuilder, Error, redirect, retry};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `is_secure`: with TLS.
pub fn http(is_secure: bool) -> ClientBuilder {
    // Fails if a provider is installed already; whichever it is, it will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder();
    if !is_secure {
        // The system's certificates are not looked for where no TLS is spoken.
        builder = builder.tls_certs_only([]);
    }
    builder
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
}

/// What went wrong, in the words of its innermost cause. The address is not in it: it may be a secret.
pub fn words(error: Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => "connecting timed out".to_owned(),
        (true, false) => format!("cannot connect: {cause}"),
        (false, true) => "no answer in time".to_owned(),
        (false, false) => format!("the connection broke: {cause}"),
    }
}
