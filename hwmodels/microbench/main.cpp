// SPDX-License-Identifier: Apache-2.0
// moecost-microbench: measures the kernels of one GPU, or replays what was measured.
#include <iostream>

#include "bench/benches.h"
#include "device/backend.h"
#include "host/replay.h"
#include "host/session.h"

namespace {

microbench::Backend choose(const microbench::Options& options) {
    if (!options.replay.empty()) return microbench::replay_backend(options.replay);
    return microbench::cuda_backend();
}

}   // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return microbench::session(arguments, microbench::benches(), choose, std::cout, std::cerr);
}
