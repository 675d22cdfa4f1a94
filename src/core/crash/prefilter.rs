//! Finds the lines that need a closer look, many times faster than a closer look takes.
//!
//! Each way of telling of a crash, or of a failure (see `prose/outcome.rs`), holds one of these pieces of text, in these letters and not escaped in JSON. The tests
//! hold them against the examples of all rows. Exact letters are found several times faster than letters of either case.
//! Four letters of each piece are searched for, all at once; where they are, the whole piece is looked for. The search
//! puts the four letters into sixteen groups by turns, in the order of the rows, and has to look twice each time that a
//! text looks alike to a whole group: that makes one choice and order of the letters many times as fast as another.
//! These were chosen by trying many on logs of all kinds; a new piece goes to the end.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, Span, packed};

/// The letters that are searched for, and the piece that holds them. The order matters: see above.
const PIECES: [(&str, &str); 335] = [
    ("F ar", "F art"),
    ("#PID", "#PID<"),
    (":in ", ":in '"),
    ("ARIN", "ARINESS"),
    ("ANIC", "PANIC"),
    ("\tat ", "\tat "),
    ("Exit", "Exit"),
    (" zer", "y zero"),
    ("NTAT", "EGMENTATION"),
    ("0x55", "0x55"),
    (" mem", "f mem"),
    (".jl:", ".jl:"),
    ("= ER", "== ERROR"),
    ("G at", "UG at"),
    (" `RU", "with `RUST"),
    ("==ER", "==ERROR"),
    ("F li", "F libc"),
    ("** (", "** ("),
    ("ANDL", "ANDLED"),
    ("EPTI", "XCEPTI"),
    ("GNAL", "DLYSIGNAL"),
    (" ***", "etected ***"),
    ("IOLA", "_VIOLATION"),
    (")[0x", ")[0x"),
    ("tack", "tack"),
    ("Prel", "Prelude."),
    (" sel", "record selector"),
    (".php", ".php("),
    ("= In", "== Invalid "),
    ("\\tat", "\\tat "),
    (" det", "mashing det"),
    ("CKUP", "LOCKUP"),
    ("F/li", "F/libc"),
    ("*** ", "*** "),
    ("OOM ", "OOM "),
    ("ER T", "ER TIMEOUT"),
    ("bFuz", "ibFuzzer"),
    (" Tra", "l Trace"),
    ("eakp", "eakpoint "),
    ("0x7f", "0x7f"),
    ("ug c", "ug check"),
    ("[BUG", "[BUG]"),
    ("_mem", "mit_mem"),
    ("ameE", "NameErr"),
    ("lega", "llega"),
    ("h st", "ith status"),
    (" her", "ut here ]"),
    ("Faul", "Fault bucket"),
    ("R in", "ANR in"),
    ("GABR", "GABR"),
    ("[C]:", "[C]: in"),
    ("ERTI", "SERTION"),
    ("bail", "bailing out"),
    (" at ", "alled at "),
    ("emOO", "SystemOOM"),
    ("dump", "ore dump"),
    ("ugch", "ugcheck"),
    ("ltin", "lting "),
    ("code", "opcode"),
    ("aps:", "raps: "),
    ("m wa", "tabase system was"),
    ("ktra", "cktrace"),
    ("F DE", "F DEBUG"),
    ("ORA-", "ORA-"),
    ("R602", "R6025"),
    ("SIGB", "SIGBUS"),
    ("_BAD", "XC_BAD"),
    ("Oops", "Oops"),
    ("bnor", "bnormal"),
    (" dow", "utting down"),
    ("emat", "rematur"),
    ("exc_", "exc_"),
    ("unde", "to undefined f"),
    ("m_re", "om_reap"),
    ("ds l", "threads left"),
    ("nhan", "nhandled"),
    ("me.g", "runtime.go"),
    ("lt '", "ult '"),
    ("GTRA", "SIGTRAP"),
    ("pArr", "pArray"),
    ("rian", "nvariant"),
    ("SIGS", "SIGSYS"),
    ("th W", "g with Windows"),
    ("bort", "bort"),
    ("gan:", "Slogan: "),
    (" err", "us error"),
    ("emor", "fMemory"),
    ("izer", "tizer"),
    ("{bad", "{bad"),
    ("ormu", "ormulating"),
    ("es l", "odules linked"),
    ("voke", "ugger invoked on"),
    ("me.m", "runtime.main("),
    ("pt t", "ttempt to "),
    ("halt", "xecution halted"),
    ("{fun", "{function_cl"),
    ("rtio", "rtion"),
    ("a mi", "a mini"),
    ("tid:", "tid: "),
    ("og t", "tchdog timeout"),
    ("hanc", "econd chance"),
    ("++ab", "c++abi"),
    ("inat", "minat"),
    ("tual", "rtual "),
    ("{noc", "{nocatch,"),
    ("orru", "orrupt"),
    ("ocke", "ocked"),
    ("{mai", "{main}"),
    ("merg", "mergency s"),
    ("rt f", "ssert failed"),
    ("ile:", "(file:"),
    ("exit", "exit"),
    ("rtl:", "rtl: "),
    ("ad d", "hread death"),
    ("too ", "too early"),
    ("oo q", "oo quickly"),
    ("haus", "xhausted"),
    (".erl", ".erl:"),
    (".ex:", ".ex:"),
    ("e sc", "lue screen"),
    ("<loo", "<loop"),
    ("(): ", "(): "),
    (" 0x0", " 0x0"),
    ("CHEC", "CHECK("),
    ("CHED", "TREACHED"),
    (" Nam", "vent Name"),
    ("ATAL", "ATAL"),
    ("Died", "Died"),
    ("BEND", "BEND"),
    (" >>>", " >>> "),
    ("-mem", "f-mem"),
    ("FAIL", "FAIL"),
    ("tall", "detected stall"),
    (" lin", " line "),
    ("LR20", "LR20"),
    ("in `", "in `"),
    ("EGV_", "EGV_"),
    ("CYCL", "ELIFECYCLE"),
    ("0xC0", "0xC000"),
    ("RASH", "PPCRASH"),
    ("GSEG", "GSEG"),
    (" pag", "handle page"),
    ("art:", "(dart:"),
    ("KILL", "GKILL"),
    ("M en", "M enc"),
    ("e:in", "de:internal"),
    ("SIGI", "SIGILL"),
    ("pm e", "pm e"),
    ("tati", "egmentation"),
    ("alle", "alled `"),
    ("_err", "hs_err"),
    ("in c", "load main class"),
    ("proc", "n procedure"),
    ("GFPE", "GFPE"),
    ("BEX6", "BEX64"),
    ("SAN:", "BSAN: "),
    ("chab", "achable"),
    ("erab", "verabl"),
    ("ebac", "ceback"),
    ("age:", "(package:"),
    ("dden", "sudden"),
    ("ecen", "recent call"),
    ("_ADR", "BUS_ADR"),
    ("tine", "utine "),
    ("ched", "be reached"),
    ("rash", "rash"),
    ("dErr", "dError"),
    ("p.!:", "p.!:"),
    ("prot", "eneral prot"),
    ("IP: ", "IP: "),
    ("BUG:", "BUG: "),
    ("caug", "ncaught"),
    ("ised", "aised C"),
    ("erne", "o handle kernel"),
    ("lloc", "llocat"),
    ("e_cl", "{case_cl"),
    ("de.j", "ode.js v"),
    ("xcep", "xcept"),
    ("sser", "fassert"),
    ("munm", "munmap_ch"),
    ("mpin", "umping core"),
    ("m ER", "pm ERR"),
    ("hrow", "runtime.throw"),
    ("ror ", "ror compiling"),
    ("rLos", "erLostE"),
    ("by: ", "aused by: "),
    ("REPO", "REPORT"),
    ("exs:", "exs:"),
    ("l va", "il value"),
    ("utab", "refutable pat"),
    ("n\\t/", "n\\t/"),
    ("oidR", "F AndroidR"),
    ("0xc0", "0xc000"),
    ("gnal", "gnal"),
    ("anic", "anic"),
    ("oops", "oops"),
    ("kill", "killed"),
    ("died", "died"),
    ("kenP", "okenPro"),
    ("ror:", "ror: "),
    ("uble", "uble free"),
    ("h a ", "ith a code"),
    ("itho", "ithout warning"),
    ("ilFa", "ailFast"),
    ("mped", "umped"),
    ("Kill", "Killed"),
    ("atal", "Fatal"),
    ("tinu", "not continue"),
    ("aile", "ck failed"),
    ("bend", "bend"),
    ("urne", "urned -"),
    ("faul", "gfault"),
    ("ckup", "ckup"),
    ("iola", "violation"),
    ("nexp", "nexpec"),
    (" mem", "heap mem"),
    (" mem", "gpu mem"),
    (" mem", "enlarge mem"),
    (" mem", "to a member"),
    ("tack", "stack mem"),
    (" det", "flow detected"),
    (" at ", "  at "),
    (" at ", ") at "),
    ("dump", "ore-dump"),
    ("dump", "oredump"),
    ("dump", "ini dump"),
    ("dump", "inidump"),
    ("code", "ith code"),
    ("code", "turn code"),
    ("code", "turncode"),
    ("unde", "{undef,"),
    (" err", "nal error: "),
    (" err", "me error"),
    (" err", "ompiler err"),
    ("emor", "w memory: "),
    ("emor", "f Memory"),
    ("emor", "MemoryError"),
    ("voke", "voked from"),
    ("halt", "halted"),
    ("tual", "virtual mem"),
    ("rt f", "port file with"),
    ("too ", "too often"),
    ("too ", "too fast"),
    ("haus", "xhaustive"),
    ("CHEC", "CHECK_"),
    ("CHEC", "CHECK failed"),
    ("tall", "ed stall"),
    ("RASH", "CRASH"),
    (" pag", "bad page"),
    (" pag", "Bad page"),
    ("tati", "editation"),
    ("alle", "alled from "),
    ("_err", "start_error"),
    ("_err", "shutdown_error"),
    ("in c", "main chunk"),
    ("proc", "{noproc,"),
    ("proc", "not proceed"),
    ("proc", "'t proceed"),
    ("proc", "to proceed"),
    ("SAN:", "ASAN: "),
    ("ised", "aised PROGRAM"),
    ("ised", "aised STORAGE"),
    ("ised", "aised TASKING"),
    ("ised", "aised at "),
    ("ised", "aised by "),
    ("lloc", "d_alloc"),
    ("hrow", "hrow to key"),
    ("hrow", "hrow e"),
    ("ror ", "ror ("),
    ("ror ", "ror in "),
    ("kill", "om-kill"),
    ("kill", "oom kill"),
    ("kill", "Oom kill"),
    ("kill", "rykiller: "),
    ("h a ", "ith a status"),
    ("itho", "ithout notice"),
    ("itho", "ithout a reason"),
    ("itho", "rebooted without"),
    ("atal", "fatal"),
    ("tinu", "'t continue"),
    ("tinu", "to continue"),
    ("aile", "g failed container"),
    ("aile", "rective) failed"),
    ("urne", "urned 1"),
    ("urne", "urned (1"),
    ("faul", " fault"),
    ("rLos", "rLostF"),
    ("aile", "failed"),
    ("aile", "Failed"),
    ("ailu", "ailure"),
    ("aili", " failing"),
    ("ails", " fails"),
    ("t ok", "not ok "),
    ("✗ ", "✗ "),
    ("✖ ", "✖ "),
    ("✘ ", "✘ "),
    ("❌ ", "❌ "),
    ("ot p", "did not pass"),
    ("und ", "Found "),
    ("\":fa", "ss\":false"),
    ("\": f", "ss\": false"),
    ("\":fa", "ss\\\":false"),
    ("\": f", "ss\\\": false"),
    ("\":fa", "ok\":false"),
    ("\": f", "ok\": false"),
    ("\":fa", "ok\\\":false"),
    ("\": f", "ok\\\": false"),
    ("\":fa", "assed\":false"),
    ("\": f", "assed\": false"),
    ("\":fa", "assed\\\":false"),
    ("\": f", "assed\\\": false"),
    ("\":fa", "eeded\":false"),
    ("\": f", "eeded\": false"),
    ("\":fa", "eeded\\\":false"),
    ("\": f", "eeded\\\": false"),
    ("\":fa", "sful\":false"),
    ("\": f", "sful\": false"),
    ("\":fa", "sful\\\":false"),
    ("\": f", "sful\\\": false"),
    ("=fal", "ss=false"),
    ("=fal", "ok=false"),
    ("=fal", "assed=false"),
    ("=fal", "eeded=false"),
    ("fail", "fail:"),
    ("fail", "fail="),
    ("fail", "# fail "),
    ("\":\"f", "ss\":\"false"),
    ("\":\"f", "ok\":\"false"),
    ("\":fa", "EEDED\":false"),
    ("\":fa", "SS\":false"),
    ("\":fa", "OK\":false"),
    ("✕ ", "✕ "),
    ("ail ", "Bail out!"),
    ("ror:", "rror::"),
    ("ors,", "errors,"),
];

