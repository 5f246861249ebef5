// SPDX-License-Identifier: Apache-2.0
// Training runs as rows (N, D, E[, G, A, S], loss) from a CSV.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/csv.h"
#include "moecost/law/law.h"
#include "moecost/law/robust.h"

namespace moecost {

/// Which rows and columns of a table are runs. Names that are not listed stand for themselves.
struct RunSelection {
    std::map<std::string, std::string, std::less<>> columns;   // "N" -> "params_N"
    struct Filter {
        std::string column;
        std::vector<std::string> values;   // a row stays when its field is one of them
    };
    std::vector<Filter> filters;
};

struct TrainingRuns {
    std::string file;
    std::vector<Observation> rows;
    TrainingRange range;   // of the rows, on the axes of the form
};

/// Reads the columns that the form needs. InputError: a column is missing, a field is empty, no number, not positive
/// or outside its domain, a filter leaves nothing.
[[nodiscard]] TrainingRuns read_runs(const CsvTable& table, const std::string& file, LossForm form,
                                     const RunSelection& selection);

}   // namespace moecost
