// SPDX-License-Identifier: Apache-2.0
// moecost-microbench without CUDA: lists cases, replays recorded tables, makes synthetic ones.
#include <iostream>

#include "host/registry.h"
#include "host/replay.h"
#include "host/session.h"
#include "synthetic/backend.h"

namespace {

microbench::Backend choose(const microbench::Options& options) {
    if (!options.replay.empty()) return microbench::replay_backend(options.replay);
    if (!options.synthetic.empty()) return microbench::synthetic_backend(options);
    throw microbench::NoDevice{"this build has no CUDA: it can --list, --replay and --synthetic"};
}

}   // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return microbench::session(arguments, microbench::listed_benches(), choose, std::cout, std::cerr);
}