/// How many letters are searched for.
const LETTERS: usize = 4;

/// One search takes so many different letters, for which the order was chosen; what is more goes into the next one.
const AT_ONCE: usize = 118;
const SEARCHES: usize = 2;

/// The places in raw lines where a crash may be told of, one after the other.
pub(crate) struct Marks<'t> {
    text: &'t [u8],
    /// The next place of each search.
    next: [Option<usize>; SEARCHES],
}

impl<'t> Marks<'t> {
    /// Those at or after `from`, where a line starts.
    pub(crate) fn of(text: &'t [u8], from: usize) -> Self {
        Self { text, next: std::array::from_fn(|search| find(search, text, from)) }
    }

    /// The first of them.
    pub(crate) fn at(&self) -> Option<usize> {
        self.next.iter().flatten().min().copied()
    }

    /// Leaves those before `from` behind.
    pub(crate) fn skip_to(&mut self, from: usize) {
        for (search, next) in self.next.iter_mut().enumerate() {
            if next.is_some_and(|at| at < from) {
                *next = find(search, self.text, from);
            }
        }
    }
}

/// The search for the letters of some pieces, and by number of the letters what is before and behind them in each.
struct Search {
    letters: AnyOf,
    around: Vec<Vec<[&'static [u8]; 2]>>,
}

/// One of several short texts, searched for all at once.
pub(crate) enum AnyOf {
    Fast(packed::Searcher),
    /// For processors without the instructions of the fast one.
    Plain(AhoCorasick),
}

impl Search {
    /// All pieces in searches for as many letters as are searched for at once.
    fn all() -> Vec<Self> {
        let mut letters: Vec<&str> = Vec::new();
        let mut around: Vec<Vec<[&[u8]; 2]>> = Vec::new();
        for (four, piece) in PIECES {
            let number = letters.iter().position(|known| *known == four).unwrap_or_else(|| {
                letters.push(four);
                around.push(Vec::new());
                letters.len() - 1
            });
            let (before, behind) = piece.split_once(four).unwrap_or((piece, ""));
            around[number].push([before.as_bytes(), behind.as_bytes()]);
        }
        let parts = letters.chunks(AT_ONCE).zip(around.chunks(AT_ONCE));
        parts.map(|(letters, around)| Self { letters: AnyOf::of(letters), around: around.to_vec() }).collect()
    }
}

impl AnyOf {
    pub(crate) fn of(letters: &[&str]) -> Self {
        let mut config = packed::Config::new();
        match config.heuristic_pattern_limits(false).builder().extend(letters).build() {
            Some(fast) => Self::Fast(fast),
            None => {
                let plain = AhoCorasick::new(letters);
                Self::Plain(plain.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}")))
            }
        }
    }

