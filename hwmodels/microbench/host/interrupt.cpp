// SPDX-License-Identifier: Apache-2.0
#include "host/interrupt.h"

#include <csignal>

namespace microbench {
namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t signalled = 0;

extern "C" void on_signal(int signal) {
    signalled = 1;
    std::signal(signal, SIG_DFL);
}

}   // namespace

void catch_interrupts() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
}

bool interrupted() { return signalled != 0; }

}   // namespace microbench
