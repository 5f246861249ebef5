// SPDX-License-Identifier: Apache-2.0
// A folder that a test fills and that is gone when the test ends.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

struct ScratchFolder {
    std::filesystem::path path;

    ScratchFolder() {
        std::string name("moecost-test-");
        path = std::filesystem::temp_directory_path() / name.append(std::to_string(std::random_device{}()));
        std::filesystem::create_directories(path);
    }
    ~ScratchFolder() {
        std::error_code ec;
        std::filesystem::remove_all(path, ec);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    /// Writes a file (folders are made) and returns its path.
    std::string write(std::string_view name, std::string_view content) const {
        const std::filesystem::path file = path / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary)
            .write(content.data(), static_cast<std::streamsize>(content.size()));
        return file.string();
    }
};
