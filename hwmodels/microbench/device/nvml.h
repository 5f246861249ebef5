// SPDX-License-Identifier: Apache-2.0
// What NVML tells of a device, read only: power, clocks, limits. NVML is loaded when the program runs.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace microbench {

/// Empty functions where NVML or the device in it was not found.
class PowerMeter {
  public:
    /// Of a CUDA device, by its PCI address.
    explicit PowerMeter(int cuda_device);
    [[nodiscard]] bool available() const;
    /// Board power in watts; 0 where it is not known.
    [[nodiscard]] double watts() const;
    /// Driver version, largest clocks, power limit, and what throttles now, for device.json.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> facts() const;

  private:
    struct Library;
    std::shared_ptr<const Library> library_;
    void* device_ = nullptr;
};

}   // namespace microbench
