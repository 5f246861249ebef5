// SPDX-License-Identifier: Apache-2.0
// The switch itself is __builtin_setjmp and __builtin_longjmp: swapcontext would ask the kernel for the signal mask each
// time, and under the address sanitizer clear the shadow of a whole stack, which was most of the time of the tests.
#include "emulation/fibre.h"

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace microbench::tensor::emulator {
namespace {

#if defined(__SANITIZE_ADDRESS__)
void announce(void** fake_stack, const Fibre& to) {
    __sanitizer_start_switch_fiber(fake_stack, to.bottom, to.stack_bytes);
}
void announce_return(void* fake_stack, const void** bottom, std::size_t* bytes) {
    __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
}
#else
void announce(void**, const Fibre&) {}
void announce_return(void*, const void**, std::size_t*) {}
#endif

/// Apart from the setjmp, as the compiler wants it; not seen by the sanitizer, which would clear the stack.
[[noreturn, gnu::noinline, gnu::no_sanitize("address")]] void go_on(Fibre& to) {
    if (!to.is_new) __builtin_longjmp(to.place, 1);
    to.is_new = false;
    setcontext(&to.first);
    std::abort();
}

[[gnu::noinline, gnu::no_sanitize("address")]] void swap(Fibre& from, Fibre& to) {
    if (__builtin_setjmp(from.place) == 0) go_on(to);
}

}   // namespace

/// A function of its own: getcontext returns twice, and nothing of its caller may be lost by it.
[[gnu::noinline]] void prepare(Fibre& fibre, std::size_t stack_bytes, void (*main)()) {
    if (!fibre.stack) fibre.stack = std::make_unique_for_overwrite<char[]>(stack_bytes);
    fibre.bottom = fibre.stack.get();
    fibre.stack_bytes = stack_bytes;
    fibre.is_new = true;
    getcontext(&fibre.first);
    fibre.first.uc_stack.ss_sp = fibre.stack.get();
    fibre.first.uc_stack.ss_size = stack_bytes;
    fibre.first.uc_link = nullptr;
    makecontext(&fibre.first, main, 0);
}

void switch_fibres(Fibre& from, Fibre& to) {
    announce(&from.fake_stack, to);
    swap(from, to);
    announce_return(from.fake_stack, nullptr, nullptr);
}

void leave(Fibre& to) {
    announce(nullptr, to);
    go_on(to);
}

void arrive(Fibre& from) {
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    announce_return(nullptr, &bottom, &bytes);
    if (from.stack) return;
    from.bottom = bottom;   // that of the system's thread is known only now
    from.stack_bytes = bytes;
}

}   // namespace microbench::tensor::emulator
