// SPDX-License-Identifier: Apache-2.0
// Measured points as a table of the columns that read_points() knows.
#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/measured/benchmarks.h"

namespace moecost {
namespace {

constexpr std::string_view header =
    "id,source,source_date,scenario,gpu,num_gpus,engine,model,weight_dtype,moe_dtype,kv_dtype,isl,osl,length_"
    "spread,"
    "concurrency,num_prompts,request_rate,tp,pp,ep,attention_dp,mtp,mtp_draft_tokens,out_tok_s_gpu,total_tok_"
    "s_gpu,"
    "ttft_ms,tpot_ms,e2e_ms,suspect\n";

void add(std::string& s, std::string_view text) { s.append(csv_field(text)).append(","); }
void add(std::string& s, const std::optional<double>& value) {
    s.append(value ? shortest(rounded(*value, 9)) : std::string()).append(",");
}

}   // namespace

std::string points_csv(const std::vector<MeasuredPoint>& points) {
    std::string s(header);
    for (const MeasuredPoint& p : points) {
        for (const std::string& text : {p.id, p.source, p.date, p.scenario, p.gpu}) add(s, text);
        add(s, p.gpus);
        for (const std::string& text : {p.engine, p.model, p.weights, p.experts, p.cache}) add(s, text);
        add(s, p.isl);
        add(s, p.osl);
        add(s, p.spread_lengths ? "uniform 0.8-1.0 of nominal" : "");
        for (const auto& value : {p.concurrency, p.prompts, p.rate, p.tp, p.pp, p.ep, p.attention_dp})
            add(s, value);
        add(s, p.speculative ? "1" : "");
        for (const auto& value :
             {p.draft_tokens, p.output_per_gpu, p.total_per_gpu, p.ttft_ms, p.tpot_ms, p.e2e_ms})
            add(s, value);
        s.append(p.suspect ? "1" : "").append("\n");
    }
    return s;
}

}   // namespace moecost
