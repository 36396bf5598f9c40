#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "settings/settings.hpp"
#include "store/memory_store.hpp"

namespace larder::store {

/// A thread that compresses stored responses (`compress`) and puts them back into the memory tier
/// with their coded forms. Any thread may give it work.
class Compressor {
public:
    /// Starts the thread. `store` must outlive it.
    explicit Compressor(MemoryStore& store);
    /// Stops it behind the coding it is at; what waits is dropped.
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    /// Takes an entry of the memory tier. Dropped where too many wait.
    void add(std::string_view key, cache::Stored entry, std::vector<settings::Coding> codings);

private:
    struct Job {
        std::string key;
        cache::Stored entry;
        std::vector<settings::Coding> codings;
    };
    void run();
    void compress(const Job& job);

    MemoryStore& store_;
    std::mutex mutex_;  // guards the two below
    std::deque<Job> jobs_;
    bool stopped_ = false;
    std::condition_variable signal_;
    std::thread thread_;
};

}  // namespace larder::store
