#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "fuzz/fuzz.hpp"

// Runs every target over its files in corpus/ and crashes/, and over each file cut short: no fuzzer
// needed, any compiler will do. The name of a file is written before it runs, so that a crash shows
// whose it was.

namespace {

using namespace larder::fuzz;

struct Target {
    const char* name;
    void (*run)(std::string_view input);
};

constexpr std::array targets{
    Target{"request_head", request_head},
    Target{"response_head", response_head},
    Target{"chunked_body", chunked_body},
    Target{"cache_control", cache_control},
    Target{"field_values", field_values},
    Target{"cache_decisions", cache_decisions},
    Target{"routes", routes},
    Target{"configuration", configuration},
    Target{"redis_replies", redis_replies},
    Target{"stored_entry", stored_entry},
    Target{"proxy_header", proxy_header},
    Target{"admin_input", admin_input},
    Target{"addresses", addresses},
    Target{"http2_session", http2_session},
    Target{"canonical_json", canonical_json},
};

constexpr std::size_t cuts = 16;

std::string read_all(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool replay(const Target& target, const std::filesystem::path& path) {
    std::cout << path.string() << std::endl;
    const std::string input = read_all(path);
    try {
        target.run(input);
        for (std::size_t i = 0; i < cuts; ++i)
            target.run(std::string_view(input).substr(0, input.size() * i / cuts));
        return true;
    } catch (const std::exception& error) {
        std::cout << "  FAILED: " << error.what() << std::endl;
        return false;
    }
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    if (!std::filesystem::exists(folder)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::cerr << "usage: larder_fuzz_replay FOLDER\n";
        return 2;
    }
    const std::filesystem::path folder(words[1]);
    std::size_t run = 0;
    std::size_t failed = 0;
    for (const Target& target : targets) {
        const auto seeds = files_in(folder / "corpus" / target.name);
        if (seeds.empty()) {
            std::cout << "  FAILED: " << target.name << " has no corpus" << std::endl;
            ++failed;
        }
        auto files = files_in(folder / "crashes" / target.name);
        files.insert(files.end(), seeds.begin(), seeds.end());
        for (const auto& file : files) {
            ++run;
            if (!replay(target, file)) ++failed;
        }
    }
    std::cout << run << " inputs, " << failed << " failures" << std::endl;
    return failed == 0 ? 0 : 1;
}
