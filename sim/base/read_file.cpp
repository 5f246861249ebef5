// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/read_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace moecost {
namespace {

[[noreturn]] void fail_with(const std::string& path, std::string_view what, int code) {
    std::string message(path);
    if (!what.empty()) message.append(": ").append(what);
    throw SystemError(message.append(": ").append(std::strerror(code)));
}

constexpr std::size_t max_line_bytes = std::size_t{1} << 20;

}   // namespace

void fail_too_large(const std::string& path, std::uint64_t limit) {
    const bool whole = limit >> 20 > 0;
    std::string message("larger than ");
    message.append(std::to_string(whole ? limit >> 20 : limit)).append(whole ? " MiB" : " bytes");
    throw InputError({path}, {}, message);
}

InputFile::InputFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (!file_) fail_with(path, {}, errno);
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec)) throw SystemError(std::string(path).append(": is a folder"));
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);   // pieces are large
}

std::size_t InputFile::read(std::span<char> buffer) {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
        filled += std::fread(buffer.data() + filled, 1, buffer.size() - filled, file_.get());
        const int code = errno;
        if (filled == buffer.size() || std::feof(file_.get()) != 0) break;
        if (code != EINTR) fail_with(path_, "cannot read", code);
        std::clearerr(file_.get());   // a signal came between
    }
    return filled;
}

void read_file_blocks(const std::string& path, const BlockSink& sink, std::uint64_t limit) {
    InputFile file(path);
    std::array<char, 1 << 16> buffer{};
    std::uint64_t bytes = 0;
    while (const std::size_t n = file.read(buffer)) {
        bytes += n;
        if (bytes > limit) fail_too_large(path, limit);
        sink({buffer.data(), n});
    }
}

void LineSplitter::check_length(std::size_t length) const {
    if (length > max_line_bytes) throw InputError({file_, line_}, {}, "a line is longer than 1 MiB");
}

void LineSplitter::push(std::string_view block) {
    for (std::size_t end = block.find('\n'); end != std::string_view::npos; end = block.find('\n')) {
        check_length(carried_.size() + end);
        sink_(carried_.empty() ? block.substr(0, end) : carried_.append(block.substr(0, end)));
        carried_.clear();
        ++line_;
        block.remove_prefix(end + 1);
    }
    carried_.append(block);
    check_length(carried_.size());
}

bool LineSplitter::finish() {
    if (carried_.empty()) return false;
    sink_(carried_);
    return true;
}

std::string read_file(const std::string& path, std::uint64_t limit) {
    std::string content;
    read_file_blocks(
        path, [&](std::string_view block) { content.append(block); }, limit);
    return content;
}

}   // namespace moecost
