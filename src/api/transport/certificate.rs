//! What a certificate says of itself: for whom it is, who signed it, until when it is valid.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader};

/// A certificate as it was shown; nothing of it is proved by this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenCertificate {
    /// The common name of its owner, or another part of the name.
    pub(crate) subject: String,
    /// The organisation and the common name of who signed it.
    pub(crate) issuer: String,
    /// Until when it is valid, if that can be read.
    pub(crate) valid_until: Option<Timestamp>,
}

/// Parts of a name (X.520): the common name, the organisation.
const COMMON_NAME: [u64; 4] = [2, 5, 4, 3];
const ORGANISATION: [u64; 4] = [2, 5, 4, 10];

/// The tag of the version, which may be missing (RFC 5280, 4.1).
const VERSION: u8 = 0xA0;

impl SeenCertificate {
    /// Reads what is in the form of RFC 5280; `None` where it is not.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = elements(der)?;
        let mut fields = elements(certificate.first()?)?.into_iter();
        let first = fields.next()?;
        if first.first() == Some(&VERSION) {
            fields.next()?;
        }
        // Behind the serial number stands how it is signed.
        let issuer = fields.nth(1)?;
        let validity = fields.next()?;
        let subject = fields.next()?;
        let name = |der: &[u8], parts: &[[u64; 4]]| {
            let known = name(der)?;
            let found = parts.iter().filter_map(|part| {
                let wanted = ObjectIdentifier::from_slice(part);
                known.iter().find(|(own, _)| *own == wanted).map(|(_, text)| text.clone())
            });
            Some(found.collect::<Vec<_>>().join(", "))
        };
        Some(Self {
            subject: name(&subject, &[COMMON_NAME])?,
            issuer: name(&issuer, &[ORGANISATION, COMMON_NAME])?,
            valid_until: yasna::parse_der(&validity, |reader| reader.collect_sequence_of(value))
                .ok()
                .and_then(|times| time(times.get(1)?)),
        })
    }
}

/// The elements of a sequence, each as it is encoded.
fn elements(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    yasna::parse_der(der, |reader| reader.collect_sequence_of(element)).ok()
}

fn element(reader: BERReader<'_, '_>) -> ASN1Result<Vec<u8>> {
    reader.read_der()
}

/// The content of an element, whatever its type.
fn value(reader: BERReader<'_, '_>) -> ASN1Result<Vec<u8>> {
    Ok(reader.read_tagged_der()?.value().to_vec())
}

/// The parts of a name with their kinds.
fn name(der: &[u8]) -> Option<Vec<(ObjectIdentifier, String)>> {
    let part = |reader: BERReader<'_, '_>| -> ASN1Result<(ObjectIdentifier, String)> {
        reader.read_sequence(|reader| {
            let kind = reader.next().read_oid()?;
            let text = value(reader.next())?;
            Ok((kind, String::from_utf8_lossy(&text).into_owned()))
        })
    };
    let sets = yasna::parse_der(der, |reader| {
        reader.collect_sequence_of(|reader| reader.collect_set_of(part))
    });
    Some(sets.ok()?.concat())
}

/// A time of either form: with two digits of the year, which mean 1950 to 2049, or four.
fn time(text: &[u8]) -> Option<Timestamp> {
    const SHORT: usize = "YYMMDDHHMMSSZ".len();
    let text = std::str::from_utf8(text).ok()?;
    let text = match text.len() {
        SHORT if text < "5" => format!("20{text}"),
        SHORT => format!("19{text}"),
        _ => text.to_owned(),
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_are_read_and_nonsense_is_not() {
        let mut params = rcgen::CertificateParams::new(vec!["api.example.com".into()]).unwrap();
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::CommonName, "Gateway CA");
        name.push(rcgen::DnType::OrganizationName, "Example Corp");
        params.distinguished_name = name;
        for (year, until) in [(2031, "2031-02-03T00:00:00Z"), (2051, "2051-02-03T00:00:00Z")] {
            params.not_after = rcgen::date_time_ymd(year, 2, 3);
            let key = rcgen::KeyPair::generate().unwrap();
            let made = params.clone().self_signed(&key).unwrap();
            let seen = SeenCertificate::read(made.der()).unwrap();
            assert_eq!(seen.subject, "Gateway CA");
            assert_eq!(seen.issuer, "Example Corp, Gateway CA");
            assert_eq!(seen.valid_until, Some(until.parse().unwrap()), "{year}");
            for cut in [0, 1, 20, made.der().len() - 1] {
                assert_eq!(SeenCertificate::read(&made.der()[..cut]), None);
            }
        }
    }
}
