// SPDX-License-Identifier: Apache-2.0
// A build without MPI: --mpi says so.
#include "sweep/sweep.h"

namespace moecost::cli {

Ranks::Ranks() {
    throw InputError({"--mpi"}, {}, "this program was built without MPI", "configure with -DMOECOST_MPI=ON");
}
Ranks::~Ranks() = default;

SweepSummary Ranks::coordinate(const DataStore& data, const Grid& grid, const SweepOptions& options) {
    return moecost::run_sweep(data, grid, options);
}

void Ranks::evaluate_blocks(const DataStore&, const Grid&, const RowStyle&) {}

}   // namespace moecost::cli
