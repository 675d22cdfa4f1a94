//! Fixed forms of languages, runtimes and tools: headers of crash reports, frames of stack traces, failed checks.

use super::super::classify::Kind::{FatalError, Panic, StackTrace, Uncaught};
use super::{Rule, sure, unless_denied};

pub(super) const RULES: &[Rule] = &[
    // C and C++.
    sure(
        Panic,
        "terminate called( after| without| recursively|[.:!]|$)|terminating (due to|with|because of) (an )?uncaught|libc\\+\\+abi: *|(std::)?abort(\\(\\))? (was|has been|is) called|pure virtual (method|function) call(ed)?|abort\\(\\) called|called abort\\(\\)|std::terminate\\(\\) (was )?called|R6025|runtime error!",
        &[
            "terminate called after throwing an instance of 'std::runtime_error'",
            "libc++abi: terminating due to uncaught exception of type feed_error",
            "abort() has been called",
            "pure virtual method called",
        ],
        &["terminate requested", "abort called off", "terminate called on 3 workers, all stopped"],
    ),
    sure(
        Panic,
        "(free|malloc|calloc|realloc|munmap_chunk|malloc_consolidate|tcache_thread_shutdown|__fortify_fail)\\(\\): (corrupted|double|invalid|memory|mismatching|unaligned|unsorted|chunk|unlink|largebin|smallbin|too many)|double free (or corruption|detected)|corrupted (size vs|double-linked|top size|unsorted)|(smashing|overflow) detected|detected \\*\\*\\*|heap corruption detected|stack smashing( detected|$|[!:] )|malloc: \\*\\*\\* error|pointer being freed was not allocated|munmap_chunk\\(\\)",
        &[
            "free(): double free detected in tcache 2",
            "free(): invalid pointer",
            "double free or corruption (out)",
            "corrupted size vs. prev_size",
            "malloc(): corrupted top size",
            "*** stack smashing detected ***: terminated",
            "*** buffer overflow detected ***: terminated",
        ],
        &["malloc(): 5 bytes", "corrupted record skipped", "stack smashing protection: enabled"],
    ),
    sure(
        Panic,
        "assertion( \\(…\\))? (failed|failure|violated|error)|assertion [`'\"]… failed|: assertion … failed|assertion failed:?|^assert failed|assert(ion)? failed|\\] check failed[:.]|(^|\\# |: |security )check failed[:.]|DCHECK(_[A-Z]+)?\\(|CHECK failed|NOTREACHED( hit|\\(\\))|(entered|reached|hit|internal error:) unreachable( code)?|debug assertion failed|assertion statement|static assertion|failed assertion|contract violation: |check failure stack trace|code should not be reached|invariant\\(\\) failure|fatal assertion #",
        &[
            "feed: feed.c:3: main: Assertion `x > 0' failed.",
            "Assertion failed: (x > 0), function main, file feed.c, line 3.",
            "GLib:ERROR:../feed.c:70:feed_read: assertion failed: (n < max)",
            "[0115/090948.9:ERROR:feed.cc(41)] Check failed: index < size.",
            "ASSERTION FAILED: ready",
            "internal error: entered unreachable code",
        ],
        &["assertion checks enabled", "all assertions passed"],
    ),
    sure(
        Panic,
        "(address|thread|leak|memory|hwaddress|undefinedbehavior|hwaddress|kernel)sanitizer: *|DEADLYSIGNAL|libFuzzer: (deadly signal|out-of-memory|timeout|fuzz target)|:#:(#:)? runtime error: |runtime error: (signed integer|unsigned integer|division by zero|null pointer|load of|member (access|call)|index * out of bounds|shift exponent|left shift|applying)|^==#==( )+(Invalid (read|write|free)|Process terminating with)|^ ?SCARINESS: #|==#== ?ERROR: ",
        &[
            "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
            "AddressSanitizer:DEADLYSIGNAL",
            "==7== ERROR: libFuzzer: deadly signal",
            "feed.c:12:5: runtime error: signed integer overflow: 2147483647 + 1",
            "WARNING: ThreadSanitizer: data race (pid=7)",
            "==7== Invalid read of size 8",
            "==7== Process terminating with default action of signal 11 (SIGSEGV)",
        ],
        &["AddressSanitizer enabled", "AddressSanitizer: disabled", "built with UndefinedBehaviorSanitizer"],
    ),
    // glog, Chromium, Android, V8.
    sure(
        FatalError,
        "\\[\\S*:FATAL:*\\(#\\)\\]|^(… )?F (libc|DEBUG|art|AndroidRuntime)( |:)|^F/libc( |:)|^(E/)?AndroidRuntime( *)?: FATAL|fatal error in *, line #|runtime error in *, line #|native stack trace -|\\*\\*\\* \\*\\*\\* \\*\\*\\* \\*\\*\\*|^fatal error in (CALL|v8|V8)|pid: #, tid: #, name: …>>>|ANR in *|signal # \\(SIG*\\), code",
        &[
            "[1201/130354.77:FATAL:feed.cc(58)] book crossed",
            "F/libc    ( 803): Fatal signal 11 (SIGSEGV) at 0x0 (code=1)",
            "# Fatal error in ../../src/feed.h, line 54",
            "ANR in com.example.feed",
            "----- Native stack trace -----",
            "pid: 12, tid: 13, name: feedd  >>> /system/bin/feedd <<<",
        ],
        &["F5 pressed", "F1 score 0.9"],
    ),
    // Go, Rust, Zig.
    sure(
        Panic,
        "panicked at|goroutine stack exceeds|called `(Result|Option)::(unwrap|expect)|attempt to (add|subtract|multiply|divide|negate|shift left|shift right|calculate the remainder) with overflow|thread '…' (\\(#\\) )?panicked|panicked while|goroutine # panicked|thread # panic: |has overflowed its stack|panic\\([^)]+\\)|panic!|thread panicked|run with `RUST_BACKTRACE|unexpected fault address|panic recover|http: panic serving|recovered from panic|observed a panic|panic while|panic in (worker|goroutine|thread|handler)|(domain|kernel|system) panic( has occurred| -)|panic (occurred|shutdown|detected|caught|recovered)|cascading panic|panic in a (function|destructor)",
        &[
            "thread 'main' panicked at src/main.rs:4:5:",
            "thread 'main' (4711) panicked at src/main.rs:4:5:",
            "goroutine 17 panicked while closing",
            "http: panic serving 10.0.0.1:80: boom",
            "panic(thread 95):Segmentation fault at address 0x20",
            "thread 'main' has overflowed its stack",
            "thread 12 panic: index out of bounds",
            "runtime: goroutine stack exceeds 1000000000-byte limit",
            "attempt to subtract with overflow",
            "kernel panic - not syncing",
        ],
        &[
            "panic button disabled by operator",
            "panic sell signal ignored",
            "panic stop requested",
            "panic example v001",
            "Setting up gofailpoint raftBeforeSave=panic",
        ],
    ),
    sure(
        FatalError,
        "fatal error: (all goroutines|concurrent map|stack overflow|runtime|unexpected signal|out of memory|sync|unexpectedly found|morestack)|fatal runtime error",
        &[
            "fatal error: all goroutines are asleep - deadlock!",
            "fatal runtime error: stack overflow",
            "fatal error: unexpectedly found nil while unwrapping an Optional value",
        ],
        &[],
    ),
    sure(
        StackTrace,
        "^goroutine # …\\[…\\]:|^runtime\\.(gopark|goexit|main|throw|gopanic)\\(|goroutine # \\[*( *)?\\]:",
        &["goroutine 1 [running]:", "goroutine 17 gp=0xc000 m=nil [select, 5 minutes]:"],
        &["goroutine 5 started"],
    ),
    // Python.
    sure(
        StackTrace,
        "traceback \\((most recent call (last|first)|innermost last)\\)|\\(most recent call (first|last)\\):|^File \"…\", line #(, in *)?$|Task exception was never retrieved|Exception ignored in: ",
        &[
            "Traceback (most recent call last):",
            "Current thread 0x00007f (most recent call first):",
            "  File \"/srv/app/feed.py\", line 3, in run",
            "  File \"/srv/app/feed.py\", line 3",
            "Task exception was never retrieved",
        ],
        &["order traceback id 991", "traceback: disabled", "File \"feed.yaml\", line 3: unknown key"],
    ),
    sure(
        FatalError,
        "fatal python error|WORKER TIMEOUT \\(pid:#\\)|WorkerLostError|ExecutorLostFailure|BrokenProcessPool|TerminatedWorkerError|worker exited prematurely|process pool was terminated abruptly",
        &[
            "Fatal Python error: Segmentation fault",
            "[CRITICAL] WORKER TIMEOUT (pid:44)",
            "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 1.')",
            "ExecutorLostFailure (executor 4 exited unrelated to the running tasks)",
        ],
        &[],
    ),
    // JVM.
    sure(
        StackTrace,
        "exception in thread (\"…\"|\\S+:)",
        &["Exception in thread \"main\" java.lang.IllegalStateException: boom", "Exception in thread Thread-1:"],
        &[],
    ),
    sure(
        Uncaught,
        "could not find or load main class|could not create the java virtual machine|(terminating|aborting|exiting) due to (java\\.lang\\.)?*|halting due to out of|APPLICATION FAILED TO START|(java virtual machine|jvm) (crashed|exited|terminated)|thread death",
        &[
            "Error: Could not find or load main class Feed",
            "APPLICATION FAILED TO START",
            "Terminating due to java.lang.OutOfMemoryError: Java heap space",
        ],
        &["thread \"main\" started"],
    ),
    sure(
        StackTrace,
        "^Caused by: <Exception>|^Caused by: *\\.*|^(native |c |current |full |crash )?stack ?trace:$|(printed|dumping|current|c|first throw call|native|print) (stack|stack trace|call stack)[: =]*$|stack backtrace:|stack traceback:|^traceback:$|^(backtrace|call stack|callstack|stacktrace|stack trace):$|backtrace for this error|\\*\\*\\* (backtrace|first throw)|== … ?stack trace ==",
        &[
            "Caused by: java.io.IOException: closed",
            "stack backtrace:",
            "stack traceback:",
            "Stacktrace:",
            "*** First throw call stack:",
            "Backtrace for this error:",
            "==== C stack trace ===============================",
            "*** backtrace of 17715 ***",
        ],
        &["traceback: disabled", "Caused by: the operator", "stack trace collection: off"],
    ),
    // Native frames: gdb, glibc, sanitizers, macOS, Dart, PHP, Julia, Elixir, Haskell.
    sure(
        StackTrace,
        "^\\#\\d+ +<hex> (in )?*|^\\#\\d+ +* \\(…\\) at *:#|^\\#\\d+ +…\\.php\\(#\\)|^\\#\\d+ +…\\((package:…|file:…|dart:…)\\)|^\\#\\d+ +\\{main\\}|^ ?thrown in * on line #|^\\S+\\(\\S+\\+<hex>\\) ?\\[<hex>\\]|^\\d+ +* +<hex> … \\+ #|^ *\\[\\d+\\] … (at|@) *\\.jl:#|^(\\(\\w+ [\\d.]+\\) )?\\S+\\.(ex|erl|exs):#: |, called at *:#:# in *|^invoked from within$|: in main chunk|^\\[C\\]: in |^Called from \\S+ in file |^Raised (at|by) \\S+ in file |^\\tmain::* called at * line #",
        &[
            "#0  0x00007f0000000000 in feed_read () from /srv/lib/feed.so",
            "    #0 0x55f13bb in operator delete(void*)",
            "#0      Feed.read (package:feed/feed.dart:26:54)",
            "/srv/bin/feedd(feed_read+0x3b)[0xf2bb6b]",
            "0   libsystem_kernel.dylib   0x00007fff2052554e __abort + 10",
            "    (stdlib 4.2) proc_lib.erl:240: :proc_lib.init_p_do_apply/3",
            "  error, called at feed.hs:3:5 in main:Main",
            "    invoked from within",
            "#0 {main}",
        ],
        &["#1 priority", "#3 in the queue", "called from the shell"],
    ),
    // Haskell, OCaml, Lisp, Scheme, Tcl, Prolog, R, Julia, Fortran, Perl, Ruby, Lua, PHP.
    sure(
        Uncaught,
        "\\*\\*\\* exception|thread blocked indefinitely in|CallStack \\(from HasCallStack\\)|Prelude\\.*: *|Map\\.!: given key|<<loop>>$|non-exhaustive (patterns|guards)|irrefutable pattern failed|no match in record selector",
        &[
            "*** Exception: book crossed",
            "feedd: thread blocked indefinitely in an MVar operation",
            "CallStack (from HasCallStack):",
            "feedd: Prelude.head: empty list",
            "feedd: Map.!: given key is not an element in the map",
            "feedd: <<loop>>",
        ],
        &["*** done ***"],
    ),
    sure(
        Uncaught,
        "^exception: (Failure|Not_found|Invalid_argument|Stack_overflow|Sys_error|End_of_file|Division_by_zero)|^fatal error: exception|execution halted|^error in *\\(…\\) ?:|^ERROR: LoadError|fortran runtime error|forrtl: (severe|error) \\(|libcob: …error: |syntax error compiling at|illegal memory access|runtime error \\d+ at|terminated due to an (unhandled exception|internal error)|debugger invoked on|unhandled (simple-error|memory-fault|*-error|condition)|in procedure *: *|throw to key|(goal|directive) … raised exception|Goal \\(directive\\) failed|raised (CONSTRAINT|PROGRAM|STORAGE|TASKING)_ERROR",
        &[
            "Exception: Failure \"hd\".",
            "Error in read_book(-1) : depth must be positive",
            "Execution halted",
            "ERROR: LoadError: book crossed",
            "At line 7 of file feed.f90\nFortran runtime error: End of file",
            "forrtl: severe (24): end-of-file during read",
            "debugger invoked on a SIMPLE-ERROR in thread",
            "In procedure car: Wrong type argument in position 1: ()",
            "raised CONSTRAINT_ERROR : feed.adb:7 index check failed",
        ],
        &["ERROR in 0 files", "uncaught exception handlers registered", "uncaughtException listener attached"],
    ),
    sure(
        Uncaught,
        "(illegal division by zero|can't locate (object method|*)|can't (open|call|use|load|exec|modify) …|died|undefined subroutine …|not a (code|hash|array) reference|modification of a read-only value …|deep recursion …|…) at (-e|*\\.(pl|pm|t|cgi)) line #\\.?$|^BEGIN failed--compilation aborted|execution of * aborted due to compilation|attempt to (index|call|perform|compare|concatenate) (a|an|two|field|local|global|upvalue|number|nil)…|call to (undefined|a member) (function|method)|(integer |)division by zero$|divide by zero$",
        &[
            "Illegal division by zero at feed.pl line 3.",
            "Can't locate object method \"open\" via package \"Feed\" at -e line 1.",
            "died at /srv/feed.pl line 12.",
            "lua: feed.lua:1: attempt to index a nil value (local 't')",
            "BEGIN failed--compilation aborted at feed.pl line 2.",
        ],
        &["attempt to call the broker succeeded", "see page 3 line 4."],
    ),
    sure(
        StackTrace,
        "^*:#:in [`'][^`'\"]+': … \\([A-Z][A-Za-z:]+\\)$|^ ?from *:#:in [`']*|undefined (method|local variable or method) [`']…\\((NoMethod|Name)Error\\)|\\[BUG\\] *|stack level too deep|no live threads left|deadlock\\? \\(fatal\\)",
        &[
            "feed.rb:12:in `read': boom (RuntimeError)",
            "feed.rb:7: [BUG] Segmentation fault at 0x0",
            "undefined method `close' for nil:NilClass (NoMethodError)",
            "\tfrom feed.rb:20:in `<main>'",
        ],
        &["see feed.rb in 'lib'"],
    ),
    // Erlang and Elixir.
    sure(
        Uncaught,
        "=(CRASH|ERROR|SUPERVISOR) REPORT=*|crasher:|in process * (on node * )?with exit value|(connection )?process exit with reason: |init terminating in|runtime terminating during boot|kernel pid terminated|generic (server|event handler|fsm) * terminating|GenServer * terminating|state machine * terminating|(process|task|agent|GenServer) \\#PID<*> … ?(terminating|raised|terminated)|^\\*\\* \\([A-Za-z.]+\\) *|\\*\\* \\((exit|stop|throw|[A-Z]*Error)\\) *|\\*\\* reason for termination|had child * started with … exit with reason|exit with reason …in context (child_terminated|start_error|shutdown_error)|context: (child_terminated|start_error|shutdown_error)|process <[\\d.]+> …exited with reason: |\\*\\* \\(EXIT from|crash dump (is being|was) written|exception (error|exit|throw): |^Slogan: |\\{(badmatch|function_clause|case_clause|badarith|undef|noproc|nocatch|badarg),",
        &[
            "=CRASH REPORT==== 6-Jan-2025::00:00:00 ===",
            "** (RuntimeError) boom",
            "GenServer #PID<0.65.0> terminating",
            "Generic server feed terminating",
            "Supervisor {<0.82.0>,feed_sup} had child feed started with feed:start_link() at <0.7.1> exit with reason badarg in context child_terminated",
            "init terminating in do_boot",
            "Error in process <0.27.0> with exit value: {badmatch,[1]}",
            "Error in process <0.27.0> on node 'feed@host' with exit value:",
        ],
        &["=PROGRESS REPORT==== 6-Jan-2025::00:00:00 ===", "Eshell V5.4 (abort with ^G)"],
    ),
    // Web and scripts.
    sure(
        Uncaught,
        "uncaught \\(in promise\\)|uncaught (<Exception>|error:|*Error:)|^ ?throw (err|e|error|er);?( //…)?$|^node:internal/*:#$|^Node\\.js v#\\.#|npm ERR!|npm error (code|lifecycle|command)|ELIFECYCLE|^\\(node:#\\) UnhandledPromise*",
        &[
            "error: Uncaught (in promise) Error: No such host",
            "Uncaught TypeError: x is undefined",
            "node:internal/modules/cjs/loader:1210",
            "npm ERR! code ELIFECYCLE",
        ],
        &["node:internal is a module scheme"],
    ),
    sure(
        FatalError,
        "PHP (fatal|parse) error: |fatal error</b>|\\*\\*\\* \\[…\\] error #|make(\\[#\\])?: \\*\\*\\* ",
        &[
            "PHP Fatal error:  Uncaught RuntimeException: ledger locked in /srv/a.php:3",
            "make: *** [Makefile:2: all] Error 1",
            "make[1]: *** No rule to make target 'feed'.  Stop.",
        ],
        &["*** done"],
    ),
    unless_denied(
        Uncaught,
        "(uncaught|unhandled) (<Exception>|exception|exceptions|error|errors|* exception|* error|python exception|rejection|promise rejection|promise|fault|throw|panic|signal|trap|interrupt|page fault)|uncaught in|unhandled(promise)?rejection(warning)?|unhandled promise rejection|an unhandled|has thrown an unhandled|exception (was |is )?(not caught|uncaught|unhandled|not handled|never retrieved)|*UncaughtExceptionHandler: |*Uncaught *Exception",
        &[
            "Unhandled exception. System.InvalidOperationException: boom",
            "Uncaught exception in worker",
            "UNHANDLED REJECTION! Shutting down...",
            "unhandledRejection at: Promise",
            "exception not handled",
            "unhandled error type mismatch",
            "a BackgroundService has thrown an unhandled exception",
        ],
        &[
            "uncaught exceptions 0",
            "Unhandled Error Count: 0",
            "installed unhandled exception handler",
            "registered unhandledRejection handler",
            "unhandled order type",
            "Drained 0 uncaught exceptions",
            "Uncaught exception handlers registered",
        ],
    ),
];
