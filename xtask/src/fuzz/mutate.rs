//! Random changes of an input, the same for the same seed.

/// A small generator of numbers, good enough to mutate with.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// What readers trip over.
const TOKENS: &[&str] = &[
    "\"",
    "\\",
    "\\\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\t",
    "\0",
    "\u{1b}[31m",
    "\u{feff}",
    "\u{202e}",
    "\u{85}",
    "\\u0000",
    "\\ud800",
    "NaN",
    "-Infinity",
    "1e999",
    "-0",
    "18446744073709551616",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "ERROR",
    "error: ",
    "panic: ",
    "Traceback (most recent call last):\n",
    "  File \"x.py\", line 1, in <module>\n",
    "ValueError: x\n",
    "\tat a.b.C(D.java:1)\n",
    "2025-02-30T25:61:61Z",
    "9999-12-31T23:59:60+14:00",
    "1970-01-01",
    "level=",
    "\"level\":\"error\"",
    "data:",
    "event:",
    "id:",
    "retry:",
    "- [ ] ",
    "| a | b |\n|---|---|\n",
    "# ",
    "```\n",
    "<!--",
    "-->",
    "**",
    "100%",
    "../",
    "/",
    "é",
    "🦀",
    "<13>1 ",
    "[[",
    "]]",
    "= ",
    "\"\"\"",
];

/// One of `seeds` with a few changes, at most 32 KiB.
pub(crate) fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let Some(seed) = seeds.get(random.below(seeds.len())) else { return Vec::new() };
    // A window of a long seed is as good, and faster.
    let start = if seed.len() > 8192 { random.below(seed.len() - 4096) } else { 0 };
    let mut input = seed[start..seed.len().min(start + 8192)].to_vec();
    for _ in 0..1 + random.below(6) {
        change(&mut input, seeds, random);
    }
    input.truncate(32 << 10);
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + 1 + random.below(40)).min(input.len());
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.next() as u8,
        2 => drop(input.drain(at.min(end)..end)),
        3 => {
            let piece = input[at.min(end)..end].to_vec();
            let to = random.below(input.len() + 1);
            (0..1 + random.below(20)).for_each(|_| drop(input.splice(to..to, piece.iter().copied())));
        }
        4 => input.truncate(at),
        5 => {
            if let Some(other) = seeds.get(random.below(seeds.len())) {
                let from = random.below(other.len());
                let to = (from + random.below(400)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
        }
        6 => swap_lines(input, random),
        _ => {
            let token = TOKENS[random.below(TOKENS.len())].as_bytes();
            input.splice(at..at, token.iter().copied());
        }
    }
}

fn swap_lines(input: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    let (a, b) = (random.below(lines.len()), random.below(lines.len()));
    if a < lines.len() && b < lines.len() {
        lines.swap(a, b);
    }
    *input = lines.concat();
}
