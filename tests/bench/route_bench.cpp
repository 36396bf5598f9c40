// What the way from a request to its key costs, with a table of a thousand routes. Prints
// nanoseconds and allocations for each call, and fails where a call allocates that must not.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "unit/route/table_kit.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace larder;
using namespace larder::route;

constexpr int calls = 1'000'000;
bool failed = false;

template <class Call>
void measure(const char* name, bool may_allocate, Call call) {
    for (int i = 0; i < 1000; ++i) call(i);
    double best = 1e9;
    const std::size_t allocations_before = allocations;
    for (int round = 0; round < 5; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < calls / 5; ++i) call(i);
        const std::chrono::duration<double, std::nano> spent =
            std::chrono::steady_clock::now() - begin;
        best = std::min(best, spent.count() / (calls / 5));
    }
    const double each = static_cast<double>(allocations - allocations_before) / calls;
    std::printf("%-44s %8.1f ns %6.2f allocations\n", name, best, each);
    failed = failed || (!may_allocate && each > 0);
}

RouteTable thousand_routes() {
    std::vector<settings::Route> routes;
    for (int i = 0; i < 250; ++i) {
        const std::string base = "/api/v1/resource" + std::to_string(i);
        const std::string key = "resource" + std::to_string(i);
        routes.push_back(kit::read("GET " + base, key + ":list:{skip=0}:{limit=20}"));
        routes.push_back(kit::read("GET " + base + "/{id}", key + ":{id}"));
        routes.push_back(kit::read("GET " + base + "/{id}/comments/{comment}",
                                   key + ":{id}:comments:{comment}"));
        routes.push_back(
            kit::write("PUT,PATCH,DELETE " + base + "/{id}", {key + ":{id}", key + ":list:*"}));
    }
    return kit::table_of(std::move(routes));
}

}  // namespace

int main() {
    const auto begin = std::chrono::steady_clock::now();
    const RouteTable table = thousand_routes();
    const std::chrono::duration<double, std::milli> compiled =
        std::chrono::steady_clock::now() - begin;
    std::printf("%zu routes compiled in %.1f ms\n", table.routes().size(), compiled.count());

    std::vector<OfflineRequest> details;
    std::vector<OfflineRequest> lists;
    std::vector<OfflineRequest> deep;
    std::vector<OfflineRequest> misses;
    for (int i = 0; i < 256; ++i) {
        const std::string base = "GET /api/v1/resource" + std::to_string(i * 7 % 250);
        details.push_back(kit::request(base + "/" + std::to_string(i * 31)));
        lists.push_back(kit::request(base + "?skip=20&limit=10&published=true"));
        deep.push_back(
            kit::request(base + "/" + std::to_string(i) + "/comments/" + std::to_string(i * 3)));
        misses.push_back(kit::request(base + "/" + std::to_string(i) + "/likes"));
    }
    std::size_t found = 0;
    const auto matching = [&](const std::vector<OfflineRequest>& requests) {
        return [&](int i) {
            found +=
                kit::match(table, requests[static_cast<std::size_t>(i & 255)]).route != nullptr;
        };
    };
    measure("match GET /api/v1/resourceN/ID", false, matching(details));
    measure("match GET /api/v1/resourceN/ID/comments/ID", false, matching(deep));
    measure("match, no route", false, matching(misses));

    std::string key;
    std::vector<std::string> tags;
    const auto building = [&](const std::vector<OfflineRequest>& requests, bool with_tags) {
        return [&, with_tags](int i) {
            const OfflineRequest& asked = requests[static_cast<std::size_t>(i & 255)];
            const Match match = kit::match(table, asked);
            const KeyInfo key_info = build_key(*match.route, match.captures, asked.head(), key);
            if (with_tags) collect_tags(*match.route, key, key_info, tags);
            found += key.size();
        };
    };
    measure("match and key of a detail", false, building(details, false));
    measure("match and key of a list, 3 parameters", false, building(lists, false));
    measure("match, key and tags of a list", true, building(lists, true));
    PurgeSet purges;
    measure("purges of PUT /api/v1/resourceN/ID", true, [&](int i) {
        http::RequestHead head = details[static_cast<std::size_t>(i & 255)].head();
        head.method = http::Method::put;
        head.method_name = "PUT";
        purges.clear();
        table.collect_write_purges(table.match(head.method, head.method_name, head.host, head.path),
                                   head, nullptr, purges);
    });
    std::printf("(%zu)\n", found);
    return failed ? 1 : 0;
}
