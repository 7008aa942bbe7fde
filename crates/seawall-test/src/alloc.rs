//! How much a piece of code allocates, counted for each thread by itself.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

thread_local! {
    // Constant and without a destructor, so that reaching it never allocates.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// A global allocator that counts the allocations of each thread.
///
/// # Examples
///
/// Does this code allocate?
///
/// ```
/// use seawall_test::{CountingAllocator, allocations};
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator::system();
///
/// let (sum, count) = allocations(|| (1..=100).sum::<u32>());
/// assert_eq!((sum, count), (5050, 0));
/// let (_, count) = allocations(|| vec![0_u8; 64]);
/// assert_eq!(count, 1);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator<A = System>(A);

impl CountingAllocator {
    /// Counts, and lets the system's allocator do the work.
    #[must_use]
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> CountingAllocator<A> {
    /// Counts, and lets `allocator` do the work.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

#[expect(unsafe_code, reason = "the trait is unsafe to implement and to call")]
// SAFETY: each method passes its arguments and its result on unchanged to an allocator that keeps
// the contract; counting touches a `Cell` of this thread and neither allocates nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for CountingAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract towards us.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract towards us.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same contract towards us; `block` is the inner allocator's.
        unsafe { self.0.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same contract towards us; `block` is the inner allocator's.
        unsafe { self.0.dealloc(block, layout) }
    }
}

fn count() {
    // A thread that is being torn down may allocate after its locals are gone.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

/// Runs `f`, and tells how often it allocated (or grew an allocation) on this thread.
///
/// # Panics
///
/// Where no [`CountingAllocator`] is the program's global allocator: nothing would be counted, and
/// zero would look like success.
#[track_caller]
pub fn allocations<T>(f: impl FnOnce() -> T) -> (T, u64) {
    assert!(
        is_installed(),
        "nothing counts allocations here; add to the test:\n\n    \
         #[global_allocator]\n    \
         static ALLOCATOR: seawall_test::CountingAllocator = seawall_test::CountingAllocator::system();\n"
    );
    let before = COUNT.get();
    let done = f();
    (done, COUNT.get() - before)
}

fn is_installed() -> bool {
    let before = COUNT.get();
    drop(black_box(Box::new(black_box(0_u8))));
    COUNT.get() > before
}
