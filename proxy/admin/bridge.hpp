#pragma once
#include <functional>
#include <memory>

#include "admin/backend.hpp"
#include "server/worker.hpp"

namespace larder::server {

/// Answers the admin server from the running program: what takes I/O runs on one worker's thread.
class AdminBridge : public admin::AdminBackend {
public:
    using CurrentConfig = std::function<std::shared_ptr<const flow::Config>()>;

    AdminBridge(Shared& shared, Worker& worker, CurrentConfig config, std::function<bool()> ready)
        : shared_(shared), worker_(worker), config_(std::move(config)), ready_(std::move(ready)) {}

    bool ready() override { return ready_(); }
    std::string metrics_text() override;
    std::string stats_json() override;
    std::string config_text() override;
    void explain(admin::ExplainQuestion question,
                 std::function<void(admin::JsonAnswer)> done) override;
    void purge(admin::PurgeOrder order, std::function<void(admin::PurgeResult)> done) override;

private:
    Shared& shared_;
    Worker& worker_;
    CurrentConfig config_;
    std::function<bool()> ready_;
};

}  // namespace larder::server
