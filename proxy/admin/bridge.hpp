#pragma once
#include <chrono>
#include <functional>
#include <memory>

#include "admin/backend.hpp"
#include "flow/services.hpp"
#include "observe/history.hpp"

namespace larder::admin {

/// Answers the admin server from the running program. Work with I/O runs on the thread of one
/// worker.
class Bridge final : public AdminBackend {
public:
    using CurrentConfig = std::function<std::shared_ptr<const flow::Config>()>;

    /// Loads the configuration again and says what came of it, later and from any thread.
    using Reload = std::function<void(std::function<void(JsonAnswer)>)>;

    /// `services`: of that worker. All references outlive the bridge.
    Bridge(const observe::Metrics& metrics, flow::Services& services, CurrentConfig config,
           std::function<bool()> ready, Reload reload,
           std::vector<std::shared_ptr<const observe::KeyRanks>> ranks,
           const observe::History& history)
        : metrics_(metrics),
          services_(services),
          config_(std::move(config)),
          ready_(std::move(ready)),
          reload_(std::move(reload)),
          ranks_(std::move(ranks)),
          history_(history) {}

    bool ready() override { return ready_(); }
    std::string metrics_text() override;
    std::string stats_json() override;
    std::string history_json() override;
    std::string config_text() override;
    void explain(ExplainQuestion question, std::function<void(JsonAnswer)> done) override;
    void purge(PurgeOrder order, PurgeAsker asker, std::function<void(PurgeResult)> done) override;
    void count_entries(PurgeOrder order, std::function<void(JsonAnswer)> done) override;
    void list_entries(EntriesQuestion question, std::function<void(JsonAnswer)> done) override;
    void show_entry(EntryQuestion question, std::function<void(JsonAnswer)> done) override;
    std::string purges_json() override;
    std::vector<observe::RankedKey> top(observe::RankBy by, std::size_t count) override;
    std::string advice_json() override;
    std::shared_ptr<observe::EventListener> listen(observe::EventFilter filter,
                                                   std::function<void()> wake) override;
    void reload(std::function<void(JsonAnswer)> done) override;

private:
    /// Starts `make(services)` on the worker's thread, and answers 500 after an exception. `what`
    /// completes "failed: " in the log.
    void run(std::function<net::Task<void>(flow::Services&)> make,
             std::function<void(JsonAnswer)> done, const char* what);

    const observe::Metrics& metrics_;
    flow::Services& services_;
    CurrentConfig config_;
    std::function<bool()> ready_;
    Reload reload_;
    std::vector<std::shared_ptr<const observe::KeyRanks>> ranks_;  // of each worker
    const observe::History& history_;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
};

}  // namespace larder::admin
