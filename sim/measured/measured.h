// SPDX-License-Identifier: Apache-2.0
// Published serving measurements: the rows of a table, and the recipes their engines ran with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moecost/base/csv.h"
#include "moecost/base/data.h"

namespace moecost {

/// One of two pools, as a table states it.
struct MeasuredPool {
    double workers = 1;
    double gpus = 1;   // of a worker, all ranks and stages
    double pp = 1;
    double attention_dp = 1;
    std::optional<double> ep;   // none: not recorded
};

/// One row of a table of measurements. Numbers that the table leaves empty are not known (never zero).
struct MeasuredPoint {
    std::string id, source, date, scenario, gpu, engine, model;
    std::string path;                      // of the checkpoint, as the table spells it
    std::string weights, experts, cache;   // formats as the table spells them; empty: not recorded
    bool spread_lengths = false;           // uniform 0.8 to 1.0 of nominal
    bool suspect = false;
    bool disaggregated = false;
    bool speculative = false;
    std::string version, image;   // of the engine; empty: not recorded
    std::optional<double> ttft_p99_ms, tpot_p99_ms;
    bool repeated = false;                         // the same measurement stands in another table of the kit
    std::optional<MeasuredPool> prefill, decode;   // prefill and decode apart
    double in_flight_share = 1;   // of the requests asked for that were in flight over the whole run
    std::optional<double> gpus, isl, osl, concurrency, prompts, rate;
    std::optional<double> tp, pp, ep, attention_dp, draft_tokens;
    std::optional<double> output_per_gpu, total_per_gpu, ttft_ms, tpot_ms, e2e_ms;
};

/// Reads a table by the columns of columns.h. Tables of disaggregated or multi-token-prediction runs are recognised.
[[nodiscard]] std::vector<MeasuredPoint> read_points(const CsvTable& table);

/// What a recipe set that is not in the row.
struct RecipeSettings {
    std::optional<double> chunk_tokens;
    std::optional<double> admission_steps;
    std::optional<double> acceptance;          // of a drafted token
    std::optional<double> redundant_experts;   // where ranks do not divide the experts
    std::optional<double> draft_tokens;        // where the row says that it drafts, but not how many
    std::optional<double> memory_fraction, output_reserve;
    std::optional<double> cache_tokens;   // room of a rank that the server printed
    std::optional<double> step_time;      // of a release of long ago, over those that the constants are of
    std::string attention;                // format of attention in a checkpoint that keeps it apart
    std::string
        cache;   // format of the cache where the row is silent or repeats a default; empty: as it says
    std::string left_out;   // why the row measures something else; empty: it does not
    std::string
        release;   // generation of the software, where the row's own name does not tell; empty: as it says
    std::string exchange;   // all-to-all backend as the option --all-to-all spells it; empty: collectives
};

/// Rules of hwmodels/measured/recipes.toml.
class Recipes {
  public:
    explicit Recipes(const Document& document);
    /// `model` and `gpu` by the names of the library. Later matching rules win.
    [[nodiscard]] RecipeSettings settings(const MeasuredPoint& point, const std::string& model,
                                          const std::string& gpu) const;

  private:
    struct Rule {
        std::string engine;
        std::vector<std::string> models, gpus;
        std::vector<std::string> scenarios;
        std::optional<bool> spread_lengths;
        std::optional<double> concurrency_below, gpus_above;
        std::string exchange, cache, weights, attention, left_out, since, until, release;
        std::vector<std::string> paths;
        std::optional<double> chunk_tokens, admission_steps, draft_tokens, acceptance, redundant_experts,
            memory_fraction, output_reserve, cache_tokens, step_time;
        std::optional<bool> apart;
        double chunk_per_isl = 0, chunk_per_request = 0, chunk_extra = 0;
    };
    std::vector<Rule> rules_;
};

}   // namespace moecost
