//! Who signs certificates: authorities of the public web, and what stands between.

/// Words in the names of those who sign for the public web, in lower case.
const PUBLIC: &[&str] = &[
    "amazon",
    "let's encrypt",
    "internet security research group",
    "google trust services",
    "digicert",
    "sectigo",
    "globalsign",
    "entrust",
    "godaddy",
    "starfield",
    "microsoft",
    "cloudflare, inc",
    "certum",
    "buypass",
    "identrust",
    "ssl.com",
    "ssl corp",
    "zerossl",
    "comodo",
    "usertrust",
    "geotrust",
    "thawte",
    "rapidssl",
];

/// Words in the names of proxies that open TLS to look inside, in lower case.
const INTERCEPTING: &[&str] = &[
    "zscaler",
    "netskope",
    "fortinet",
    "fortigate",
    "palo alto",
    "blue coat",
    "bluecoat",
    "umbrella",
    "check point",
    "sophos",
    "forcepoint",
    "websense",
    "mcafee",
    "skyhigh",
    "trellix",
    "barracuda",
    "watchguard",
    "sonicwall",
    "gateway ca",
    "cloudflare for teams",
    "iboss",
    "menlo",
    "cato networks",
    "untangle",
    "squid",
    "mitmproxy",
    "charles proxy",
    "fiddler",
    "burp",
    "kaspersky",
    "avast",
    "eset",
    "bitdefender",
    "proxy",
    "inspection",
    "interception",
];

/// Who has signed a certificate, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// One of those who sign for the public web.
    Public,
    /// A proxy that looks inside.
    Interceptor,
    /// Somebody else, such as a company.
    Unknown,
}

impl Signer {
    /// By its name. What a proxy calls itself counts first: it may name whom it imitates.
    pub(super) fn named(issuer: &str) -> Self {
        let issuer = issuer.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| issuer.contains(word));
        if has(INTERCEPTING) {
            Self::Interceptor
        } else if has(PUBLIC) {
            Self::Public
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signers_are_known_by_their_names() {
        for (issuer, expected) in [
            ("Amazon, Amazon RSA 2048 M02", Signer::Public),
            ("Let's Encrypt, E7", Signer::Public),
            ("Zscaler Inc., Zscaler Intermediate Root CA", Signer::Interceptor),
            ("mitmproxy, mitmproxy", Signer::Interceptor),
            ("Example Corp, Example Root CA", Signer::Unknown),
            ("", Signer::Unknown),
        ] {
            assert_eq!(Signer::named(issuer), expected, "{issuer}");
        }
        let lower = |words: &[&str]| words.iter().all(|word| *word == word.to_lowercase());
        assert!(lower(PUBLIC) && lower(INTERCEPTING));
    }
}
