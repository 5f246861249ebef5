// SPDX-License-Identifier: Apache-2.0
// Architectures as TOML: our own model files (workloads/models/*.toml), read with exact key checks and written back.
//
//   name = "mixtral-8x7b"            aliases = [...]  source = "..."  notes = [...]
//   hidden, vocabulary, layers, max_position, tied_embeddings, ...
//   [[mixer]]  kind = "grouped" | "latent" | "compressed" | "delta_net" | "kimi_delta" | "mamba2" | "mamba1" |
//              "lightning" | "short_conv"; beside (false): in layers another group covers; count = layers of this kind; norms (1); the fields of the kind (architecture.h)
//   [[ffn]]    kind = "dense" | "moe"; count; norms (1); the fields of the kind
//   [[table]]  name, rows, width, on_host (false): a table tokens look up besides the embedding
//   [[tower]]  name, parameters: vision and audio encoders and the like, not in the total
//   [[mixed]]  component, bytes: what a release with several formats in a component holds beyond its main format
//   [positions] alias = longest context, where a later release under this file holds more
//   licence, released (YYYY-MM), warnings: told, never computed with
//   [mtp]      count, projections (1), norms (3), own_head, [[mtp.mixer]], [[mtp.ffn]]
//   [precision] attention, dense_ffn, shared_experts, routed_experts, embeddings, head, kv_cache (bf16)
// head_dim stands for equal qk_dim and v_dim. A key that is absent means 0, false or none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/model/architecture.h"

namespace moecost {

[[nodiscard]] Architecture architecture_from_toml(const Document& document);
/// `aliases` are other names a library knows the file by; they are no part of an architecture.
[[nodiscard]] std::string architecture_to_toml(const Architecture& architecture,
                                               const std::vector<std::string>& aliases = {});

/// A what-if edit such as experts=64, top_k=6, layers=48, hidden=4096, applied to every group that has the field
/// and validated like a file; the architecture is unchanged when it fails. InputError names the nearest field.
///   window, dense_width  only groups that have one already, or all when none has
///   head_dim             qk_dim and v_dim together
///   indexer_*            fields of the indexer of groups that have one
///   layers               scales the group counts; few leading dense layers (an eighth or less) stay as they are
void apply_edit(Architecture& architecture, std::string_view key, std::string_view value);
/// The keys apply_edit knows for this architecture.
[[nodiscard]] std::vector<std::string> edit_keys(const Architecture& architecture);

}   // namespace moecost
