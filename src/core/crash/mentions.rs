//! Whether the words around a marker say that there was no crash: it is denied, counted as none, handled, or only
//! spoken of.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::kind::Kind;

/// A regular expression of ASCII in which letters stand for both cases.
fn regex(pattern: &str) -> Regex {
    let syntax = syntax::Config::new().unicode(false).utf8(false).case_insensitive(true);
    let config = Regex::config().utf8_empty(false);
    let built = Regex::builder().configure(config).syntax(syntax).build(pattern);
    built.unwrap_or_else(|error| unreachable!("a constant: {error}"))
}

/// Whether a text of one line is the name of a change, a test or a setting, and tells of nothing that happened.
pub(super) fn is_title(text: &str) -> bool {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| {
        const TAG: &str = r"^(?:[\w./-]+: )?\s*";
        const CHANGES: &str = r"(?:fix|fixes|fixed|fixing|add|adds|added|improve|improves|improved|avoid|avoids|prevent|prevents|don't|do not|remove|removes|removed|refactor|document|support|rename|introduce|implement|replace|ensure|clarify|mention|possible|better|revert|reverts|merge|merged|bump|bumps|docs?|deprecate|backport|create|handle|handles|use|extend|update|upgrade|release notes?|change ?log|cherry-pick|checkout|what's new|known issues?)";
        regex(&[
            // A commit with its digest, as deployment tools print it.
            TAG, r"(?:checkout:? |head is now at |deploy(?:ing|ed) |updat(?:ing|ed) |releas(?:ing|ed) |commit |applied |picked |\[\w+ )?(?:[0-9a-f]{7,40}(?:\.\.\.?[0-9a-f]{7,40})?)\]?:? [a-z\[`#.' \x22-]+",
            "|", TAG, r"(?:merge|merged) (?:pull request|branch|mr|remote)",
            "|", TAG, r"(?:fix|feat|chore|docs|tests?|refactor|perf|build|ci|style|revert)(?:\([^)]*\))?!?: ",
            // An imperative, a bullet or a heading of a change log.
            "|", TAG, r"(?:[*#-]+ (?:\S+: )?|\[[\w-]+\] )?(?:subtest: )?", CHANGES, r"\b[^=]*$",
            "|", TAG, r"##+ |", TAG, r"# (?:help|type|subtest)\b",
            "|", TAG, r"[*-] \S+: (?:\S+ ){2}",
            r"|\(#\d+\)$|closes: #\d+",
            "|", TAG, r"[a-z]+-\d{1,4}[.:] ",
            // Tests.
            "|", TAG, r"(?:not )?ok \d+|", TAG, r"(?:=== run|--- pass|pass(?:ed)?:? |\xe2\x9c[\x93\x94])|\b(?:passed|\.\.\. ok)$",
            // Code and documents.
            r"|^\s*(?://|<!--|--[a-z])",
        ].concat())
    });
    !text.trim_end().contains('\n') && TITLE.is_match(text)
}

/// Whether the words from `start` to `end` of a text are denied by those around them.
pub(super) fn denied(text: &str, (start, end): (usize, usize), kind: Kind) -> bool {
    // What is before the marker to part it from other words is none of its own.
    let start = start + text[start..end].find(|c: char| c.is_alphanumeric()).unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    // A colon belongs to what follows it.
    let end = start + text[start..end].trim_end_matches([':', ' ']).len();
    let (before, found, after) = (&text[line_start..start], &text[start..end], &text[end..line_end]);
    // "no worker crashed": the marker is the last word, and what denies it may be among the others.
    let head = &text[line_start..start + found.rfind(' ').map_or(0, |at| at + 1)];
    denied_before(clause(before, after), found, after)
        || denied_within(clause(head, after))
        || counted_none(found, after)
        || topic(before, found, after)
        || handled(before, after, kind)
}

