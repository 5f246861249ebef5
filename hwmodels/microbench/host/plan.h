// SPDX-License-Identifier: Apache-2.0
// The order of the cases, so that a run which ends early has measured what tells most.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "host/run.h"

namespace microbench {

/// Rows that the fit of a table wants in each of its groups: with a fifth held out and some dropped, five are left for
/// each parameter of its form. Other tables, which no form is fitted to, want a few.
[[nodiscard]] std::size_t wanted_rows(const std::string& table);
[[nodiscard]] bool has_form(const std::string& table);

/// What is fitted together: table, kernel, number format and text columns, such as
/// "attention_decode/mma_flash_decode_page64/bfloat16/kv_dtype=fp8".
[[nodiscard]] std::string group_of(const Case& c);

/// The cases in the order in which they are measured.
///   1. Groups one after another get the rows they want, since half of them fit nothing: the forms of bfloat16, those of
///      other formats, then probes of the device, which no profile waits for. Other kernels for the same work than the one
///      with most cases, uneven loads of experts, tuned GEMMs and sustained clocks wait.
///   2. The rest in proportion to what groups want.
/// Inside a group every next case is the one farthest, in logarithms of its shape over their spans, from those before
/// it: first the corners, then ever finer. The order depends on the list of cases alone, not on what is measured
/// already: a run that is resumed keeps it.
[[nodiscard]] std::vector<SelectedCase> planned(std::vector<SelectedCase> cases);

/// Rows there are of every group that a form is fitted to.
struct Coverage {
    std::string group;
    std::size_t rows = 0;
    std::size_t wanted = 0;   // never more than there are cases
};
[[nodiscard]] std::vector<Coverage> coverage(const std::vector<SelectedCase>& cases,
                                             const std::function<bool(const Case&)>& finished);

}   // namespace microbench
