// SPDX-License-Identifier: Apache-2.0
#include "device/nvml.h"

#include <array>

#include "device/dynamic.h"
#include "kernels/cuda.h"
#include "moecost/base/format.h"

namespace microbench {

// The few functions used, declared here: nvml.h is not always installed. Names, types and values as in the NVML API
// reference (nvmlReturn_t 0 is success, nvmlClockType_t: graphics 0, SM 1, memory 2).
struct PowerMeter::Library {
    std::shared_ptr<void> handle;
    int (*init)() = nullptr;
    int (*by_pci)(const char*, void**) = nullptr;
    int (*power_mw)(void*, unsigned*) = nullptr;
    int (*power_limit_mw)(void*, unsigned*) = nullptr;
    int (*max_clock)(void*, int, unsigned*) = nullptr;
    int (*driver)(char*, unsigned) = nullptr;
    int (*throttle)(void*, unsigned long long*) = nullptr;
};

PowerMeter::PowerMeter(int cuda_device) {
    auto library = std::make_shared<Library>();
    library->handle = open_library({"libnvidia-ml.so.1", "libnvidia-ml.so"});
    if (!library->handle) return;
    try {
        void* h = library->handle.get();
        load_function(h, "nvmlInit_v2", library->init);
        load_function(h, "nvmlDeviceGetHandleByPciBusId_v2", library->by_pci);
        load_function(h, "nvmlDeviceGetPowerUsage", library->power_mw);
        load_function(h, "nvmlDeviceGetEnforcedPowerLimit", library->power_limit_mw);
        load_function(h, "nvmlDeviceGetMaxClockInfo", library->max_clock);
        load_function(h, "nvmlSystemGetDriverVersion", library->driver);
        load_function(h, "nvmlDeviceGetCurrentClocksThrottleReasons", library->throttle);
    } catch (const SkipCase&) {
        return;
    }
    std::array<char, 32> address{};
    if (cudaDeviceGetPCIBusId(address.data(), static_cast<int>(address.size()), cuda_device) != cudaSuccess)
        return;
    if (library->init() != 0 || library->by_pci(address.data(), &device_) != 0) return;
    library_ = std::move(library);
}

bool PowerMeter::available() const { return library_ != nullptr; }

double PowerMeter::watts() const {
    unsigned milliwatts = 0;
    if (!available() || library_->power_mw(device_, &milliwatts) != 0) return 0;
    return milliwatts * 1e-3;
}

std::vector<std::pair<std::string, std::string>> PowerMeter::facts() const {
    if (!available()) return {{"nvml", "not found"}};
    std::vector<std::pair<std::string, std::string>> facts;
    std::array<char, 96> text{};
    if (library_->driver(text.data(), static_cast<unsigned>(text.size())) == 0)
        facts.emplace_back("driver", text.data());
    unsigned value = 0;
    if (library_->max_clock(device_, 1, &value) == 0) facts.emplace_back("max_sm_mhz", std::to_string(value));
    if (library_->max_clock(device_, 2, &value) == 0)
        facts.emplace_back("max_memory_mhz", std::to_string(value));
    if (library_->power_limit_mw(device_, &value) == 0)
        facts.emplace_back("power_limit_w", moecost::significant(value * 1e-3, 4));
    unsigned long long reasons = 0;
    if (library_->throttle(device_, &reasons) == 0)
        facts.emplace_back("throttle_reasons_at_start", std::to_string(reasons));
    return facts;
}

}   // namespace microbench