/// The last clause of what is before. A comma ends it, unless a list goes on behind the marker.
fn clause<'t>(before: &'t str, after: &str) -> &'t str {
    static LIST: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:s|es)?,? (?:or|nor|and) \w+(?:s|es)?\b"));
    static END: LazyLock<Regex> = LazyLock::new(|| regex(r"[.;:!?]\s|\b(?:but|then|however|because)\b| - |\|"));
    let end = END.find_iter(before).last().map_or(0, |found| found.end());
    let clause = &before[end..];
    if LIST.is_match(after) {
        return clause;
    }
    clause.rfind(", ").map_or(clause, |comma| &clause[comma + 1..])
}

/// "no exceptions", "0 unhandled exceptions", "without any panic", "did not throw an exception".
fn denied_before(clause: &str, found: &str, after: &str) -> bool {
    static DENIAL: LazyLock<Regex> = LazyLock::new(|| {
        const FILLER: &str = r"(?:an?|any|the|more|further|new|other|single|known|unhandled|uncaught|unexpected|fatal|raised?|throws?|threw|thrown|throwing|caused?|causing|see|seen|saw|report|reported|have|had|has|been|was|were|is|are|be|got|errors?|exceptions?|worker|workers|process|task|thread|child|job|of|machine|check|these|those|running|run|longer|critical|runtime|serious|ever|yet|,|or|nor|and|panics?)";
        regex(&[r"\bhow to \w+ (?:a |an |the )?$|(?:\b(?:no|without|never|not|non|neither|nor|none|zero|cannot|hardly|nothing|nobody|free of|free from)|n't)[ -]+(?:", FILLER, r"(?:, | |-))*[^\w]?$"].concat())
    });
    static ZERO: LazyLock<Regex> = LazyLock::new(|| regex(r"(?:^|[\s(:=])0\s+(?:[\w-]+ ){0,3}$"));
    static HAPPENS: LazyLock<Regex> =
        LazyLock::new(|| regex(r"^s? (?:occurs?|happens?|is (?:thrown|raised)|are (?:thrown|raised))\b"));
    static MAY: LazyLock<Regex> = LazyLock::new(|| regex(r"^\w*[^:.;,]{0,40} (?:would|could|might|must|needs?)\b"));
    static IF: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:if|when|whether|unless|in case|should|would|could|may|might|can|will|to|on|for|until|before|prevents?|avoids?|avoiding|rehears\w+|when|whenever|each|every|simulated?|simulate|check for|checks for|test|expected|expecting)\b(?: (?:an?|any|the|it|process|worker|of|be|\w+))?[ -]*$",
        )
    });
    let plural = found.trim_end().ends_with(['s', 'S']);
    DENIAL.is_match(clause)
        || plural && ZERO.is_match(clause)
        || IF.is_match(clause) && (!is_exception(found) || HAPPENS.is_match(after))
        || MAY.is_match(after)
}

/// Whether a fixed form is only named: "AddressSanitizer: disabled", "assertion failed count: 0", "if the worker exits
/// with code 137".
pub(super) fn only_named(text: &str, start: usize, end: usize) -> bool {
    static STATE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\s*[:=]\s*(?:enabled|disabled|off|none|0 times)\s*(?:$|[,;)\]}\n])|^ (?:will|would) be\b|^[\x22']?\s*[:=]\s*false\b",
        )
    });
    static COUNT: LazyLock<Regex> =
        LazyLock::new(|| regex(r"^ (?:count|rate|total)s?\s*[:=]\s*0(?:\.0+)?\s*(?:$|[,;)\]}\n])"));
    static IF: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(?:if|whether|unless|in case|should)\s+(?:[\w'-]+\s+){0,4}$"));
    let end = start + text[start..end].trim_end_matches([':', '=', ' ']).len();
    let start = start + text[start..end].find(|c: char| c.is_alphanumeric()).unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    static OFF: LazyLock<Regex> = LazyLock::new(|| regex(r": (?:enabled|disabled|off|none)$"));
    // The text of an assertion may be "false".
    let state = STATE.is_match(&text[end..]) && !text[start..end].to_ascii_lowercase().contains("assert");
    let state = state || COUNT.is_match(&text[end..]);
    state || OFF.is_match(&text[start..end]) || IF.is_match(&text[line_start..start])
}

/// "no worker ", "0 workers ", where "crashed" follows.
fn denied_within(head: &str) -> bool {
    static DENIAL: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:no|not|never|nothing|nobody|none|neither|n't|without)(?: \w+)? $|(?:^|[\s(])0 \w+s $|\bsince (?:the |its )?(?:last|previous|latest) (?:\w+ )?$",
        )
    });
    DENIAL.is_match(head)
}

