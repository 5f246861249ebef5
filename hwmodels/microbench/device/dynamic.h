// SPDX-License-Identifier: Apache-2.0
// Libraries found when the program runs: what lacks them is skipped, everything else works.
#pragma once

#include <dlfcn.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "host/bench.h"

namespace microbench {

/// The first of the names that the loader finds; null when there is none.
[[nodiscard]] inline std::shared_ptr<void> open_library(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
            return {library, [](void*) {}};   // never closed: libraries of drivers do not survive it
        }
    }
    return nullptr;
}

/// A function of the library by its name; SkipCase when it has none of that name.
template <class Function>
void load_function(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    if (function == nullptr) throw SkipCase{std::string("the library lacks ").append(name)};
}

}   // namespace microbench
