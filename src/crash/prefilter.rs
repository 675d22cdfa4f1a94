//! Finds the lines that need a closer look, many times faster than a closer look takes.
//!
//! Each way of telling of a crash holds one of these pieces of text, in these letters and not escaped in JSON. The tests
//! hold them against the examples of all rows. Exact letters are found several times faster than letters of either case.
//! Four letters of each piece are searched for, all at once; where they stand, the whole piece is looked for. The search
//! puts the four letters into sixteen groups by turns, in the order of the rows, and has to look twice each time that a
//! text looks alike to a whole group: that makes one choice and order of the letters many times as fast as another.
//! These were chosen by trying many on logs of all kinds; a new piece goes to the end.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, Span, packed};

/// The letters that are searched for, and the piece that holds them. The order matters: see above.
const PIECES: [(&str, &str); 287] = [
    ("GABR", "GABR"),
    ("** (", "** ("),
    ("0x55", "0x55"),
    (" 0x0", " 0x0"),
    (">>> ", " >>> "),
    ("AN: ", "BSAN: "),
    ("OCKU", "LOCKUP"),
    (" err", "us error"),
    ("<loo", "<loop"),
    ("\tat ", "\tat "),
    ("0x7f", "0x7f"),
    ("haus", "xhausted"),
    ("BUG:", "BUG: "),
    (")[0x", ")[0x"),
    (" enc", "M enc"),
    ("(): ", "(): "),
    ("GFPE", "GFPE"),
    ("C_BA", "XC_BAD"),
    ("erab", "verabl"),
    (" at ", "alled at "),
    ("Oops", "Oops"),
    ("ANIC", "PANIC"),
    ("chab", "achable"),
    (" her", "ut here ]"),
    ("EPOR", "REPORT"),
    ("RASH", "PPCRASH"),
    ("DLED", "ANDLED"),
    ("il v", "il value"),
    ("RTIO", "SERTION"),
    ("G at", "UG at"),
    ("Memo", "fMemory"),
    ("ATAL", "ATAL"),
    ("GSEG", "GSEG"),
    ("ceba", "ceback"),
    ("erne", "o handle kernel"),
    (" mem", "w memory: "),
    ("bort", "bort"),
    ("ANR ", "ANR in"),
    ("gche", "ugcheck"),
    (".erl", ".erl:"),
    ("GILL", "SIGILL"),
    ("XCEP", "XCEPTI"),
    ("elud", "Prelude."),
    ("in '", ":in '"),
    ("e:in", "de:internal"),
    ("gnal", "gnal"),
    ("age:", "(package:"),
    ("tl: ", "rtl: "),
    ("IGBU", "SIGBUS"),
    ("ed C", "aised C"),
    ("izer", "tizer"),
    ("*** ", "*** "),
    ("m_re", "om_reap"),
    ("IP: ", "IP: "),
    ("h Wi", "g with Windows"),
    ("GMEN", "EGMENTATION"),
    ("KILL", "GKILL"),
    ("tack", "tack"),
    ("em w", "tabase system was"),
    ("lt '", "ult '"),
    ("ltin", "lting "),
    ("iant", "nvariant"),
    ("quic", "oo quickly"),
    ("xecu", "xecution halted"),
    ("in `", "in `"),
    ("etec", "detected stall"),
    ("rray", "pArray"),
    ("-mem", "f-mem"),
    ("norm", "bnormal"),
    ("died", "died"),
    ("pcod", "opcode"),
    ("cedu", "n procedure"),
    ("chdo", "tchdog timeout"),
    ("tat ", "\\tat "),
    ("exit", "exit"),
    ("mit_", "mit_mem"),
    ("utin", "utine "),
    ("inat", "minat"),
    ("xpec", "nexpec"),
    ("kill", "killed"),
    ("l Tr", "l Trace"),
    ("iola", "violation"),
    ("rrup", "orrupt"),
    ("caug", "ncaught"),
    ("ror ", "ror compiling"),
    ("ine ", " line "),
    ("voke", "ugger invoked on"),
    ("cktr", "cktrace"),
    ("exc_", "exc_"),
    ("ual ", "rtual "),
    ("exs:", "exs:"),
    ("n\\t/", "n\\t/"),
    ("zero", "y zero"),
    ("k fa", "ck failed"),
    ("Kill", "Killed"),
    ("rtio", "rtion"),
    ("pm E", "pm ERR"),
    ("lega", "llega"),
    ("s_er", "hs_err"),
    ("faul", "gfault"),
    ("ror:", "ror: "),
    ("mped", "umped"),
    ("{mai", "{main}"),
    ("ckup", "ckup"),
    ("lloc", "llocat"),
    ("pm e", "pm e"),
    ("rash", "rash"),
    ("xcep", "xcept"),
    ("ed c", "g failed container"),
    ("atal", "Fatal"),
    ("urne", "urned -"),
    ("urne", "urned 1"),
    ("urne", "urned (1"),
    ("dled", "nhandled"),
    ("anic", "anic"),
    ("ocke", "ocked"),
    ("gmen", "egmentation"),
    ("kill", "om-kill"),
    ("atal", "fatal"),
    ("ror:", "nal error: "),
    (" err", "me error"),
    (" mem", "f mem"),
    ("Memo", "f Memory"),
    ("faul", " fault"),
    ("ror ", "ror ("),
    ("haus", "xhaustive"),
    ("Memo", "MemoryError"),
    (" at ", "  at "),
    ("voke", "voked from"),
    ("ror ", "ror in "),
    ("BEND", "BEND"),
    ("== I", "== Invalid "),
    ("R TI", "ER TIMEOUT"),
    ("p.!:", "p.!:"),
    ("dErr", "dError"),
    ("eErr", "NameErr"),
    ("GTRA", "SIGTRAP"),
    ("GSYS", "SIGSYS"),
    ("EGV_", "EGV_"),
    ("US_A", "BUS_ADR"),
    ("RASH", "CRASH"),
    ("kpoi", "eakpoint "),
    ("e du", "ore dump"),
    ("ng c", "umping core"),
    ("re-d", "ore-dump"),
    ("redu", "oredump"),
    ("h co", "ith code"),
    ("h st", "ith status"),
    ("a co", "ith a code"),
    ("a st", "ith a status"),
    ("rn c", "turn code"),
    ("urnc", "turncode"),
    ("Exit", "Exit"),
    ("Died", "Died"),
    ("rema", "rematur"),
    ("oo e", "too early"),
    ("udde", "sudden"),
    ("t wa", "ithout warning"),
    ("t no", "ithout notice"),
    ("t a ", "ithout a reason"),
    ("m ki", "oom kill"),
    ("OOM ", "OOM "),
    ("mOOM", "SystemOOM"),
    (" mem", "heap mem"),
    (" mem", "gpu mem"),
    (" mem", "virtual mem"),
    (" mem", "stack mem"),
    ("lloc", "d_alloc"),
    (" mem", "enlarge mem"),
    (" pro", "eneral prot"),
    ("oops", "oops"),
    ("AN: ", "ASAN: "),
    ("le p", "handle page"),
    ("stal", "ed stall"),
    ("d pa", "bad page"),
    ("d pa", "Bad page"),
    ("inke", "odules linked"),
    ("oo o", "too often"),
    ("oo f", "too fast"),
    ("mula", "ormulating"),
    ("nt N", "vent Name"),
    ("BEX6", "BEX64"),
    ("LR20", "LR20"),
    ("buck", "Fault bucket"),
    ("ailF", "ailFast"),
    ("VIOL", "_VIOLATION"),
    ("xc00", "0xc000"),
    ("xC00", "0xC000"),
    ("d ch", "econd chance"),
    ("dump", "ini dump"),
    ("dump", "inidump"),
    ("dump", "ore dump"),
    ("fass", "fassert"),
    ("+abi", "c++abi"),
    ("R602", "R6025"),
    ("le f", "uble free"),
    ("hing", "mashing det"),
    ("flow", "flow detected"),
    ("ed *", "etected ***"),
    ("p_ch", "munmap_ch"),
    ("ert ", "ssert failed"),
    ("CHEC", "CHECK("),
    ("CHEC", "CHECK_"),
    ("CHEC", "CHECK failed"),
    ("REAC", "TREACHED"),
    ("reac", "be reached"),
    ("LYSI", "DLYSIGNAL"),
    ("Fuzz", "ibFuzzer"),
    ("RINE", "ARINESS"),
    ("==ER", "==ERROR"),
    ("== E", "== ERROR"),
    ("F DE", "F DEBUG"),
    ("F li", "F libc"),
    ("F/li", "F/libc"),
    ("F ar", "F art"),
    ("t fi", "port file with"),
    ("F An", "F AndroidR"),
    ("tid:", "tid: "),
    ("h `R", "with `RUST"),
    ("e.go", "runtime.go"),
    ("e.ma", "runtime.main("),
    ("e.th", "runtime.throw"),
    ("nt c", "recent call"),
    ("d ma", "load main class"),
    ("d de", "hread death"),
    ("d by", "aused by: "),
    (") at", ") at "),
    (".php", ".php("),
    ("(fil", "(file:"),
    ("(dar", "(dart:"),
    (".jl:", ".jl:"),
    (".ex:", ".ex:"),
    ("n ch", "main chunk"),
    ("[C]:", "[C]: in"),
    ("efut", "refutable pat"),
    ("d se", "record selector"),
    ("w to", "hrow to key"),
    ("ive)", "rective) failed"),
    ("ed P", "aised PROGRAM"),
    ("ed S", "aised STORAGE"),
    ("ed T", "aised TASKING"),
    ("mpt ", "ttempt to "),
    ("o un", "to undefined f"),
    ("o a ", "to a member"),
    ("[BUG", "[BUG]"),
    ("eads", "threads left"),
    ("#PID", "#PID<"),
    ("t_er", "start_error"),
    ("wn_e", "shutdown_error"),
    ("loga", "Slogan: "),
    ("{bad", "{bad"),
    ("{fun", "{function_cl"),
    ("{cas", "{case_cl"),
    ("{und", "{undef,"),
    ("{nop", "{noproc,"),
    ("{noc", "{nocatch,"),
    ("row ", "hrow e"),
    ("LIFE", "ELIFECYCLE"),
    ("aili", "bailing out"),
    ("ot c", "not continue"),
    ("'t c", "'t continue"),
    ("utti", "utting down"),
    ("t pr", "not proceed"),
    ("t pr", "'t proceed"),
    ("o co", "to continue"),
    ("o pr", "to proceed"),
    ("ompi", "ompiler err"),
    ("halt", "halted"),
    ("merg", "mergency s"),
    ("edit", "editation"),
    ("e sc", "lue screen"),
    ("ug c", "ug check"),
    ("oted", "rebooted without"),
    ("m ki", "Oom kill"),
    ("lled", "alled `"),
    ("ILED", "FAILED TO START"),
    ("ORA-", "ORA-"),
    ("raps", "raps: "),
    ("ykil", "rykiller: "),
    ("bend", "bend"),
    ("mini", "a mini"),
    ("rLos", "erLostE"),
    ("nPro", "okenPro"),
    ("rom ", "alled from "),
    ("sed ", "aised at "),
    ("sed ", "aised by "),
    ("e.js", "ode.js v"),
];

/// How many letters are searched for.
const LETTERS: usize = 4;

/// The fast search takes so many different letters at once; what is more goes into further ones.
const AT_ONCE: usize = 128;
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

/// The search for the letters of some pieces, and by number of the letters what stands before and behind them in each.
struct Search {
    letters: Letters,
    around: Vec<Vec<[&'static [u8]; 2]>>,
}

enum Letters {
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
        parts.map(|(letters, around)| Self { letters: Letters::of(letters), around: around.to_vec() }).collect()
    }
}

impl Letters {
    fn of(letters: &[&str]) -> Self {
        let mut config = packed::Config::new();
        match config.heuristic_pattern_limits(false).builder().extend(letters).build() {
            Some(fast) => Self::Fast(fast),
            None => {
                let plain = AhoCorasick::new(letters);
                Self::Plain(plain.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}")))
            }
        }
    }

    /// Where they stand at or after `from`, and which.
    #[inline]
    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
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

/// Where the letters of a piece of one search stand at or after `from`.
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
