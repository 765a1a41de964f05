//! What a request asks for. Pure.

/// Something that the page can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiveRoute {
    /// The page itself.
    Page,
    /// How the run goes, from moment to moment.
    Events,
    /// The whole report so far.
    Report,
    /// An order.
    Order(Order),
    /// Numbers for Prometheus.
    Metrics,
    /// Whether the run goes on.
    Health,
    /// What browsers ask for by themselves.
    Icon,
    /// Nothing that there is, or not with this token.
    Unknown,
    /// Something that there is, asked for in the wrong way.
    WrongMethod,
}

/// What a run can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Pause,
    Resume,
    Slower,
    Faster,
    Stop,
}

impl Order {
    const ALL: [Self; 5] = [Self::Pause, Self::Resume, Self::Slower, Self::Faster, Self::Stop];

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Stop => "stop",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }
}

impl LiveRoute {
    /// What a request asks for, by its method and its path.
    pub(super) fn of(method: &str, path: &str, token: &str) -> Self {
        let reads = matches!(method, "GET" | "HEAD");
        let (route, wants_read) = match path {
            "/metrics" => (Self::Metrics, true),
            "/healthz" => (Self::Health, true),
            "/favicon.ico" => (Self::Icon, true),
            _ => match below(path, token) {
                Some("") => (Self::Page, true),
                Some("events") => (Self::Events, true),
                Some("report") => (Self::Report, true),
                Some(name) => match Order::named(name) {
                    Some(order) => (Self::Order(order), false),
                    None => return Self::Unknown,
                },
                None => return Self::Unknown,
            },
        };
        let fits = if wants_read { reads } else { method == "POST" };
        if fits { route } else { Self::WrongMethod }
    }
}

/// The rest of a path below the token, if that is the token.
fn below<'a>(path: &'a str, token: &str) -> Option<&'a str> {
    let (given, rest) = path.strip_prefix('/')?.split_once('/')?;
    // How long it takes must not tell how much of it is right.
    let differs = given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    (given.len() == token.len() && differs == 0).then_some(rest)
}

/// Whether a host that a request names is this machine, as a page that only this machine may see has
/// to be asked for: another site's name that leads here is not.
pub(super) fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    address.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_follows_from_method_and_path() {
        for (method, path, route) in [
            ("GET", "/abc/", LiveRoute::Page),
            ("HEAD", "/abc/", LiveRoute::Page),
            ("GET", "/abc/events", LiveRoute::Events),
            ("GET", "/abc/report", LiveRoute::Report),
            ("POST", "/abc/pause", LiveRoute::Order(Order::Pause)),
            ("POST", "/abc/stop", LiveRoute::Order(Order::Stop)),
            ("GET", "/abc/stop", LiveRoute::WrongMethod),
            ("POST", "/abc/", LiveRoute::WrongMethod),
            ("GET", "/metrics", LiveRoute::Metrics),
            ("GET", "/healthz", LiveRoute::Health),
            ("GET", "/favicon.ico", LiveRoute::Icon),
            ("POST", "/metrics", LiveRoute::WrongMethod),
            ("GET", "/", LiveRoute::Unknown),
            ("GET", "/abc", LiveRoute::Unknown),
            ("GET", "/abd/", LiveRoute::Unknown),
            ("GET", "/ab/", LiveRoute::Unknown),
            ("GET", "/abcd/", LiveRoute::Unknown),
            ("GET", "//", LiveRoute::Unknown),
            ("POST", "/abc/erase", LiveRoute::Unknown),
            ("POST", "/xyz/stop", LiveRoute::Unknown),
            ("GET", "", LiveRoute::Unknown),
        ] {
            assert_eq!(LiveRoute::of(method, path, "abc"), route, "{method} {path}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_this_machine() {
        for host in ["127.0.0.1:80", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:9", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["evil.example", "evil.example:80", "10.0.0.1:80", "", "localhost.evil.example"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