fn is_exception(found: &str) -> bool {
    found.trim_end_matches('s').to_ascii_lowercase().ends_with("exception")
}

/// "exceptions: 0", "exception(s): 0", "panic: none", "exceptions (0)", "errors so far -> 0", "Exceptions: {}".
fn counted_none(found: &str, after: &str) -> bool {
    static NONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^[\w]*(?:\(e?s\))?[\x22']?(?: (?:count|counts|counter|rate|total|totals|number|so far|seen|found|today|occurred|raised|in|the|last|past|this|per|since|start|startup|hours?|minutes?|days?|runs?|below|under|within|threshold|limit|\d+|\([^)]*\)))*\s*(?:[:=>(\[]|->|=>|\s|\xe2\x86\x92)+\s*[\x22']?(?:0+(?:\.0+)?%?|none|null|nil|false|off|disabled|never|no|n/a|\{\}|\[\])[\x22']?\s*(?:$|[\s,;)\]|}.])",
        )
    });
    static ALONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^[\w]*[\x22']?\s*[:=]\s*[\x22']?(?:0|none|null|nil|false|off|disabled|never|no|yes|n/a|\{\}|\[\])[\x22']?\s*(?:$|[,;)\]|}.]|\s\w+=| of (?:the )?\d| times\b)",
        )
    });
    static LIST: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s*[:=]\s*(?:\{|\[|true|yes|on\b|false)"));
    static COUNT: LazyLock<Regex> = LazyLock::new(|| regex(r"^ (?:count|rate|total|number|counter)"));
    // What follows the colon of a type is the text of the exception, whatever it says.
    let text_of_type = after.starts_with(':') && found.len() > "Exception".len() && found.ends_with("Exception");
    let plural = found.ends_with(['s', 'S']) || after.starts_with("(s)") || COUNT.is_match(after);
    plural && (NONE.is_match(after) || LIST.is_match(after)) || !text_of_type && ALONE.is_match(after)
}

/// The marker only says what something else is about: "exception handler", "exception-safe", "crash report".
fn topic(before: &str, found: &str, after: &str) -> bool {
    static ABOUT: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^[\x22')\]]*(?:s|es)?[ -]?(?:callback|calendar|capture|checks?|checkers?|class|classes|catcher|count:? 0|detection|detectors?|documentation|drills?|example|file|filters?|free|handlers?|handling|hooks?|level|listeners?|lists?|logging|loop|management|mappers?|mapping|messages?|middleware|mode|monitor|monitoring|names?|notifier|option|prevention|protection|policies|policy|recovery|reporter|reporting|rules?|safe|safety|set|setting|simulation|state|support|switch|tables?|tests?|threshold|tolerance|tolerant|tracker|tracking|translation|translator|types?|wording|serialization|port|port 0x|translator|mask|masks|injection|vector|vectors|interval)\b",
        )
    });
    // "exceptions enabled", "exceptions will be reported to the tracker": how the system is set up.
    static SET_UP: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^(?:s|es)? (?:are |is )?(?:enabled|disabled|supported|allowed|registered|configured|installed|armed|masked|added|attached)\b|^(?:s|es)? (?:will be|are) (?:reported|sent|logged|forwarded|written|collected|captured|uploaded|rethrown)\b",
        )
    });
    // "FROM exceptions", "handler for x.YException", "retryOn=[IOException, …", "query=…", "a market crash".
    static SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:from|into|table|update|join|index on)\s+[\x22'`\w.]*$|\b(?:handlers?|mappers?|listeners?)(?: \w+)? for (?:the )?$|(?:retry|ignor|skip|allow|handle|expect|exclud|includ|catch|swallow|rollback|record)\w*(?: \w+)?\s*[:=]\s*[\[({][^\])}]*$|(?:^|[\s,{(\x22'])(?:query|search|q|keywords?|question)[\x22']?\s*[:=]\s*[\x22']?[^\x22']*$|\b(?:recording|reporting|capturing|collecting|forwarding|tracking) (?:all |uncaught |unhandled )?$",
        )
    });
    // Words of other trades: "customs exception", "market crash".
    static TRADE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:holiday|price|pricing|compliance|customs|delivery|shipping|calendar|schedule|tax|risk) exceptions?$|\b(?:stock|market|car|plane|train|bike|traffic|road|vehicle|flash)s? crash(?: of)?$",
        )
    });
    static IDIOM: LazyLock<Regex> = LazyLock::new(|| regex(r"\bwith (?:the )?$"));
    static COUNTED: LazyLock<Regex> = LazyLock::new(|| regex(r"^ (?:count|rate|total|list|type|types|report)s?\b"));
    let lower = found.to_ascii_lowercase();
    let strong = lower.contains("fatal") || lower.contains("uncaught") || lower.contains("unhandled");
    if after.starts_with("-") && after[1..].starts_with(|c: char| c.is_ascii_lowercase()) && !after.starts_with("-in ")
    {
        return true;
    }
    // A name in code: `::method`, `.method`, `"name",`, `Name()`.
    const CANCELLED: [&str; 5] = ["interrupted", "cancelled", "canceled", "cancellation", "closedbyinterrupt"];
    let name = lower.rsplit(['.', ':']).next().unwrap_or_default();
    if CANCELLED.iter().any(|word| name.strip_suffix("exception").is_some_and(|name| name.ends_with(word)))
        || before.to_ascii_lowercase().ends_with("code\": \"")
    {
        return true;
    }
    let code = after.starts_with("::")
        || after.starts_with("()")
        || after.starts_with(['=', '+'])
        || after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_lowercase())
        || found.contains('_') && after.trim_start_matches([':', ' ', '=', '\t']).starts_with("true")
        || after.starts_with("/")
        || after.starts_with("`");
    ABOUT.is_match(after) && !(strong && COUNTED.is_match(after))
        || SET_UP.is_match(after)
        || SUBJECT.is_match(before)
        || TRADE.is_match(&[before, found].concat())
        || is_exception(found) && (IDIOM.is_match(before) && after.starts_with(" of") || code)
}