    /// Where they are at or after `from`, and which.
    #[inline]
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Self::Fast(fast) => {
                let found = fast.find_in(text, Span { start: from, end: text.len() })?;
                Some((found.start(), found.pattern().as_usize()))
            }
            Self::Plain(plain) => {
                let found = plain.find(Input::new(text).range(from..))?;
                Some((found.start(), found.pattern().as_usize()))
            }
        }
    }
}

/// Where the letters of a piece of one search are at or after `from`.
fn find(search: usize, text: &[u8], mut from: usize) -> Option<usize> {
    static SEARCHES: LazyLock<Vec<Search>> = LazyLock::new(Search::all);
    let search = SEARCHES.get(search)?;
    while let Some((at, letters)) = search.letters.find(text, from) {
        let whole =
            |[before, behind]: &[&[u8]; 2]| text[..at].ends_with(before) && text[at + LETTERS..].starts_with(behind);
        if search.around[letters].iter().any(whole) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_whichever_piece_they_are_of() {
        let (first, last) = (PIECES[0].1, PIECES[PIECES.len() - 1].1);
        let text = format!("all is well\n{last}\n{first}: boom\nall is well\n{first}: again");
        let mut suspects = Marks::of(text.as_bytes(), 0);
        let mut seen = Vec::new();
        while let Some(at) = suspects.at() {
            seen.push(text[..at].matches('\n').count());
            suspects.skip_to(text[at..].find('\n').map_or(text.len(), |end| at + end));
        }
        assert_eq!(seen, [1, 2, 4]);
    }

    #[test]
    fn each_piece_is_found_whole_and_not_by_its_letters_alone() {
        for (letters, piece) in PIECES {
            assert!(letters.len() == LETTERS && piece.contains(letters), "{letters} {piece}");
            assert!(Marks::of(format!("..{piece}..").as_bytes(), 0).at().is_some(), "{piece}");
            let alone = PIECES.iter().any(|(_, piece)| letters.contains(piece));
            assert_eq!(Marks::of(letters.as_bytes(), 0).at().is_some(), alone, "{letters}");
        }
        // More would make the search refuse to be fast.
        let mut letters: Vec<_> = PIECES.iter().map(|(letters, _)| letters).collect();
        letters.sort();
        letters.dedup();
        assert!(letters.len() <= SEARCHES * AT_ONCE, "{}", letters.len());
    }
}
