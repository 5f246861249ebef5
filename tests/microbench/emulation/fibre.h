// SPDX-License-Identifier: Apache-2.0
// Threads of execution that take turns on one thread of the system, each with a stack of its own.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace microbench::tensor::emulator {

struct Fibre {
    std::unique_ptr<char[]> stack;   // none: that of the thread of the system
    std::size_t stack_bytes = 0;
    bool is_new = false;
    ucontext_t first{};             // where a new one begins
    void* place[5] = {};            // where any other goes on
    const void* bottom = nullptr;   // of the stack, for the address sanitizer
    void* fake_stack = nullptr;     // of the address sanitizer
};

/// Makes `fibre` begin at `main`, which must end with leave(), when it is next switched to. A stack it has is used again.
void prepare(Fibre& fibre, std::size_t stack_bytes, void (*main)());

/// Goes on in `to`; returns when something switches to `from`.
void switch_fibres(Fibre& from, Fibre& to);

/// Goes on in `to` for good.
[[noreturn]] void leave(Fibre& to);

/// First call of a `main`; `from`: the fibre that switched to it.
void arrive(Fibre& from);

}   // namespace microbench::tensor::emulator
