// SPDX-License-Identifier: Apache-2.0
#include "host/device_file.h"

#include <array>
#include <cctype>
#include <filesystem>

#include "moecost/base/error.h"
#include "moecost/base/file.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/value.h"

namespace microbench {
namespace {

struct Known {
    std::string_view part;   // of the name that the driver reports; the first match counts
    std::string_view id;
};

constexpr std::array known_devices{
    Known{"GB300", "gb300"},
    Known{"GB200", "gb200"},
    Known{"B300", "b300-sxm"},
    Known{"B200", "b200-sxm"},
    Known{"GH200 480GB", "gh200-96"},
    Known{"GH200 144G", "gh200-144"},
    Known{"H200", "h200-sxm"},
    Known{"H100 PCIe", "h100-pcie"},
    Known{"H100 NVL", "h100-nvl"},
    Known{"H100", "h100-sxm"},
    Known{"H800", "h800-sxm"},
    Known{"H20-3e", "h20-141"},
    Known{"H20", "h20-96"},
    Known{"A100-SXM4-40GB", "a100-40gb-sxm"},
    Known{"A100-SXM4-80GB", "a100-80gb-sxm"},
    Known{"A100 80GB PCIe", "a100-pcie"},
    Known{"L40S", "l40s"},
    Known{"RTX PRO 6000", "rtx-pro-6000"},
    Known{"RTX 5090", "rtx-5090"},
    Known{"RTX 4090", "rtx-4090"},
    Known{"NVIDIA L4", "l4"},
    Known{"NVIDIA A30", "a30"},
    Known{"NVIDIA A10", "a10"},
};

std::string slug(std::string_view name) {
    std::string id;
    for (const char c : name) {
        const auto u = static_cast<unsigned char>(c);
        if (std::isalnum(u) != 0) {
            id += static_cast<char>(std::tolower(u));
        } else if (!id.empty() && id.back() != '-') {
            id += '-';
        }
    }
    while (!id.empty() && id.back() == '-') id.pop_back();
    return id.empty() ? "unknown" : id;
}

}   // namespace

std::string gpu_id(std::string_view device_name) {
    for (const Known& known : known_devices) {
        if (device_name.find(known.part) != std::string_view::npos) return std::string(known.id);
    }
    return slug(device_name);
}

std::string device_json(const Backend& backend, std::string_view date, std::string_view command) {
    const Device& d = backend.device;
    moecost::JsonWriter json;
    json.begin_object();
    json.text("name", d.name);
    json.text("gpu", gpu_id(d.name));
    json.number("compute_capability", d.compute_capability);
    json.number("multiprocessors", d.multiprocessors);
    json.number("memory_bytes", d.memory_bytes);
    json.number("free_bytes", d.free_bytes);
    json.number("l2_bytes", d.l2_bytes);
    json.number("shared_bytes_per_block", d.shared_bytes_per_block);
    json.number("count", d.count);
    json.begin_object("facts");
    for (const auto& [key, value] : backend.facts) json.text(key, value);
    json.end_object();
    json.text("backend", backend.name);
    json.text("date", date);
    json.text("command", command);
    json.end_object();
    return json.str();
}

void read_device_json(const std::string& path, Backend& backend) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) {
        throw moecost::InputError({path}, {}, "no such file",
                                  "device.json is written beside the tables of a run");
    }
    const moecost::Document document = moecost::parse_json(moecost::read_file(path), path);
    const moecost::Reader reader(document);
    Device& d = backend.device;
    d.name = reader.text("name");
    d.compute_capability = static_cast<int>(reader.integer("compute_capability", 50, 1000));
    d.multiprocessors = static_cast<int>(reader.integer("multiprocessors", 1, 10000));
    d.memory_bytes = reader.number("memory_bytes", moecost::positive);
    d.free_bytes = reader.number_or("free_bytes", d.memory_bytes, moecost::positive);
    d.l2_bytes = reader.number("l2_bytes", moecost::positive);
    d.shared_bytes_per_block = reader.number_or("shared_bytes_per_block", 49152, moecost::positive);
    d.count = static_cast<int>(reader.integer_or("count", 1, 1, 1024));
    if (!reader.has("facts")) return;
    const moecost::Reader facts = reader.table("facts");
    for (const std::string& key : facts.keys()) backend.facts.emplace_back(key, facts.text(key));
}

Device assumed_device() {
    return {.name = "NVIDIA H100 80GB HBM3",
            .compute_capability = 90,
            .multiprocessors = 132,
            .memory_bytes = 85.0e9,
            .free_bytes = 84.0e9,
            .l2_bytes = 50.0 * 1024 * 1024,
            .shared_bytes_per_block = 227 * 1024,
            .count = 8};
}

}   // namespace microbench
