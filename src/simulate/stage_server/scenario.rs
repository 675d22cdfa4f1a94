//! The faults that can be ordered from the simulated server.

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Everything works
    #[default]
    Clean,
    /// The safety check is vetoed, but no live alert follows
    NoAlert,
    /// No live alert, and the alert of an accepted seed gets lost too
    SeedLost,
    /// Every event is late
    Slow,
    /// The stream breaks in the middle; what was missed is sent again to who asks for it
    DropStream,
    /// Every event carries an `event:` name
    NamedEvents,
    /// Junk between the events
    Garbage,
    /// The password is wrong
    LoginRefused,
    /// The debug endpoints are switched off
    NoDebug,
    /// The session is never closed
    NeverCloses,
    /// Connections are accepted, and then nothing
    Hang,
    /// Events of earlier runs come first, and between the others
    StaleEvents,
    /// As clean, over TLS with a CA of its own
    Tls,
}
