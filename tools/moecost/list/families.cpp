// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "list/models.h"
#include "moecost/base/format.h"
#include "moecost/model/family/family.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// The usual value, marked where the family allows others.
Cell choice(const FamilyChoice& c) {
    Cell cell = number_cell(c.usual, std::to_string(c.usual));
    if (c.allowed.size() != 1) cell.shown.append("*");
    return cell;
}

std::string_view attention_of(const Family& f) {
    if (f.attention_every > 1)
        return f.kv_rank > 0 ? "linear, MLA" : f.kv_heads > 0 ? "linear, GQA" : "linear, MHA";
    if (f.kv_rank > 0) return "MLA";
    return f.kv_heads > 0 ? "GQA" : "MHA";
}

}   // namespace

Sheet list_families(const DataStore& data, const std::string&) {
    Sheet sheet{"moecost.list.families/1", "families", {}, {}};
    sheet.columns = {{"id", "family"},
                     {"attention", "attention"},
                     {"ffn_ratio", "f/h", true},
                     {"hidden_per_layer", "h/l", true},
                     {"moe_every", "MoE every", true},
                     {"dense_layers", "dense", true},
                     {"experts", "E", true},
                     {"top_k", "K", true},
                     {"granularity", "G", true},
                     {"shared_experts", "shared", true},
                     {"vocabulary", "vocabulary", true},
                     {"title", ""},
                     {"source", ""}};
    for (const std::string& id : family_names(data)) {
        const Family f = load_family(data, id);
        const auto whole = [](int n) { return number_cell(n, grouped(n)); };
        sheet.rows.push_back(
            {text_cell(id), text_cell(attention_of(f)), number_cell(f.ffn_ratio, fixed(f.ffn_ratio, 2)),
             number_cell(f.hidden_per_layer, shortest(f.hidden_per_layer)), whole(f.moe_every),
             whole(f.dense_layers), choice(f.experts), choice(f.top_k), choice(f.granularity),
             choice(f.shared_experts), whole(f.vocabulary), text_cell(f.title), text_cell(f.source)});
    }
    return sheet;
}

}   // namespace moecost::cli