/// "handled by retry", "ignoring", "this is expected", "will retry"; and not "not handled".
fn handled(before: &str, after: &str, kind: Kind) -> bool {
    static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:handled|ignor(?:e|ed|es|ing)|swallow(?:ed|ing)?|suppress(?:ed|ing)?|discard(?:ed|ing)|tolerat(?:ed|ing)|recovered from|recovering from|recover from|expected|harmless|benign|retriable|retryable|recoverable|transient|test|testing|simulated|injected|user-level|http|using|supports?|support(?:ed|ing)|expecting|rehears\w+|simulating|injecting|catch|catching|catches|throws?|enable|enabled|disable|disabled|raise properly|installed|registered)(?: (?:an?|the|any|unexpected|expected|user-level|accept|exceptions?|errors?|\w+ing|\w+))?(?: of type)?\s*:?[ '\x22(<]*(?:[\w.$]+(?:\.|::))?$",
        )
    });
    static RETRIED: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(?:will retry|retrying|will be retried|reattempting|falling back|ignoring)\b"));
    static NOT: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\[recovered\]|\b(?:not|never|nothing|nobody|without|cannot|un|non|no)[ -](?:\w+ )?(?:be )?(?:handled|ignored|expected|recoverable|retriable|retryable|swallowed|suppressed|harmless|recovered|recover|retry|retried|retrying)\b|n't (?:be |been )?(?:handled|ignored|expected|recoverable|retriable)|\b(?:nothing|nobody|none|no one) (?:handled|caught|ignored)",
        )
    });
    static AFTER: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\w*[^.;]*?(?:\b(?:ignored|ignoring|swallowed|suppressed|discarded|tolerated|harmless|benign|averted|expected|disabled|retryable|retriable|will retry|will be retried|retrying|retried|retry in|retry will|reattempting|reconnecting|recovered|falling back|fell back|fallback|using default|trying again|try again|is normal|are normal|this is normal|is ok|can be ignored|may be ignored|safe to ignore|likely due to|maybe client|before authentication|preauth)\b)|[.;] (?:this is normal|ignoring|ignored|retrying|this is expected|will retry|reattempting|reconnecting|recovered|continuing|falling back|will be retried|can be ignored)\b|\?\s*$",
        )
    });
    static CAUGHT: LazyLock<Regex> = LazyLock::new(|| regex(r"\bcaught (?:an? |the )?$"));
    static SET_OFF: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?:[.;,(\[]| - | -- | => ?)\s?(?:(?:it |and |this |we |this error |error |attempt \S+ )?(?:is |was |are |can be |may be |safe to be |safely )?(?:ignored|ignoring|swallowed|suppressed|discarded|tolerated|harmless|benign|handled|expected|normal|retryable|retriable|recovered|reconnecting|reattempting)\b|(?:and )?(?:will retry|will be retried|retrying|retried|retry in|retry \d|trying again|try again|falling back|fell back|using default|continuing)\b)[^:]*$|^: (?:ignored|expected|handled|harmless)$|\bbefore authentication\b|\[preauth\]$",
        )
    });
    static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^[^.;:]*\b(?:averted|was expected|is expected|as expected|was simulated|simulated|disabled|on purpose|harmless|can be ignored)\b|\?\s*$",
        )
    });
    static HANDLED: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\w*(?:\(s\))?(?: (?:in|on|at|from|by|of|for) [\w ]{1,24}?)?(?:,? (?:but|and|it|raised|thrown|caught|occurred|was|were|is|are|has|have|been|got|then|already|successfully|gracefully|properly|safely|correctly))* handled\b",
        )
    });
    static GAVE_UP: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"\b(?:gave up|giving up|exhausted|no more retries|retries exceeded)\b|[,;.:-] ?(?:aborting|exiting|terminating|shutting down)\b",
        )
    });
    static END: LazyLock<Regex> = LazyLock::new(|| regex(r"[.;!?]\s|\b(?:but|then|however|because)\b"));
    let sentence = &before[END.find_iter(before).last().map_or(0, |found| found.end())..];
    let prefix = clause(before, after);
    if NOT.is_match(prefix) || NOT.is_match(after) || GAVE_UP.is_match(after) {
        return false;
    }
    if BEFORE.is_match(sentence) {
        return true;
    }
    // That a process is started again undoes no crash of it.
    if matches!(kind, Kind::Panic | Kind::Uncaught) {
        return HARMLESS.is_match(after);
    }
    // What follows the colon of an exception is its text, whatever it says: only what is set off from it speaks of it.
    let text_follows = after.starts_with(':') && !CAUGHT.is_match(before);
    let followed = if text_follows { &SET_OFF } else { &AFTER };
    RETRIED.is_match(before) || followed.is_match(after) || HANDLED.is_match(after)
}

/// Whether a message says that what happened was handled: "handled by retry", "error was handled"; and not "request
/// handled" or "handled 5 orders".
pub(super) fn says_handled(message: &str) -> bool {
    static HANDLED: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^handled (?:by|with|in|via|gracefully|internally)\b|^handled$|\b(?:errors?|exceptions?|failures?|timeouts?|it|this|faults?|\w+(?:error|exception))(?: (?:was|were|is|are|been|has|have|already|gracefully|properly|safely|successfully))* handled\b|(?:^|[^t] )handled (?:the |an? )?(?:\w*errors?|\w*exceptions?|failures?|timeouts?)\b",
        )
    });
    HANDLED.is_match(message)
}

/// Whether the text of a field named after exceptions only says that there was none: "no exception", "no errors raised".
pub(super) fn says_none(text: &str) -> bool {
    static NONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\s*(?:no|0|zero|without)(?: (?:any|further|new|known))? (?:error|exception)s?(?:$|[.,;!]| (?:caught|found|occurred|raised|reported|seen|thrown)\b)",
        )
    });
    NONE.is_match(text)
}
