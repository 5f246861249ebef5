// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/read_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace moecost {
namespace {

[[noreturn]] void fail_with(const std::string& path, std::string_view what, int code) {
    std::string message(path);
    if (!what.empty()) message.append(": ").append(what);
    throw SystemError(message.append(": ").append(std::strerror(code)));
}

struct Close {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

}   // namespace

void fail_too_large(const std::string& path, std::uint64_t limit) {
    const bool whole = limit >> 20 > 0;
    std::string message("larger than ");
    message.append(std::to_string(whole ? limit >> 20 : limit)).append(whole ? " MiB" : " bytes");
    throw InputError({path}, {}, message);
}

void read_file_blocks(const std::string& path, const BlockSink& sink, std::uint64_t limit) {
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
    if (!file) fail_with(path, {}, errno);
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec)) throw SystemError(std::string(path).append(": is a folder"));
    std::array<char, 1 << 16> buffer{};
    std::uint64_t bytes = 0;
    while (true) {
        const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file.get());
        const int code = errno;
        bytes += n;
        if (bytes > limit) fail_too_large(path, limit);
        if (n > 0) sink({buffer.data(), n});
        if (n == buffer.size()) continue;
        if (std::feof(file.get()) != 0) return;
        if (code != EINTR) fail_with(path, "cannot read", code);
        std::clearerr(file.get());   // a signal came between
    }
}

std::string read_file(const std::string& path, std::uint64_t limit) {
    std::string content;
    read_file_blocks(
        path, [&](std::string_view block) { content.append(block); }, limit);
    return content;
}

}   // namespace moecost
