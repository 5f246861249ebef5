// SPDX-License-Identifier: Apache-2.0
#include "host/tables.h"

#include <algorithm>
#include <array>

#include "host/plain_number.h"
#include "moecost/base/csv.h"
#include "moecost/base/format.h"

namespace microbench {
namespace {

struct Table {
    std::string_view name;
    std::string_view columns;   // separated by commas, up to latency_us
};

constexpr std::array tables{
    Table{"gemm", "gpu,engine,engine_version,dtype,kernel,n,k,m"},
    Table{"gemm_tuned", "gpu,engine,engine_version,dtype,kernel,n,k,m"},
    Table{"moe",
          "gpu,engine,engine_version,dtype,kernel,hidden,inter,top_k,experts,tp,ep,distribution,tokens"},
    Table{"attention_decode",
          "gpu,engine,engine_version,dtype,kv_dtype,kernel,q_heads,kv_heads,head_dim,window,batch,context"},
    Table{
        "attention_prefill",
        "gpu,engine,engine_version,dtype,kv_dtype,kernel,q_heads,kv_heads,head_dim,window,batch,isl,prefix"},
    Table{"mla_decode",
          "gpu,engine,engine_version,scope,model,dtype,kv_dtype,gemm_dtype,kernel,heads,batch,context"},
    Table{"mla_prefill",
          "gpu,engine,engine_version,scope,model,dtype,kv_dtype,gemm_dtype,kernel,heads,batch,isl,prefix"},
    Table{"nccl", "gpu,nccl_version,op,dtype,gpus,elements,bytes"},
    Table{"allreduce", "gpu,engine,engine_version,dtype,mode,gpus,elements,bytes,algorithm"},
    Table{"small_ops", "gpu,engine,engine_version,op,dtype,kernel,width,top_k,tokens"},
};

constexpr std::array context_columns{"gpu", "engine", "engine_version", "nccl_version"};
constexpr std::array result_columns{"latency_us", "suspect", "code", "p10_us", "p90_us", "samples",
                                    "sm_mhz",     "power_w", "flop", "bytes",  "error"};

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t comma = std::min(text.find(',', start), text.size());
        parts.emplace_back(text.substr(start, comma - start));
        start = comma + 1;
    }
    return parts;
}

std::string joined(const std::vector<std::string>& fields) {
    std::string line;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) line += ',';
        line += moecost::csv_field(fields[i]);
    }
    return line;
}

bool is_context(std::string_view column) {
    return std::find(context_columns.begin(), context_columns.end(), column) != context_columns.end();
}

/// The field of an identity column. Empty: not applicable to this case.
std::string field_of(const Case& c, const Context& context, std::string_view column) {
    if (column == "gpu") return context.gpu;
    if (column == "engine") return context.engine;
    if (column == "engine_version") return context.engine_version;
    if (column == "nccl_version") return context.nccl_version;
    if (column == "kernel") return c.kernel;
    if (column == "dtype") return c.dtype;
    if (column == "distribution") return c.distribution;
    for (const auto& [name, text] : c.labels) {
        if (name == column) return text;
    }
    for (const auto& [name, value] : c.shape) {
        if (name == column) return plain_number(value);
    }
    return {};
}

/// Zero means that the back end does not know it.
std::string known(double value, int digits) {
    return value > 0 ? moecost::significant(value, digits) : std::string();
}

std::string result_field(const Case& c, const Measurement& m, std::string_view column) {
    if (column == "latency_us") return moecost::significant(m.summary.median_us, 5);
    if (column == "suspect") return m.suspect ? "1" : "0";
    if (column == "code") return m.code;
    if (column == "p10_us") return moecost::significant(m.summary.p10_us, 5);
    if (column == "p90_us") return moecost::significant(m.summary.p90_us, 5);
    if (column == "samples") return std::to_string(m.summary.samples);
    if (column == "sm_mhz") return known(m.summary.sm_mhz, 4);
    if (column == "power_w") return known(m.summary.power_w, 4);
    if (column == "flop") return plain_number(c.work.flop);
    if (column == "bytes") return plain_number(c.work.bytes);
    return moecost::significant(m.error, 3);
}

}   // namespace

std::vector<std::string> identity_columns(const Case& c) {
    for (const Table& table : tables) {
        if (table.name == c.table) return split(table.columns);
    }
    std::vector<std::string> columns{"gpu", "engine", "engine_version", "dtype", "kernel"};
    for (const auto& [name, text] : c.labels) columns.push_back(name);
    if (!c.distribution.empty()) columns.push_back("distribution");
    for (const auto& [name, value] : c.shape) columns.push_back(name);
    return columns;
}

std::vector<std::string> measurement_columns(const std::vector<std::string>& identity) {
    const bool has_bytes = std::find(identity.begin(), identity.end(), "bytes") != identity.end();
    std::vector<std::string> columns;
    for (const std::string_view column : result_columns) {
        if (!(has_bytes && column == "bytes")) columns.emplace_back(column);
    }
    return columns;
}

std::string header_of(const Case& c) {
    std::vector<std::string> columns = identity_columns(c);
    for (std::string& column : measurement_columns(columns)) columns.push_back(std::move(column));
    return joined(columns);
}

std::string row_of(const Case& c, const Context& context, const Measurement& measurement) {
    const std::vector<std::string> identity = identity_columns(c);
    std::vector<std::string> fields;
    for (const std::string& column : identity) fields.push_back(field_of(c, context, column));
    for (const std::string& column : measurement_columns(identity)) {
        fields.push_back(result_field(c, measurement, column));
    }
    return joined(fields);
}

std::string key_of(const Case& c) {
    const std::vector<std::string> identity = identity_columns(c);
    std::vector<std::string> fields;
    for (const std::string& column : identity) fields.push_back(field_of(c, {}, column));
    return key_of_row(identity, fields);
}

std::string key_of_row(const std::vector<std::string>& identity, const std::vector<std::string>& fields) {
    std::vector<std::string> key;
    for (std::size_t i = 0; i < identity.size(); ++i) {
        if (!is_context(identity[i])) key.push_back(fields[i]);
    }
    return joined(key);
}

}   // namespace microbench
