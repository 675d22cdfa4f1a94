//! Memory that runs out is an error that says so, and a small limit of it is lived with.

use std::alloc::{GlobalAlloc, Layout, System};

use rustix::process::{Resource, getrlimit};

/// So much address space is enough for one more thread, with its stack, its buffers and the longest lines.
const THREAD: u64 = 128 << 20;

/// The allocator of the system; where that has nothing left, the program ends with an error rather than a crash.
struct Limited;

#[global_allocator]
static MEMORY: Limited = Limited;

#[expect(unsafe_code, reason = "an allocator can only be wrapped in unsafe code")]
// SAFETY: every call goes to the allocator of the system as it came; what is returned is its answer.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises that the system asks for.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        checked(unsafe { System.realloc(pointer, layout, size) })
    }
}

#[inline]
fn checked(pointer: *mut u8) -> *mut u8 {
    if pointer.is_null() {
        run_out();
    }
    pointer
}

/// Ends the program. Nothing here may ask for memory.
#[cold]
fn run_out() -> ! {
    let text =
        b"error: out of memory; raise the limit (ulimit -v), use fewer threads (--threads 1), or give smaller inputs\n";
    let _ = rustix::io::write(rustix::stdio::stderr(), text);
    std::process::exit(3)
}

/// Lives with a small limit of address space: the C library would reserve 64 MiB of it for each thread.
pub(crate) fn live_within_limit() {
    #[cfg(target_env = "gnu")]
    if limit().is_some() {
        #[expect(unsafe_code, reason = "a setting of the C library")]
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        const ARENA_MAX: i32 = -8;
        // SAFETY: the call changes a setting of the allocator, which is made for that, and takes any numbers.
        #[expect(unsafe_code, reason = "a setting of the C library")]
        let _ = unsafe { mallopt(ARENA_MAX, 1) };
    }
}

/// How many threads have room in the address space that this process may use.
pub(crate) fn threads() -> usize {
    limit().map_or(usize::MAX, |limit| usize::try_from(limit / THREAD).unwrap_or(usize::MAX).max(1))
}

/// The limit of the address space, in bytes; none if there is none.
fn limit() -> Option<u64> {
    getrlimit(Resource::As).current
}
