// SPDX-License-Identifier: Apache-2.0
// device.json: what was measured, by which driver and runtime, when and with which command.
#pragma once

#include <string>
#include <string_view>

#include "host/measure.h"

namespace microbench {

/// Name of the device as the published tables and hwmodels/accelerators spell it: "NVIDIA H100 80GB HBM3" is
/// h100-sxm. Unknown devices: the name in lower case, with '-' for everything else.
[[nodiscard]] std::string gpu_id(std::string_view device_name);

/// The text of device.json; `date` as YYYY-MM-DD.
[[nodiscard]] std::string device_json(const Backend& backend, std::string_view date,
                                      std::string_view command);

/// Device and facts of a device.json. InputError or SystemError when it cannot be read.
void read_device_json(const std::string& path, Backend& backend);

/// An H100 of eight in one machine: what --list assumes where there is no device to ask.
[[nodiscard]] Device assumed_device();

}   // namespace microbench
